"""The lanes of notices: one to the customer, one to the desk.

The customer's lane informs the responsible person of findings and measures. The desk's lane informs
the desk of its tasks, in chat groups and by email.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from incidents import clock
from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry, Skipped, State
from incidents.log import logger
from incidents.notices import notice_settings
from incidents.notices.facts import AlarmFacts, AnyFacts, Facts
from incidents.notices.letter import Channel, Recipient, TimeBudget, worst_outcome
from incidents.notices.notice_settings import Outlet
from incidents.notices.notice_types import NOTICES
from incidents.notices.record import FactsOfOrders, Link
from incidents.notices.templating import TemplateError
from incidents.notices.wording import Wording
from incidents.settings.sources import Settings

FactsLookup = Callable[[Order], Facts | None]


class App(Protocol):
    """The settings and the database."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that reads one state of the database."""


class CustomerLane:
    """The lane to the customer of an order's site, by the first channel that accepts the letter.

    No notice is sent about a settled incident, a struck suspension or a withdrawn closure, because
    it would be wrong. A violation on a closed site is also sent, with its own wording, because the
    customer should know all findings, and the notice of the closure names only the grounds.
    """

    def __init__(
        self,
        *,
        facts: FactsLookup,
        wording: Wording,
        channels: Sequence[Channel],
        name: str = notice_settings.NOTICES,
    ) -> None:
        self.name = name
        self._facts = facts
        self._wording = wording
        self._channels = tuple(channels)

    @property
    def is_set_up(self) -> bool:
        """Whether there is any channel."""
        return bool(self._channels)

    def deliver(self, order: Order) -> Outcome:
        """Make one attempt."""
        if not self._channels:
            return Skipped(why="no_channel")
        notice = notice_of(order)
        if notice is None:
            return Skipped(why="no_notice")
        facts = _facts_or_skip(self._facts, order)
        if isinstance(facts, Skipped):
            return facts
        if facts.email is None and facts.phone is None:
            return Skipped(why="no_address")
        try:
            letter = self._wording.letter(notice, facts, order.id)
        except TemplateError as error:
            return Failed(problem="template_wrong", detail=error.message)
        to = Recipient(
            mail=() if facts.email is None else (facts.email,), name=facts.person, phone=facts.phone
        )
        budget, outcomes = TimeBudget(), []
        for left, each in zip(range(len(self._channels), 0, -1), self._channels, strict=True):
            outcomes.append(each.send(letter, to, within_s=budget.share(left)))
            if isinstance(outcomes[-1], Delivered):
                return outcomes[-1]
        return worst_outcome(outcomes)

    def state(self, site: str) -> State | None:  # noqa: ARG002 - nobody can be asked
        """Always None: the state is unknown."""
        return None


def _facts_or_skip(look_up: FactsLookup, order: Order) -> Facts | Skipped:
    """The facts of an order, or the reason to send nothing."""
    facts = look_up(order)
    if facts is None:
        return Skipped(why="not_on_record")
    return Skipped(why="settled") if facts.settled else facts


def notice_of(order: Order) -> str | None:
    """The name of the customer's notice about an order; None if there is none."""
    match order.kind:
        case "notify":
            return "violation_found"
        case "suspend":
            return "suspended_held" if order.until is None else "suspended"
        case "reopen":
            return "reopened"
        case "close":
            return "closed"
        case _:
            return None


def customer_lane(
    app: App, *, link: Link | None = None, environ: Mapping[str, str] | None = None
) -> CustomerLane:
    """The customer's lane from [notices]; `link` gives the address of the customer's page, if any.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, NoAppriseError, TemplateError: naming
            the wrong setting.
    """
    found = notice_settings.customer_settings(app.settings.zone, environ)
    record = FactsOfOrders(app.reading, link)
    return CustomerLane(facts=record, wording=found.wording, channels=found.channels)


