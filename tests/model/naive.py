"""The naive model of the desk: what happened on each site, and what follows, by brute force.

Written from the specification alone. Only what happened is kept; states, cases that are struck,
runs, windows and disputes are worked out anew from the whole history each time that somebody asks.
Times are aware UTC datetimes.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize

SETTLED = ("removed", "voided")
BEFORE_ALL = -1
"""The era of an incident that was brought in from elsewhere."""

Place = tuple[datetime, int]
"""Where an incident or a case stands in the order of R3: contact deadline, incident number."""


@dataclass(frozen=True)
class Policy:
    """The numbers of R1 … R5; `run` is "consecutive" or "total"."""

    repeat_count: int = 3
    repeat_within: timedelta = timedelta(hours=24)
    unreachable_within: timedelta = timedelta(hours=1)
    suspend_for: timedelta = timedelta(hours=12)
    min_attempts: int = 0
    run_count: int = 3
    run: str = "consecutive"
    removal_within: timedelta | None = None
    two_people_close: bool = False


class Refused(Exception):  # noqa: N818 -- the word of the desk
    """The desk refuses an act; `name` says which refusal it is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Contact:
    """One call or mail about one incident."""

    outcome: str
    occurred_at: datetime
    recorded_at: datetime
    voided: bool = False


@dataclass
class Incident:
    """One violation and all that was ever recorded about it."""

    number: int
    occurred_at: datetime
    recorded_at: datetime
    urls: tuple[str, ...]
    moot: bool
    era: int  # how many reinstatements the site had seen when it was recorded
    deadline: datetime | None
    removal_due: datetime | None = None
    lapsed: bool = False
    voided: bool = False
    statement: str | None = None  # removed or refused, as said and not taken back
    corrections: int = 0
    reported: bool = False
    said_removed: bool = False
    recurs: int | None = None
    contacts: list[Contact] = field(default_factory=list)

    def standing_contacts(self) -> list[Contact]:
        return [contact for contact in self.contacts if not contact.voided]

    def reached(self) -> list[Contact]:
        return [contact for contact in self.standing_contacts() if contact.outcome == "reached"]

    def reached_in_time(self) -> bool:
        return self.deadline is not None and any(
            contact.occurred_at <= self.deadline for contact in self.reached()
        )

    def stands_as_missed(self) -> bool:
        """Whether a case that rests on this incident can still rest on it."""
        return self.lapsed and not self.voided and not self.reached_in_time()

    def state(self) -> str:
        if self.voided:
            return "voided"
        if self.moot:
            return "moot"
        if self.statement is not None:
            return self.statement
        if self.reached():
            return "notified"
        return "unreached" if self.lapsed else "open"


@dataclass
class Case:
    """One R2 suspension, or (`closed`) the case that closed the site in place of one."""

    starter: int
    era: int
    started: datetime
    due: datetime
    until: datetime | None
    ended: datetime | None
    closed: bool
    rests_on: list[int]

    def place(self) -> Place:
        return (self.due, self.starter)


@dataclass
class Task:
    """Something that the desk must do; whom to tell of a closure is not said here."""

    kind: str
    incidents: list[int] = field(default_factory=list)
    done: bool = False


@dataclass
class Closure:
    """One closing of the site, under the policy that it was decided under."""

    rule: str
    at: datetime
    policy: Policy
    incident: int | None = None  # R1: the completing one; R5: the one refused
    case: Case | None = None  # R3: the closing one
    upheld_at: int | None = None  # how much of the rule was left when the dispute was upheld
    reinstated: bool = False
    said_at: datetime | None = None  # R5: when they refused, or were on record as told


@dataclass
class Asked:
    """A closure that one person asked for: of the incident refused (R5), or false details (R4)."""

    by: str
    incident: int | None
    said_at: datetime


