"""The comparison of a history's outcomes under several policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from incidents.clock import rfc3339
from incidents.history import reports, simulate
from incidents.history.reports import Draw, History
from incidents.history.simulate import Counts, Outcome, PolicyAction, Story
from incidents.machine.policy import Policy, write_duration

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Simulated, Simulation, Taking

MAX_REPORTS = 100_000
MAX_POLICIES = 4
"""The maximum number of policies at a time in a process that also runs a desk."""

Named = tuple[str, Policy]
"""A policy with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedHistory:
    """A history ready to simulate: reports grouped by `group_within`, missing calls drawn once.

    All policies use the same drawn calls.
    """

    history: History
    stories: tuple[Story, ...]
    draw: Draw
    group_within: timedelta | None

    @property
    def kept(self) -> int:
        """The number of incidents: reports that are left after grouping."""
        return sum(len(story.findings) for story in self.stories)

    @property
    def drawn(self) -> int:
        """The number of incidents with a drawn call."""
        return sum(call.drawn for story in self.stories for call in story.calls)

    @property
    def drawn_reached(self) -> int:
        """The number of drawn calls that reach the person."""
        calls = (call for story in self.stories for call in story.calls)
        return sum(call.drawn and call.outcome is not None for call in calls)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last report, in UTC; None without reports."""
        reports = self.history.reports
        return (reports[0].occurred_at, reports[-1].occurred_at) if reports else None

    def run_under(
        self, policies: Sequence[Named], done: Callable[[int], object] = lambda _: None
    ) -> tuple[Outcome, ...]:
        """Run the history under each policy; `done` gets the number of incidents simulated."""
        return tuple(simulate.run(self.stories, policy, name, done) for name, policy in policies)

    def _facts(self) -> Taking:
        """The facts common to all policies, as JSON; times are RFC 3339."""
        within, span = self.group_within, self.span
        return {
            "reports": len(self.history.reports),
            "bad": len(self.history.bad),
            "kept": self.kept,
            "drawn": self.drawn,
            "drawn_reached": self.drawn_reached,
            "reach": self.draw.reach,
            "seed": self.draw.seed,
            "group_within": None if within is None else write_duration(within),
            "from": None if span is None else rfc3339(span[0]),
            "to": None if span is None else rfc3339(span[1]),
        }

    def document(self, outcomes: Sequence[Outcome]) -> Simulated:
        """Return the results as JSON, policy by policy."""
        facts = self._facts()
        return {"policies": [_simulation(outcome.counts, facts) for outcome in outcomes]}


def _simulation(counts: Counts, facts: Taking) -> Simulation:
    return {
        "policy": counts.policy, "digest": counts.digest, "sites": counts.sites,
        "incidents": counts.incidents, "moot": counts.moot, "suspensions": counts.suspensions,
        "closed": counts.closed, **facts,
    }  # fmt: skip


def prepare(history: History, draw: Draw, group_within: timedelta | None) -> PreparedHistory:
    """Prepare a history for simulation."""
    stories = simulate.make_stories(reports.group_reports(history.reports, group_within), draw)
    return PreparedHistory(
        history=history, stories=tuple(stories), draw=draw, group_within=group_within
    )


class ActionCount(NamedTuple):
    """A policy's action on a site (see `PolicyAction`), with its first time (UTC) and its count."""

    what: str
    first: datetime
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A site that policies treat differently, with each policy's actions, in their order."""

    site: str
    actions: tuple[tuple[ActionCount, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outcomes of a history; `first` and `last` (UTC) are the times of the reports, or None.

    `kept`: the number of reports that are incidents; `drawn`: the number of incidents with a drawn
    call. `capped`: the history had more reports than were read.
    """

    reports: int
    kept: int
    drawn: int
    bad: int
    capped: bool
    first: datetime | None
    last: datetime | None
    outcomes: tuple[Counts, ...]
    differences: tuple[Difference, ...]


def of(taken: PreparedHistory, outcomes: Sequence[Outcome]) -> Comparison:
    """Return the comparison of a history's outcomes."""
    span = taken.span
    return Comparison(
        reports=len(taken.history.reports),
        kept=taken.kept,
        drawn=taken.drawn,
        bad=len(taken.history.bad),
        capped=taken.history.capped,
        first=None if span is None else span[0],
        last=None if span is None else span[1],
        outcomes=tuple(outcome.counts for outcome in outcomes),
        differences=tuple(_differences(outcomes)),
    )


def _differences(outcomes: Sequence[Outcome]) -> list[Difference]:
    of_site: dict[str, list[list[PolicyAction]]] = {}
    for place, outcome in enumerate(outcomes):
        for action in outcome.actions:
            own = of_site.setdefault(action.site, [[] for _ in outcomes])
            own[place].append(action)
    return [
        Difference(site, tuple(map(_done, actions)))
        for site, actions in sorted(of_site.items())
        if any(other != actions[0] for other in actions[1:])
    ]


def _done(actions: Sequence[PolicyAction]) -> tuple[ActionCount, ...]:
    found: dict[str, ActionCount] = {}
    for action in actions:
        _, first, n = found.get(action.what, (action.what, action.at, 0))
        found[action.what] = ActionCount(action.what, first, n + 1)
    return tuple(found.values())
