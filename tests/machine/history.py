"""The builder that tests of the machine read by: a history, an act, an expectation.

    site = History(at="10:00")
    site.log()
    site.after("1h", MICROSECOND).elapse()
    assert site.state == "suspended"

Each act goes through `decide`, with `now` read from `incidents.clock` under freezegun. After each
of them the events are folded over a twin of the case as well, so that no test passes on a case
that its own entries do not give.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

from incidents import clock
from incidents.locale import refusals
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine import orders, work
from incidents.machine.apply import apply
from incidents.machine.case import Case, Suspension, Task
from incidents.machine.command import FOR_DESK
from incidents.machine.decide import Decision, decide
from incidents.machine.incident import Incident
from incidents.machine.policy import DOCUMENTED, Policy, read_duration
from incidents.machine.rules import unreachable_rules
from tests import freezing

MICROSECOND = timedelta(microseconds=1)
ANN, BOB = "ann", "bob"

E = TypeVar("E", bound=e.Event)
_SHORT = re.compile(r"(?:(?P<day>\d\d-\d\d) )?(?P<time>\d\d:\d\d.*)")


def utc(text: str) -> datetime:
    """`11:00` on 1 March 2026, `03-02 11:00`, or a full time with its zone."""
    found = _SHORT.fullmatch(text)
    if found is None:
        return datetime.fromisoformat(text).astimezone(UTC)
    return datetime.fromisoformat(f"2026-{found['day'] or '03-01'}T{found['time']}").replace(
        tzinfo=UTC
    )


def span(*parts: str | timedelta) -> timedelta:
    """The sum of durations such as `1h30m`, or as they are."""
    durations = (read_duration(part) if isinstance(part, str) else part for part in parts)
    return sum(durations, timedelta())


class History:
    """The history of one site, act by act; `site.example` is number 12 in its register."""

    def __init__(self, *, at: str = "10:00", policy: Policy = DOCUMENTED) -> None:
        self.policy = policy
        self.case = Case(site_id=12, site="site.example")
        self.events: list[e.Event] = []
        self._clock = utc(at)
        self._twin = self.case.copy()
        self._counting = policy.run
        self.decision = self._decide(c.AddSite(by=ANN))

    # Time.

    @property
    def clock(self) -> datetime:
        """The time of the machine's clock."""
        return self._clock

    def after(self, *durations: str | timedelta) -> Self:
        """Let time pass; nothing is done about it yet."""
        self._clock += span(*durations)
        return self

    def at(self, time: str) -> Self:
        """Go on at a given time."""
        self._clock = utc(time)
        return self

    def clock_steps_back(self, *durations: str | timedelta) -> Self:
        """Set the machine's clock back."""
        self._clock -= span(*durations)
        return self

    def elapse(self) -> Self:
        """Let the daemon come by."""
        return self.do(c.Elapse())

    def under(self, policy: Policy) -> Self:
        """Activate another policy; what is due before that is done under the old one."""
        self.elapse()
        self.policy = policy
        return self

    # People's acts.

    def do(self, command: c.Command) -> Self:
        """Decide a command at the clock's time."""
        self.decision = self._decide(command)
        return self

    def log(
        self,
        *urls: str,
        at: str | None = None,
        ago: str | timedelta | None = None,
        again: bool = False,
        by: str = ANN,
    ) -> Self:
        """Log a violation."""
        return self.do(c.Log(by=by, urls=urls, at=self._time(at, ago), again=again))

    def imported(self, *, at: str, contact: str | None = None, removed: str | None = None) -> Self:
        """Bring in a past incident."""
        removed_at = None if removed is None else utc(removed)
        command = c.ImportIncident(by=ANN, at=utc(at), contact=contact, removed_at=removed_at)
        return self.do(command)

    def contact(
        self,
        incident: int | None,
        outcome: str = "reached",
        *,
        at: str | None = None,
        ago: str | timedelta | None = None,
    ) -> Self:
        """Record a contact of an incident or, with None, of the whole site."""
        time = self._time(at, ago)
        return self.do(c.RecordContact(by=ANN, incident=incident, outcome=outcome, at=time))

    def void_contact(self, incident: int, contact: int = 1) -> Self:
        """Void a contact."""
        command = c.VoidContact(by=ANN, incident=incident, contact=contact, reason="a slip")
        return self.do(command)

    def removed(self, incident: int, *, at: str | None = None) -> Self:
        """State that the content is gone."""
        return self.do(c.StateRemoved(by=ANN, incident=incident, at=self._time(at, None)))

    def refused(self, incident: int, *, at: str | None = None) -> Self:
        """State that the customer does not delete."""
        return self.do(c.StateRefused(by=ANN, incident=incident, at=self._time(at, None)))

    def recur(self, incident: int, *, at: str | None = None, again: bool = False) -> Self:
        """Log that the content is still there."""
        time = self._time(at, None)
        return self.do(c.Recur(by=ANN, incident=incident, at=time, again=again))

    def void(self, incident: int) -> Self:
        """Void an incident."""
        return self.do(c.VoidIncident(by=ANN, incident=incident, reason="not a violation"))

    def take_back(self, incident: int) -> Self:
        """Take back the last statement on an incident."""
        return self.do(c.TakeBack(by=ANN, incident=incident, reason="the wrong incident"))

    def false_info(self, *, by: str = ANN) -> Self:
        """State that the phone is false."""
        return self.do(c.StateFalse(by=by, field="phone", evidence="the carrier says so"))

    def confirm_closure(self, *, by: str = BOB) -> Self:
        """Confirm the closure that was asked for."""
        return self.do(c.ConfirmClosure(by=by))

    def decline_closure(self, *, by: str = BOB) -> Self:
        """Decline it."""
        return self.do(c.DeclineClosure(by=by, reason="the number is right"))

    def hold(self, *, by: str = ANN) -> Self:
        """Set a hold."""
        return self.do(c.SetHold(by=by, reason="the police say so"))

    def unhold(self) -> Self:
        """Lift the hold."""
        return self.do(c.LiftHold(by=ANN, reason="the police say so"))

    def reinstate(self, *, by: str = ANN) -> Self:
        """Ask for a reinstatement."""
        return self.do(c.AskReinstatement(by=by, reason="all is well again"))

    def approve(self, *, by: str = BOB) -> Self:
        """Approve it."""
        return self.do(c.Approve(by=by))

    def decline(self, *, by: str = BOB) -> Self:
        """Decline it."""
        return self.do(c.Decline(by=by, reason="not yet"))

    def uphold(self, *, by: str = ANN) -> Self:
        """Let a disputed closure stand."""
        return self.do(c.Uphold(by=by, reason="it was right all the same"))

    def claim(self, item: str, *, by: str = ANN) -> Self:
        """Claim an item of the queue."""
        return self.do(c.ClaimItem(by=by, item=item))

    def release(self, item: str, *, by: str = ANN) -> Self:
        """Release it."""
        return self.do(c.ReleaseItem(by=by, item=item))

    def hand_over(self, to: str, *, by: str = ANN, item: str | None = None) -> Self:
        """Hand over what one holds, or one item of it."""
        return self.do(c.HandOver(by=by, to=to, item=item))

    def done(self, task: int, outcome: str | None = None, *, by: str = ANN) -> Self:
        """Complete a task."""
        return self.do(c.CompleteTask(by=by, task=task, outcome=outcome))

    def reported(self, incident: int, *, at: str | None = None) -> Self:
        """State that the police were told."""
        return self.do(c.StateReported(by=ANN, incident=incident, at=self._time(at, None)))

    def note(self, incident: int, audience: str = FOR_DESK) -> Self:
        """A note about the incident."""
        return self.do(c.AddNote(by=ANN, incident=incident, audience=audience, text="sha256:1"))

    def revoke_links(self, incident: int) -> Self:
        """Revoke the links to the incident's page."""
        return self.do(c.RevokeLinks(by=ANN, incident=incident))

    def filed(self, **details: str) -> Self:
        """Change details of the filing."""
        return self.do(c.ChangeFiling(by=ANN, details=tuple(details.items())))

    def says_removed(self, incident: int) -> Self:
        """Let the customer say that the content is gone."""
        return self.do(c.SayRemoved(incident=incident))

    # Whole chapters of a history.

    def miss(self) -> Self:
        """Log a violation about which nobody is reached within the policy's hour."""
        return self.log().after(self.policy.unreachable_within, MICROSECOND).elapse()

    def sit_out(self) -> Self:
        """Let the suspension's hours pass."""
        return self.after(self.policy.suspend_for, MICROSECOND).elapse()

    def closed_by_repeat(self) -> Self:
        """Three violations in one minute (R1): incidents 1, 2 and 3."""
        return self.log().log().log()

    def closed_by_run(self) -> Self:
        """Three misses in a row (R3): incidents 1, 2 and 3."""
        return self.miss().sit_out().miss().sit_out().miss()

    def closed_by_refusal(self) -> Self:
        """Told, and refused (R5): incident 1."""
        return self.log().contact(1).refused(1)

    def reopened(self) -> Self:
        """Reinstated by two persons."""
        return self.reinstate(by=ANN).approve(by=BOB)

    # State.

    @property
    def state(self) -> str:
        """The site's state."""
        return self.case.state

    @property
    def rule(self) -> str | None:
        """The rule that suspended or closed it."""
        return self.case.rule

    @property
    def run(self) -> int:
        """The run (R3)."""
        return self.case.run

    @property
    def disputed(self) -> bool:
        """Whether its closure is disputed."""
        return self.case.disputed

    @property
    def suspended_until(self) -> datetime | None:
        """The time at which a timer opens it."""
        return self.case.suspended_until

    def incident(self, n: int) -> Incident:
        """The nth incident."""
        return self.case.incidents[n]

    @property
    def states(self) -> list[str]:
        """The states of all incidents, in their order."""
        return [incident.state for incident in self.case.incidents.values()]

    def contact_due(self, n: int) -> datetime | None:
        """The nth incident's contact deadline, as people see it."""
        return self.case.contact_due(self.incident(n))

    def suspension(self, n: int) -> Suspension:
        """The nth case of R2."""
        return self.case.suspensions[n]

    def members(self, n: int) -> list[int]:
        """The incidents that the nth case rests on."""
        return [i.n for i in self.case.incidents.values() if i.suspension == n]

    @property
    def open_tasks(self) -> list[Task]:
        """The tasks that wait."""
        return [task for task in self.case.tasks.values() if task.done_at is None]

    @property
    def queue(self) -> dict[str, str]:
        """The queue of the site: item and kind."""
        return {item: work_item.kind for item, work_item in work.items(self.case).items()}

    # The outcome of the last act.

    @property
    def refused_with(self) -> str | None:
        """The name of the refusal, if it was refused."""
        return None if self.decision.refusal is None else self.decision.refusal.name

    @property
    def answer(self) -> str:
        """The sentence of its refusal or else of its remarks."""
        if self.decision.refusal is not None:
            return refusals.sentence(self.decision.refusal)
        return "; ".join(map(refusals.remark, self.decision.remarks))

    @property
    def happened(self) -> list[str]:
        """The kinds of its events, what was due first."""
        return [event.kind for event in self.decision.events]

    def recorded(self, *kinds: type[e.Event]) -> list[e.Event]:
        """Its events of those kinds, whole; all of them, if none is named."""
        return [each for each in self.decision.events if not kinds or isinstance(each, kinds)]

    @property
    def ordered(self) -> list[str]:
        """The kinds of the orders that follow from it."""
        return [order.kind for order in orders.orders(self.decision.events)]

    def last(self, kind: type[E]) -> E:
        """The last event of that kind in the whole history."""
        return next(event for event in reversed(self.events) if isinstance(event, kind))

    def reason(self, kind: type[e.Event] = e.SiteClosed) -> e.Reason:
        """The reason of the last event of that kind."""
        reason = self.last(kind).reason
        assert reason is not None
        return reason

    # How an act is taken.

    def _time(self, at: str | None, ago: str | timedelta | None) -> datetime | None:
        if ago is not None:
            return self._clock - span(ago)
        return None if at is None else utc(at)

    def _decide(self, command: c.Command) -> Decision:
        freezing.move_clock(self._clock)
        before = copy.deepcopy(self.case)
        decision = decide(self.case, command, self.policy, clock.now())
        assert self.case == before, "decide changed its input"
        for event in decision.events:
            apply(self._twin, event)
        assert self._twin == decision.case, "the events do not give the case"
        if decision.events and self.policy.run == self._counting:
            assert decision.case.run == unreachable_rules.run(decision.case, self.policy), (
                "the run is stale"
            )
        self.case = decision.case
        self.events += decision.events
        return decision


Act = Callable[[History], object]
"""An act of a table of acts."""