@dataclass
class Site:
    """All that ever happened on one site."""

    entries: list[tuple[datetime, str, str]]  # when, who, what
    incidents: list[Incident] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    closures: list[Closure] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    held: bool = False
    asked_by: str | None = None
    to_close: Asked | None = None

    def now(self, clock: datetime) -> datetime:
        return max(clock, self.entries[-1][0])

    def era(self) -> int:
        return sum(closure.reinstated for closure in self.closures)

    def closure(self) -> Closure | None:
        for closure in self.closures:
            if not closure.reinstated:
                return closure
        return None

    def running(self) -> Case | None:
        for case in self.cases:
            if case.ended is None and not case.closed:
                return case
        return None

    def state(self) -> str:
        if self.closure() is not None:
            return "closed"
        return "suspended" if self.running() is not None or self.held else "active"

    def rule(self) -> str | None:
        closure = self.closure()
        if closure is not None:
            return closure.rule
        return "unreachable" if self.running() is not None else None

    def suspended_until(self) -> datetime | None:
        running = self.running()
        return None if running is None or self.held else running.until

    def end(self, running: Case, now: datetime) -> None:
        """The suspension is over; what it rested on is looked at again, unless it is removed."""
        running.ended = now
        members = [self.incidents[n - 1] for n in sorted(running.rests_on)]
        unsettled = [i.number for i in members if i.state() in ("unreached", "notified")]
        if unsettled:
            self.tasks.append(Task("recheck", unsettled))

    def settle(self) -> None:
        """A recheck is done when there is nothing left to look at."""
        for task in self.tasks:
            states = [self.incidents[n - 1].state() for n in task.incidents]
            if task.kind == "recheck" and all(state in SETTLED for state in states):
                task.done = True

    def correct(self, incident: Incident) -> None:
        """A second correction of one incident is shown to a supervisor."""
        incident.corrections += 1
        if incident.corrections > 1:
            self.tasks.append(Task("review", [incident.number]))

    def counted(self) -> list[Incident]:
        """The incidents that R1 and R3 may look at."""
        return [
            incident
            for incident in self.incidents
            if not incident.voided and not incident.moot and incident.era == self.era()
        ]

    def windows(self, within: timedelta) -> list[list[Incident]]:
        """R1: every window that begins at a counted incident, as the incidents that it holds."""
        counted = self.counted()
        return [
            [i for i in counted if first.occurred_at <= i.occurred_at <= first.occurred_at + within]
            for first in counted
        ]

    def struck(self, case: Case) -> bool:
        return not any(self.incidents[n - 1].stands_as_missed() for n in case.rests_on)

    def standing_cases(self) -> list[Case]:
        return [case for case in self.cases if case.era == self.era() and not self.struck(case)]

    def reached_places(self) -> list[Place]:
        """R3: where in the order of deadlines somebody was reached in time."""
        return [
            (incident.deadline, incident.number)
            for incident in self.counted()
            if incident.deadline is not None and incident.reached_in_time()
        ]

    def run(self, policy: Policy) -> int:
        """R3: the run as it is today."""
        reached = self.reached_places() if policy.run == "consecutive" else []
        return len([c for c in self.standing_cases() if all(c.place() > r for r in reached)])

    def run_at(self, case: Case, policy: Policy) -> int:
        """R3: the place of `case` in the run, judged at the deadline of its starter."""
        reached = self.reached_places() if policy.run == "consecutive" else []
        before = [place for place in reached if place < case.place()]
        up_to = [other for other in self.standing_cases() if other.place() <= case.place()]
        return len([other for other in up_to if all(other.place() > r for r in before)])

    def disputed(self) -> bool:
        closure = self.closure()
        if closure is None or closure.rule == "false_info":
            return False
        needed, left = self.needed_and_left(closure)
        return left < needed and (closure.upheld_at is None or left < closure.upheld_at)

    def needed_and_left(self, closure: Closure) -> tuple[int, int]:
        """The number that the rule of `closure` needs, and the number left on record."""
        if closure.rule == "repeat":
            # Only what lay near the incident that completed the window speaks for the closure.
            within = closure.policy.repeat_within
            assert closure.incident is not None
            completing = self.incidents[closure.incident - 1].occurred_at
            near = [
                [i for i in window if abs(i.occurred_at - completing) <= within]
                for window in self.windows(within)
            ]
            return closure.policy.repeat_count, max((len(window) for window in near), default=0)
        if closure.case is not None:
            needed, left = closure.policy.run_count, self.run_at(closure.case, closure.policy)
            broken_there = closure.case.place() in self.reached_places()
            if broken_there and closure.policy.run == "consecutive":
                left = min(left, needed - 1)
            return needed, left
        assert closure.incident is not None
        incident = self.incidents[closure.incident - 1]
        told = not incident.voided and any(
            contact.occurred_at <= (closure.said_at or closure.at) for contact in incident.reached()
        )
        return 2, int(told) + int(incident.state() == "refused")


