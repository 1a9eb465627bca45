"""The simulation: a history is processed by the machine, site by site, in simulated time.

Nothing is stored. Each fact is recorded when it happens, and the clock acts at the first possible
moment, as on a desk that records everything at once and whose daemon never stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.history.reports import Call, Draw, Finding
from incidents.machine import commands
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.decide import Decision, decide
from incidents.machine.policy import Policy
from incidents.machine.rules import deadlines

PERSON = "history"
SUSPENSION = "suspension"
CLOSING_RULES = ("repeat", "unreachable_run", "refusal", "false_info")

# The clock may act strictly after the due time.
_TICK = timedelta(microseconds=1)
_SLICE_INCIDENTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The history of one site: its findings in order of time, and the calls."""

    site: str
    findings: tuple[Finding, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A command and the moment (UTC) at which it is given; `n`: the number of its incident."""

    at: datetime
    n: int
    command: commands.Command


@dataclass(frozen=True, slots=True)
class PolicyAction:
    """A policy's action on a site; `what`: `suspension`, or the rule that closed the site."""

    at: datetime
    site: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The numbers in an outcome; `closed`: the number of closed sites for each rule."""

    policy: str
    digest: str
    sites: int
    incidents: int
    moot: int
    suspensions: int
    closed: dict[str, int]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The outcome of a history under one policy; `actions` are in order of time (UTC).

    `incidents`: the number of incidents on record, including the `moot` ones.
    """

    policy: str
    digest: str
    sites: int = 0
    incidents: int = 0
    moot: int = 0
    actions: list[PolicyAction] = field(default_factory=list)

    @property
    def suspensions(self) -> int:
        """The number of suspensions (R2)."""
        return sum(action.what == SUSPENSION for action in self.actions)

    @property
    def closures(self) -> list[PolicyAction]:
        """The actions that are closures."""
        return [action for action in self.actions if action.what != SUSPENSION]

    @property
    def closed(self) -> dict[str, int]:
        """The number of closed sites by rule, for every rule that can close one."""
        found = Counter(action.what for action in self.closures)
        return {rule: found[rule] for rule in CLOSING_RULES}

    @property
    def counts(self) -> Counts:
        """The numbers in this outcome."""
        return Counts(
            policy=self.policy, digest=self.digest, sites=self.sites, incidents=self.incidents,
            moot=self.moot, suspensions=self.suspensions, closed=self.closed,
        )  # fmt: skip


def make_stories(findings: Iterable[Finding], draw: Draw) -> list[Story]:
    """Make the histories of the sites; calls are drawn here, once for all policies."""
    of_site: dict[str, list[Finding]] = {}
    for finding in findings:
        of_site.setdefault(finding.report.site, []).append(finding)
    return [
        Story(
            site=site,
            findings=tuple(found),
            calls=tuple(draw.call(finding.report, n) for n, finding in enumerate(found, start=1)),
        )
        for site, found in of_site.items()
    ]


def run(
    stories: Sequence[Story],
    policy: Policy,
    name: str,
    done: Callable[[int], object] = lambda _: None,
) -> Outcome:
    """Run the `stories` under `policy`, called `name`.

    `done` is called after each site with the number of its incidents, for a progress bar.
    """
    outcome = Outcome(policy=name, digest=policy.digest)
    for story in stories:
        _run_site(story, policy, outcome)
        done(len(story.findings))
    outcome.actions.sort(key=lambda action: (action.at, action.site))
    return outcome


def facts(story: Story, policy: Policy) -> list[Fact]:
    """List everything that happens at the desk about one site, in order of time.

    Each finding is a separate incident, even if an earlier incident has the same address, because
    the grouping has already decided that.
    """
    found: list[tuple[datetime, int, int, Fact]] = []
    for n, (finding, call) in enumerate(zip(story.findings, story.calls, strict=True), start=1):
        about = _facts_of(n, finding, call, policy)
        found.extend((fact.at, n, place, fact) for place, fact in enumerate(about))
    return [fact for *_, fact in sorted(found, key=lambda entry: entry[:3])]


def _facts_of(n: int, finding: Finding, call: Call, policy: Policy) -> Iterator[Fact]:
    report = finding.report
    log = commands.Log(
        by=PERSON, urls=finding.urls, written=finding.written, category=report.category,
        note=report.note, again=True,
    )  # fmt: skip
    yield Fact(report.occurred_at, n, log)
    outcomes = [call.outcome] if call.outcome else ["no-answer"] * policy.min_attempts
    for outcome in outcomes:
        yield Fact(call.at, n, commands.RecordContact(by=PERSON, incident=n, outcome=outcome))
    if report.removed_at is not None:
        yield Fact(report.removed_at, n, commands.StateRemoved(by=PERSON, incident=n))


def _run_site(story: Story, policy: Policy, outcome: Outcome) -> None:
    outcome.sites += 1
    outcome.incidents += len(story.findings)
    case = Case(site_id=outcome.sites, site=story.site)
    happening = facts(story, policy)
    last_about = {fact.n: i for i, fact in enumerate(happening)}
    limit = _SLICE_INCIDENTS
    for i, fact in enumerate(happening):
        case = _elapse(case, policy, fact.at, outcome)
        if case.closed:
            # Later violations on a closed site are moot (X.4, X.10).
            outcome.moot += sum(isinstance(fact.command, commands.Log) for fact in happening[i:])
            return
        decision = decide(case, fact.command, policy, fact.at)
        case = _apply(decision, outcome)
        if len(case.incidents) > limit:
            _prune(case, policy, fact.at, {n for n, last in last_about.items() if last > i})
            limit = 2 * len(case.incidents) + _SLICE_INCIDENTS
    _elapse(case, policy, None, outcome)


def _elapse(case: Case, policy: Policy, until: datetime | None, outcome: Outcome) -> Case:
    """The case once everything due before `until` is processed at the first possible moment."""
    due = deadlines.next_due(case)
    while due is not None and (until is None or due < until):
        case = _apply(decide(case, commands.Elapse(), policy, due + _TICK), outcome)
        due = deadlines.next_due(case)
    return case


def _apply(decision: Decision, outcome: Outcome) -> Case:
    """The case after a decision, whose effects on the site are added to the outcome."""
    assert decision.refusal is None, f"a fact of the history is refused: {decision.refusal}"
    site = decision.case.site
    for event in decision.events:
        if isinstance(event, e.SiteSuspended):
            outcome.actions.append(PolicyAction(event.recorded_at, site, SUSPENSION))
        elif isinstance(event, e.SiteClosed):
            assert event.reason is not None
            outcome.actions.append(PolicyAction(event.recorded_at, site, event.reason.rule))
    return decision.case


def _prune(case: Case, policy: Policy, now: datetime, coming: set[int]) -> None:
    """Reduce the case to the part that the machine might still need.

    In simulated time nothing is backdated, so R1 needs only the incidents in its window, and R3
    only those since somebody was last reached before a running clock. Without this, the cost for a
    site would grow with the square of its history.
    """
    before = now - max(policy.repeat_within, policy.unreachable_within)
    old = [incident for incident in case.incidents.values() if incident.occurred_at < before]
    reached = [incident for incident in old if incident.reached_in_time]
    kept = {incident.n for incident in sorted(reached, key=lambda i: i.place)[-1:]} | coming
    kept.update(n for task in case.tasks.values() for n in task.incidents)
    for incident in old:
        pending = case.clock_runs(incident) or case.removal_runs(incident)
        if not pending and incident.n not in kept and incident.suspension is None:
            del case.incidents[incident.n]
