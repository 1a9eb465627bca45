"""The desk's lane: tells the desk what somebody must do, in chat groups and by mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from incidents import clock
from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry, Skipped, State
from incidents.log import logger
from incidents.notices import letter as channel
from incidents.notices import notice_settings
from incidents.notices.customer import House, LookUp
from incidents.notices.facts import AlarmFacts, AnyFacts
from incidents.notices.letter import NOTICES, Time, alarm
from incidents.notices.notice_settings import Outlet
from incidents.notices.record import Record
from incidents.notices.templating import TemplateError
from incidents.notices.wording import Wording

_NOTICES = {"call": "call_task", "alarm": "alarm"}
_LOUD = frozenset(
    {
        "alarm", "daemon_silent", "halted", "mark_unread", "clock_about_to_lapse", "closure_waits",
    }
)  # fmt: skip
"""What is worse or too late in the morning: a site that should be down is up, or is to be closed at
once; nothing enforces the clock; nothing is carried out; an hour is nearly over. A call to a
customer may wait.
"""

_LOG = logger("notices")


class Desk:
    """Tells the desk by each outlet that is not quiet; told if one of them takes it.

    What is loud does not ask for the hour. What is not, and finds every outlet quiet, waits for
    the first one's quiet hours to end. Nobody's name, number or address is told to the desk here:
    groups are on others' servers, and the queue has them.
    """

    def __init__(
        self,
        *,
        facts: LookUp,
        wording: Wording,
        outlets: Sequence[Outlet],
        now: Callable[[], datetime] = clock.now,
        name: str = notice_settings.ALARMS,
    ) -> None:
        self.name = name
        self._facts = facts
        self._wording = wording
        self._outlets = tuple(outlets)
        self._now = now

    @property
    def is_set_up(self) -> bool:
        """Whether there is a channel at all."""
        return bool(self._outlets)

    def deliver(self, order: Order) -> Outcome:
        """Make one attempt."""
        if not self._outlets:
            return Skipped(why="no_channel")
        notice = _NOTICES.get(order.kind)
        if notice is None:
            return Skipped(why="no_notice")
        facts = self._facts(order)
        if facts is None:
            return Skipped(why="not_on_record")
        if facts.settled:
            return Skipped(why="settled")
        return self._tell(notice, facts, order.id, loud=order.kind in _LOUD)

    def alarm(
        self, kind: str, facts: AlarmFacts, *, subject_key: str, loud: bool | None = None
    ) -> Outcome:
        """Tell of something that is no order, once: who calls decides whether it was told already.

        `kind` is one of `catalogue.ALARMS`; `subject_key` names what it is about, `12-3` say: the
        same alarm about the same thing bears the same Message-ID. Whether it is `loud` follows from
        its kind, unless it is said.

        Raises:
            ValueError: for an unknown kind.
        """
        notice = alarm(kind)
        if notice not in NOTICES:
            raise ValueError(f"no alarm is called {kind!r}")
        if not self._outlets:
            return Skipped(why="no_channel")
        return self._tell(notice, facts, f"alarm.{kind}.{subject_key}",
                          loud=kind in _LOUD if loud is None else loud)  # fmt: skip

    def state(self, site: str) -> State | None:  # noqa: ARG002 - the desk is no site
        """Unknown."""
        return None

    def _tell(self, notice: str, facts: AnyFacts, id_: str, *, loud: bool) -> Outcome:
        now = self._now()
        ends = [None if loud or o.quiet is None else o.quiet.ends(now) for o in self._outlets]
        awake = [outlet for outlet, end in zip(self._outlets, ends, strict=True) if end is None]
        if not awake:
            return Retry(
                problem="quiet", after=min(end for end in ends if end is not None) - now,
                detail="every channel has its quiet hours",
            )  # fmt: skip
        try:
            letter = self._wording.letter(notice, facts, id_)
        except TemplateError as error:
            return Failed(problem="template_wrong", detail=error.message)
        time, outcomes = Time(), []
        for left, outlet in zip(range(len(awake), 0, -1), awake, strict=True):
            outcome = outlet.channel.send(letter, outlet.to, within_s=time.share(left))
            outcomes.append(outcome)
            if isinstance(outcome, Retry | Failed):
                _LOG.warning(
                    "a channel did not take what the desk is to know",
                    order=id_, item=outlet.channel.name, reason=outcome.problem,
                )  # fmt: skip
        told = next((o for o in outcomes if isinstance(o, Delivered)), None)
        return told or channel.worst(outcomes)


def of(house: House, *, environ: Mapping[str, str] | None = None) -> Desk:
    """The desk's lane as [alarms] says; raises as `customer.of` does."""
    found = notice_settings.to_desk(house.settings.zone, environ)
    return Desk(facts=Record(house.reading), wording=found.wording, outlets=found.outlets)