class NaiveDesk:
    """The desk; each act takes the machine's clock as `now` and may raise Refused."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.sites: dict[str, Site] = {}

    def activate(self, policy: Policy, now: datetime) -> None:
        """Decide under `policy` from now on; what was due before is decided under the old one."""
        self.elapse(now)
        self.policy = policy

    def add_site(self, site: str, now: datetime) -> None:
        if site in self.sites:
            self.elapse_site(site, now)
            raise Refused("site_exists")
        self.sites[site] = Site(entries=[(now, "", "added")])

    def elapse(self, now: datetime) -> None:
        for site in self.sites.values():
            self._elapse_due(site, site.now(now))

    def elapse_site(self, site: str, now: datetime) -> None:
        self._begin(site, now)

    def note(self, site: str, now: datetime, by: str) -> None:
        """Record an act without effect here: a claim, a file, a detail, an outcome of an order."""
        found, now = self._begin(site, now)
        self._write(found, now, by, "note")

    # The daily acts.

    def log(
        self,
        site: str,
        now: datetime,
        by: str,
        at: datetime | None = None,
        urls: Iterable[str] = (),
        again: bool = False,
    ) -> int:
        """Log a violation; answer its number on the site."""
        found, now = self._begin(site, now)
        at = self._not_in_the_future(at, now)
        urls = tuple(urls)
        if not again and any(
            set(urls) & set(incident.urls)
            for incident in found.incidents
            if incident.state() in ("open", "notified", "unreached")
        ):
            raise Refused("double_entry")
        return self._record_incident(found, at, now, by, urls)

    def recur(
        self,
        site: str,
        incident: int,
        now: datetime,
        by: str,
        at: datetime | None = None,
        again: bool = False,
    ) -> int:
        """Record that the content is still there; answer the number of the new incident."""
        found, now = self._begin(site, now)
        first = self._incident(found, incident)
        at = self._not_in_the_future(at, now)
        self._not_closed(found)
        self._only_in(first, "notified", "unreached", "removed")
        self._not_before(first, at)
        if not again and any(
            other.recurs == incident and other.state() in ("open", "unreached")
            for other in found.incidents
        ):
            raise Refused("recurred_already")
        if not again and any(
            set(first.urls) & set(other.urls)
            for n, other in enumerate(found.incidents, start=1)
            if other.state() == "open" or (other.state() == "unreached" and n > incident)
        ):
            raise Refused("double_entry")
        return self._record_incident(found, at, now, by, first.urls, recurs=incident)

    def bring_in(
        self,
        site: str,
        now: datetime,
        by: str,
        at: datetime,
        urls: Iterable[str] = (),
        contact: str | None = None,
        contact_at: datetime | None = None,
        removed_at: datetime | None = None,
    ) -> int:
        """Put a past incident on record: no clock starts for it, and no rule counts it."""
        found, now = self._begin(site, now)
        for fact in (at, contact_at, removed_at):
            self._not_in_the_future(fact, now)
            if fact is not None and fact < at:
                raise Refused("before_incident")
        number = len(found.incidents) + 1
        past = Incident(number, at, now, tuple(urls), False, BEFORE_ALL, None)
        if contact is not None:
            past.contacts.append(Contact(contact, contact_at or at, now))
        past.statement = None if removed_at is None else "removed"
        found.incidents.append(past)
        self._write(found, now, by, "import")
        return number

    def contact(
        self,
        site: str,
        incident: int | None,
        outcome: str,
        now: datetime,
        by: str,
        at: datetime | None = None,
    ) -> list[tuple[int, int]]:
        """Record a contact about one incident or (None) the whole site, as (incident, contact)."""
        found, now = self._begin(site, now)
        one = None if incident is None else self._incident(found, incident)
        at = self._not_in_the_future(at, now)
        told = self._reached_about(found, at) if one is None else [one]
        if one is not None and one.voided:
            raise Refused("state_forbids")
        if one is not None:
            self._not_before(one, at)
        if not told:
            raise Refused("nobody_to_tell")
        for each in told:
            with self._correcting(found, each, now):
                each.contacts.append(Contact(outcome, at, now))
        self._write(found, now, by, f"contact {outcome}")
        return [(each.number, len(each.contacts)) for each in told]

    def void_contact(self, site: str, incident: int, contact: int, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        about = self._incident(found, incident)
        if not 1 <= contact <= len(about.contacts):
            raise Refused("unknown_contact")
        wrong = about.contacts[contact - 1]
        if wrong.voided:
            raise Refused("already_voided")
        was_first = wrong in about.reached()[:1] and about.state() == "notified"
        with self._correcting(found, about, now):
            wrong.voided = True
        if was_first and about.removal_due is not None and about.reached():
            self._recount_from_standing_contacts(found, about, about.removal_due)
        if wrong.outcome == "reached":
            found.correct(about)
        self._write(found, now, by, "void-contact")

    def void(self, site: str, incident: int, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        wrong = self._incident(found, incident)
        if wrong.voided:
            raise Refused("state_forbids")
        with self._correcting(found, wrong, now):
            wrong.voided = True
        found.settle()
        self._write(found, now, by, "void")

    def removed(
        self, site: str, incident: int, now: datetime, by: str, at: datetime | None = None
    ) -> None:
        found, now = self._begin(site, now)
        about = self._incident(found, incident)
        at = self._not_in_the_future(at, now)
        self._only_in(about, "open", "unreached", "notified")
        self._not_before(about, at)
        with self._correcting(found, about, now):
            about.statement = "removed"
        found.settle()
        self._write(found, now, by, "removed")

    def refused(
        self, site: str, incident: int, now: datetime, by: str, at: datetime | None = None
    ) -> None:
        """R5: the customer was told and refuses to delete."""
        found, now = self._begin(site, now)
        about = self._incident(found, incident)
        at = self._not_in_the_future(at, now)
        self._not_closed(found)
        self._only_in(about, "notified")
        self._not_before(about, at)
        if all(contact.occurred_at > at for contact in about.reached()):
            raise Refused("before_told")
        if not self._only_asked(found, Asked(by, incident, at)):
            self._refuse(found, about, now, at)
        self._write(found, now, by, "refused")

    def take_back(self, site: str, incident: int, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        about = self._incident(found, incident)
        if about.state() not in ("removed", "refused"):
            raise Refused("nothing_to_take_back")
        with self._correcting(found, about, now):
            about.statement = None
        found.correct(about)
        self._write(found, now, by, "take-back")

    def false_info(self, site: str, now: datetime, by: str) -> None:
        """R4: the filed details are false."""
        found, now = self._begin(site, now)
        self._not_closed(found)
        if not self._only_asked(found, Asked(by, None, now)):
            self._close(found, Closure("false_info", now, self.policy))
        self._write(found, now, by, "false-info")

    def confirm_closure(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        self._not_closed(found)
        asked = found.to_close
        if asked is None:
            raise Refused("no_closure_asked")
        self._another(asked.by, by)
        if asked.incident is None:
            self._close(found, Closure("false_info", now, self.policy))
        else:
            self._refuse(found, self._incident(found, asked.incident), now, asked.said_at)
        self._write(found, now, by, "confirm-closure")

    def decline_closure(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        if found.to_close is None:
            raise Refused("no_closure_asked")
        found.to_close = None
        self._write(found, now, by, "decline-closure")

    def done(self, site: str, task: int, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        if not 1 <= task <= len(found.tasks) or found.tasks[task - 1].done:
            raise Refused("unknown_task")
        found.tasks[task - 1].done = True
        self._write(found, now, by, "done")

    # Duties beside the policy.

    def reported(
        self, site: str, incident: int, now: datetime, by: str, at: datetime | None = None
    ) -> None:
        """The police were told of it."""
        found, now = self._begin(site, now)
        about = self._incident(found, incident)
        at = self._not_in_the_future(at, now)
        if about.voided:
            raise Refused("state_forbids")
        self._not_before(about, at)
        if about.reported:
            raise Refused("already_reported")
        about.reported = True
        self._write(found, now, by, "reported")

    def say_removed(self, site: str, incident: int, now: datetime, by: str) -> None:
        """The customer reports the content removed: somebody is to look."""
        found, now = self._begin(site, now)
        about = self._incident(found, incident)
        self._only_in(about, "open", "unreached", "notified")
        if about.said_removed:
            raise Refused("already_said")
        about.said_removed = True
        found.tasks.append(Task("recheck", [incident]))
        self._write(found, now, by, "said removed")

    # The acts of supervisors.

    def hold(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        if found.held:
            raise Refused("already_held")
        found.held = True
        self._write(found, now, by, "hold")

    def unhold(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        if not found.held:
            raise Refused("not_held")
        found.held = False
        self._write(found, now, by, "unhold")

    def reinstate(self, site: str, now: datetime, by: str) -> None:
        """Ask for a reinstatement."""
        found, now = self._begin(site, now)
        if found.closure() is None:
            raise Refused("site_not_closed")
        if found.held:
            raise Refused("held")
        if found.asked_by is not None:
            raise Refused("already_requested")
        found.asked_by = by
        self._write(found, now, by, "reinstate")

    def approve(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        if found.held:
            raise Refused("held")
        self._answer_request(found, by)
        closure = found.closure()
        assert closure is not None
        closure.reinstated = True
        for task in found.tasks:
            task.done = task.done or task.kind in ("tell", "recheck")
        unsettled = [i.number for i in found.incidents if i.state() not in SETTLED]
        if unsettled:
            found.tasks.append(Task("recheck", unsettled))
        self._write(found, now, by, "approve")

    def decline(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        self._answer_request(found, by)
        self._write(found, now, by, "decline")

    def uphold(self, site: str, now: datetime, by: str) -> None:
        found, now = self._begin(site, now)
        closure = found.closure()
        if closure is None or not found.disputed():
            raise Refused("not_disputed")
        _, closure.upheld_at = found.needed_and_left(closure)
        self._write(found, now, by, "uphold")

    # Looking.

    def site(self, site: str) -> dict[str, Any]:
        found = self._site(site)
        closure = found.closure()
        return {
            "state": found.state(),
            "rule": found.rule(),
            "suspended_until": found.suspended_until(),
            "run": found.run(self.policy),
            "disputed": found.disputed(),
            "held": found.held,
            "closed_at": None if closure is None else closure.at,
        }

    def incident(self, site: str, n: int) -> dict[str, Any]:
        found = self._site(site)
        incident = self._incident(found, n)
        return {
            "state": incident.state(),
            "occurred_at": incident.occurred_at,
            "recorded_at": incident.recorded_at,
            "contact_due": incident.deadline if incident.era == found.era() else None,
            "contacts": [
                {"outcome": c.outcome, "occurred_at": c.occurred_at, "voided": c.voided}
                for c in incident.contacts
            ],
        }

    def suspensions(self, site: str) -> list[dict[str, Any]]:
        """Every case ever; the one that closed the site has neither `until` nor `ended`."""
        found = self._site(site)
        return [
            {
                "started": case.started,
                "due": case.due,
                "until": case.until,
                "ended": case.ended,
                "struck": found.struck(case),
                "closed": case.closed,
                "incidents": list(case.rests_on),
            }
            for case in found.cases
        ]

    def tasks(self, site: str) -> list[dict[str, Any]]:
        return [
            {"kind": task.kind, "incidents": task.incidents, "done": task.done}
            for task in self._site(site).tasks
        ]

    def closures(self, site: str) -> list[dict[str, Any]]:
        return [{"rule": c.rule, "at": c.at} for c in self._site(site).closures]

    # Refusals, and what comes before an act.

    def _site(self, site: str) -> Site:
        if site not in self.sites:
            raise Refused("unknown_site")
        return self.sites[site]

    def _begin(self, site: str, clock: datetime) -> tuple[Site, datetime]:
        """Find the site and its `now`, and do what fell due before that."""
        found = self._site(site)
        now = found.now(clock)
        self._elapse_due(found, now)
        return found, now

    def _incident(self, site: Site, number: int) -> Incident:
        if not 1 <= number <= len(site.incidents):
            raise Refused("unknown_incident")
        return site.incidents[number - 1]

    def _not_in_the_future(self, at: datetime | None, now: datetime) -> datetime:
        if at is not None and at > now:
            raise Refused("future")
        return now if at is None else at

    def _not_before(self, incident: Incident, at: datetime) -> None:
        if at < incident.occurred_at:
            raise Refused("before_incident")

    def _not_closed(self, site: Site) -> None:
        if site.closure() is not None:
            raise Refused("site_closed")

    def _only_in(self, incident: Incident, *states: str) -> None:
        if incident.state() not in states:
            raise Refused("state_forbids")

    def _answer_request(self, site: Site, by: str) -> None:
        if site.asked_by is None:
            raise Refused("no_request")
        self._another(site.asked_by, by)
        site.asked_by = None

    def _another(self, asked_by: str, by: str) -> None:
        if normalize("NFKC", asked_by).casefold() == normalize("NFKC", by).casefold():
            raise Refused("same_person")

    def _only_asked(self, site: Site, asked: Asked) -> bool:
        """Whether the policy wants a second person, for whom it then waits."""
        if not self.policy.two_people_close:
            return False
        if site.to_close is not None:
            raise Refused("closure_asked")
        site.to_close = asked
        return True

    def _reached_about(self, site: Site, at: datetime) -> list[Incident]:
        return [
            incident
            for incident in site.incidents
            if incident.state() in ("open", "unreached") and incident.occurred_at <= at
        ]

    # Effects of acts.

    def _write(self, site: Site, now: datetime, by: str, what: str) -> None:
        site.entries.append((now, by, what))
        asked = site.to_close
        if asked is not None and (
            site.closure() is not None or (asked.incident and not self._may_refuse(site, asked))
        ):
            site.to_close = None
        closure = site.closure()
        if closure is not None and closure.rule != "false_info":
            needed, left = site.needed_and_left(closure)
            if left >= needed:
                closure.upheld_at = None

    def _may_refuse(self, site: Site, asked: Asked) -> bool:
        """Whether the incident is notified, and somebody was told before they refused."""
        assert asked.incident is not None
        incident = site.incidents[asked.incident - 1]
        told = any(contact.occurred_at <= asked.said_at for contact in incident.reached())
        return incident.state() == "notified" and told

    def _record_incident(
        self,
        site: Site,
        at: datetime,
        now: datetime,
        by: str,
        urls: Sequence[str],
        recurs: int | None = None,
    ) -> int:
        moot = site.closure() is not None
        deadline = None if moot else now + self.policy.unreachable_within
        number = len(site.incidents) + 1
        new = Incident(number, at, now, tuple(urls), moot, site.era(), deadline, recurs=recurs)
        site.incidents.append(new)
        self._write(site, now, by, "log")
        if not moot and any(
            len(window) >= self.policy.repeat_count
            for window in site.windows(self.policy.repeat_within)
            if new in window
        ):
            self._close(site, Closure("repeat", now, self.policy, incident=number))
            site.tasks.append(Task("tell"))
        return number

    @contextmanager
    def _correcting(self, site: Site, incident: Incident, now: datetime) -> Iterator[None]:
        """Change what is known of an incident in the body; all that follows is done after it."""
        before = incident.state()
        yield
        after = incident.state()
        if after == "open" and before != "open":
            fresh = now + self.policy.unreachable_within
            # Where no clock starts, what was in time is so still, however late it is recorded.
            new_deadline = self._if_a_clock_starts(site, incident, fresh)
            # A deadline that was set is never brought forward.
            incident.deadline = max(filter(None, (new_deadline, incident.deadline)), default=None)
        if before == "notified" and after in ("open", "unreached"):
            incident.removal_due = None
        if after == "notified" and before != "notified":
            within, was = self.policy.removal_within, incident.removal_due
            due = self._if_a_clock_starts(site, incident, None if within is None else now + within)
            if due is not None and was is not None and before in ("removed", "refused"):
                due = max(due, was)
            incident.removal_due = due
        running = site.running()
        if running is not None and site.struck(running):
            site.end(running, now)

    def _recount_from_standing_contacts(
        self, site: Site, about: Incident, before: datetime
    ) -> None:
        """Nobody has less time to delete (R5) than from the first call that was really made."""
        if self.policy.removal_within is not None:
            told = min(contact.recorded_at for contact in about.reached())
            due = self._if_a_clock_starts(site, about, told + self.policy.removal_within)
            about.removal_due = max(before, due or before)

    def _if_a_clock_starts(
        self, site: Site, incident: Incident, due: datetime | None
    ) -> datetime | None:
        return due if site.closure() is None and incident.era == site.era() else None

    def _refuse(
        self, site: Site, incident: Incident, now: datetime, said_at: datetime | None = None
    ) -> None:
        incident.statement = "refused"
        number = incident.number
        self._close(site, Closure("refusal", now, self.policy, incident=number, said_at=said_at))

    def _close(self, site: Site, closure: Closure) -> None:
        running = site.running()
        if running is not None:
            running.ended = closure.at
        site.closures.append(closure)

    # Deadlines.

    def _elapse_due(self, site: Site, now: datetime) -> None:
        while due := sorted(d for d in self._deadlines(site) if d[0] < now):
            _, kind, number = due[0]
            if kind == 0:
                self._lapse(site, site.incidents[number - 1], now)
            elif kind == 1:
                late = site.incidents[number - 1]
                self._refuse(site, late, now, said_at=self._time_began(late))
            else:
                running = site.running()
                assert running is not None
                site.end(running, now)
            self._write(site, now, "", ("lapsed", "removal lapsed", "reopened")[kind])

    def _time_began(self, late: Incident) -> datetime:
        """The time by which they had to be reached to have the full deadline (R5)."""
        first, within = min(c.recorded_at for c in late.reached()), self.policy.removal_within
        assert late.removal_due is not None
        return first if within is None else max(first, late.removal_due - within)

    def _deadlines(self, site: Site) -> list[tuple[datetime, int, int]]:
        """All that a timer waits for: when, kind (0 contact, 1 removal, 2 reopening), incident."""
        if site.closure() is not None:
            return []
        deadlines = []
        for incident in site.incidents:
            if incident.era != site.era():
                continue
            if incident.state() == "open" and incident.deadline is not None:
                deadlines.append((incident.deadline, 0, incident.number))
            if incident.state() == "notified" and incident.removal_due is not None:
                deadlines.append((incident.removal_due, 1, incident.number))
        running = site.running()
        if running is not None and running.until is not None:
            deadlines.append((running.until, 2, 0))
        return deadlines

    def _lapse(self, site: Site, incident: Incident, now: datetime) -> None:
        """R2 and R3: nobody was reached by the deadline of the incident."""
        deadline = incident.deadline
        assert deadline is not None
        incident.lapsed = True
        attempts = [c for c in incident.standing_contacts() if c.occurred_at <= deadline]
        if len(attempts) < self.policy.min_attempts:
            return
        running = site.running()
        if running is not None:
            running.rests_on.append(incident.number)
        elif not site.held:
            self._start_case(site, incident.number, deadline, now)

    def _start_case(self, site: Site, starter: int, due: datetime, now: datetime) -> None:
        until = now + self.policy.suspend_for
        case = Case(starter, site.era(), now, due, until, None, False, [starter])
        site.cases.append(case)
        if site.run_at(case, self.policy) >= self.policy.run_count:
            case.closed = True
            case.until = None
            self._close(site, Closure("unreachable_run", now, self.policy, case=case))
