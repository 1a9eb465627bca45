"""The facts of one site, and what follows from them by the rules alone, by brute force.

Only what happened is kept; states, runs, windows and disputes are worked out anew each time that
somebody asks. It shares no line with the machine that it judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fire.record import Policy

Place = tuple[datetime, int]
"""Where an incident or a case stands in the order of R3: contact deadline, incident number."""

CONTACT, REMOVAL, REOPENING = 0, 1, 2
"""The kinds of deadlines; of two at the same time, the first is taken first."""

Due = tuple[datetime, int, int]
"""The time, the kind (one of the three above), and the incident or suspension."""

IMPORTED = 0
"""The era of incidents that were imported: they count in no rule."""


@dataclass(slots=True)
class Contact:
    """One call about one incident."""

    reached: bool
    occurred_at: datetime
    recorded_at: datetime
    voided: bool = False

    @property
    def tells(self) -> bool:
        """Whether the person was spoken to, by a record that stands."""
        return self.reached and not self.voided


@dataclass(slots=True)
class Incident:
    """One violation and all that was ever recorded about it."""

    number: int
    occurred_at: datetime
    era: int
    deadline: datetime | None
    moot: bool = False
    removal_due: datetime | None = None
    lapsed: bool = False
    voided: bool = False
    statement: str | None = None
    contacts: list[Contact] = field(default_factory=list)

    @property
    def told(self) -> bool:
        """Whether the person has been told of it."""
        return any(contact.tells for contact in self.contacts)

    @property
    def reached_in_time(self) -> bool:
        """Whether that was by the deadline, which is inclusive."""
        due = self.deadline
        return due is not None and any(c.tells and c.occurred_at <= due for c in self.contacts)

    @property
    def stands_as_missed(self) -> bool:
        """Whether a case that rests on it can still rest on it."""
        return self.lapsed and not self.voided and not self.reached_in_time

    @property
    def state(self) -> str:
        """The state that the facts put it in (specification, S)."""
        if self.voided:
            return "voided"
        if self.moot:
            return "moot"
        if self.statement is not None:
            return self.statement
        if self.told:
            return "notified"
        return "unreached" if self.lapsed else "open"

    def attempts_by_deadline(self) -> int:
        """The number of attempts in time."""
        due = self.deadline
        return sum(due is not None and c.occurred_at <= due for c in self.contacts if not c.voided)


@dataclass(slots=True)
class Case:
    """One R2 suspension, or the case that closed the site in place of one."""

    number: int
    era: int
    starter: int
    due: datetime
    until: datetime | None
    rests_on: list[int]
    runs: bool
    struck: bool = False
    """As the record says; the checker holds it against `Facts.should_be_struck`."""

    @property
    def place(self) -> Place:
        """Its place in the run."""
        return self.due, self.starter


@dataclass(slots=True)
class Closure:
    """The reason of a closure, and the policy that it was decided under."""

    rule: str
    policy: Policy
    incident: int | None = None
    case: Case | None = None
    upheld_at: int | None = None
    told_by: datetime | None = None


@dataclass(slots=True)
class Facts:
    """All that is on record of one site."""

    era: int = 1
    held: bool = False
    asked_by: str | None = None
    closure: Closure | None = None
    disputed: bool = False
    """As the record says; the checker holds it against `should_be_disputed`."""
    run: int = 0
    """As the record says; held against `run_now`."""
    incidents: dict[int, Incident] = field(default_factory=dict)
    cases: dict[int, Case] = field(default_factory=dict)
    open_tasks: set[int] = field(default_factory=set)
    last_task: int = 0

    @property
    def running(self) -> Case | None:
        """The suspension whose hours run."""
        return next((case for case in reversed(self.cases.values()) if case.runs), None)

    @property
    def state(self) -> str:
        """The site's state."""
        if self.closure is not None:
            return "closed"
        return "suspended" if self.held or self.running is not None else "active"

    def due(self) -> Iterator[Due]:
        """All that a timer waits for; nothing on a closed site."""
        if self.closure is not None:
            return
        for incident in self.incidents.values():
            if incident.era != self.era:
                continue
            if incident.deadline is not None and incident.state == "open":
                yield incident.deadline, CONTACT, incident.number
            elif incident.removal_due is not None and incident.state == "notified":
                yield incident.removal_due, REMOVAL, incident.number
        running = self.running
        if running is not None and running.until is not None:
            yield running.until, REOPENING, running.number

    def counted(self) -> list[Incident]:
        """The incidents that R1 and R3 may look at."""
        return [
            incident
            for incident in self.incidents.values()
            if incident.era == self.era and not incident.voided and not incident.moot
        ]

    def window_with(self, incident: Incident, within: timedelta) -> int:
        """R1: the most counted incidents in a span of `within`, both ends included, that holds it.

        The incident itself must be one that counts.
        """
        at, times = incident.occurred_at, self._times_near(incident, within)
        return max(
            sum(first <= each <= first + within for each in times)
            for first in times
            if first <= at <= first + within
        )

    def run_before(self, place: Place, *, total: bool) -> list[Case]:
        """R3: the standing cases in a row that lead up to `place`, judged at that deadline."""
        reached = [] if total else [r for r in self._reached() if r < place]
        return [
            case
            for case in self._standing()
            if case.place <= place and all(case.place > each for each in reached)
        ]

    def run_now(self, policy: Policy) -> int:
        """R3: the run as it is."""
        reached = [] if policy.total else self._reached()
        last = max(reached, default=None)
        return sum(last is None or case.place > last for case in self._standing())

    def should_be_struck(self, case: Case) -> bool:
        """Whether none of the incidents that it rests on still stands."""
        return not any(self.incidents[n].stands_as_missed for n in case.rests_on)

    def should_be_disputed(self) -> bool:
        """Whether late truth leaves the closure's rule unmet, beyond what was upheld."""
        closure = self.closure
        if closure is None or not self.falls_short():
            return False
        _, left = self.needed_and_left(closure)
        return closure.upheld_at is None or left < closure.upheld_at

    def falls_short(self) -> bool:
        """Whether the record gives less than the closure's rule needs; R4 needs a word only."""
        if self.closure is None or self.closure.rule == "false_info":
            return False
        needed, left = self.needed_and_left(self.closure)
        return left < needed

    def needed_and_left(self, closure: Closure) -> tuple[int, int]:
        """The number that the closure's rule needs, and the number that the record still gives."""
        policy = closure.policy
        if closure.case is not None:
            return policy.run_count, len(self.run_before(closure.case.place, total=policy.total))
        assert closure.incident is not None
        incident = self.incidents[closure.incident]
        if closure.rule == "repeat":
            return policy.repeat_count, self._left_of_window(incident, policy)
        by = closure.told_by
        told = not incident.voided and any(
            contact.tells and (by is None or contact.occurred_at <= by)
            for contact in incident.contacts
        )
        return 2, int(told) + int(incident.state == "refused")

    def _left_of_window(self, completing: Incident, policy: Policy) -> int:
        """Only what lies near the incident that completed the window speaks for the closure."""
        within = policy.repeat_within
        times = self._times_near(completing, within)
        return max((sum(t <= each <= t + within for each in times) for t in times), default=0)

    def _times_near(self, incident: Incident, within: timedelta) -> list[datetime]:
        at = incident.occurred_at
        return [i.occurred_at for i in self.counted() if abs(i.occurred_at - at) <= within]

    def _reached(self) -> list[Place]:
        return [
            (incident.deadline, incident.number)
            for incident in self.counted()
            if incident.deadline is not None and incident.reached_in_time
        ]

    def _standing(self) -> list[Case]:
        return [case for case in self.cases.values() if case.era == self.era and not case.struck]