_NOTICES = {"call": "call_task", "alarm": "alarm"}
_URGENT = frozenset(
    {
        "alarm", "daemon_silent", "halted", "mark_unread", "clock_about_to_lapse", "closure_waits",
    }
)  # fmt: skip
"""The alarms that cannot wait until morning: a site that should be down is up, or a closure waits;
nothing enforces the clock; no orders are carried out; a contact deadline is near. A call to a
customer can wait."""

_LOG = logger("notices")


class DeskLane:
    """The lane to the desk, through all outlets outside their quiet hours; one of them must accept.

    An urgent alarm ignores quiet hours. If all outlets have quiet hours, any other alarm waits
    until the first quiet hours end. Customers' names, numbers and addresses are left out, because
    chat groups are on others' servers, and the queue shows these data.
    """

    def __init__(
        self,
        *,
        facts: FactsLookup,
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
        """Whether there is any channel."""
        return bool(self._outlets)

    def deliver(self, order: Order) -> Outcome:
        """Make one attempt."""
        if not self._outlets:
            return Skipped(why="no_channel")
        notice = _NOTICES.get(order.kind)
        if notice is None:
            return Skipped(why="no_notice")
        facts = _facts_or_skip(self._facts, order)
        if isinstance(facts, Skipped):
            return facts
        return self._send(notice, facts, order.id, urgent=order.kind in _URGENT)

    def alarm(
        self, kind: str, facts: AlarmFacts, *, subject_key: str, urgent: bool | None = None
    ) -> Outcome:
        """Send an alarm that is not an order; the caller prevents repetition.

        `kind`: the kind in the name of the notice (`alarm_KIND`). `subject_key`: the subject, such
        as `12-3`; the same alarm about the same subject has the same Message-ID. `urgent`: by
        default, this depends on the kind.

        Raises:
            ValueError: for an unknown kind.
        """
        notice = f"alarm_{kind}"
        if notice not in NOTICES:
            raise ValueError(f"no alarm is called {kind!r}")
        if not self._outlets:
            return Skipped(why="no_channel")
        return self._send(notice, facts, f"alarm.{kind}.{subject_key}",
                          urgent=kind in _URGENT if urgent is None else urgent)  # fmt: skip

    def state(self, site: str) -> State | None:  # noqa: ARG002 - the desk is not a site
        """Always None: the state is unknown."""
        return None

    def _send(self, notice: str, facts: AnyFacts, id_: str, *, urgent: bool) -> Outcome:
        now = self._now()
        ends = [None if urgent or o.quiet is None else o.quiet.ends(now) for o in self._outlets]
        active = [outlet for outlet, end in zip(self._outlets, ends, strict=True) if end is None]
        if not active:
            return Retry(
                problem="quiet", after=min(end for end in ends if end is not None) - now,
                detail="every channel has its quiet hours",
            )  # fmt: skip
        try:
            letter = self._wording.letter(notice, facts, id_)
        except TemplateError as error:
            return Failed(problem="template_wrong", detail=error.message)
        budget, outcomes = TimeBudget(), []
        for left, outlet in zip(range(len(active), 0, -1), active, strict=True):
            outcome = outlet.channel.send(letter, outlet.to, within_s=budget.share(left))
            outcomes.append(outcome)
            if isinstance(outcome, Retry | Failed):
                _LOG.warning(
                    "a channel did not take what the desk is to know",
                    order=id_, item=outlet.channel.name, reason=outcome.problem,
                )  # fmt: skip
        delivered = next((o for o in outcomes if isinstance(o, Delivered)), None)
        return delivered or worst_outcome(outcomes)


def desk_lane(app: App, *, environ: Mapping[str, str] | None = None) -> DeskLane:
    """The desk's lane from [alarms]. Raises the same errors as `customer_lane`."""
    found = notice_settings.desk_settings(app.settings.zone, environ)
    return DeskLane(facts=FactsOfOrders(app.reading), wording=found.wording, outlets=found.outlets)
