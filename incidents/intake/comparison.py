"""The comparison: a history under several policies, and the sites to which each does otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from incidents.intake.contacts import Draw
from incidents.intake.history import History
from incidents.intake.simulate import Act, Counts, Outcome
from incidents.intake.taken import Named, Taken, take


class Done(NamedTuple):
    """What a policy did to a site (see `Act`), when first (UTC), and how often."""

    what: str
    first: datetime
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A site with what each policy did to it, in the order of the policies."""

    site: str
    acts: tuple[tuple[Done, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a history has come to. `reports` lie between `first` and `last` (UTC), None without any;
    `kept` of them are incidents, and of these `drawn` had a call that the history does not tell of.
    `capped` says that there were more reports than were taken.
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


def compare(
    history: History, policies: Sequence[Named], draw: Draw, within: timedelta | None
) -> Comparison:
    """Runs `history` through each policy; reports within `within` of one kept are one finding."""
    taken = take(history, draw, within)
    return of(taken, taken.under(policies))


def of(taken: Taken, outcomes: Sequence[Outcome]) -> Comparison:
    """What a history that was taken came to under each policy."""
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
    of_site: dict[str, list[list[Act]]] = {}
    for place, outcome in enumerate(outcomes):
        for act in outcome.acts:
            own = of_site.setdefault(act.site, [[] for _ in outcomes])
            own[place].append(act)
    return [
        Difference(site, tuple(map(_done, acts)))
        for site, acts in sorted(of_site.items())
        if any(other != acts[0] for other in acts[1:])
    ]


def _done(acts: Sequence[Act]) -> tuple[Done, ...]:
    found: dict[str, Done] = {}
    for act in acts:
        _, first, n = found.get(act.what, (act.what, act.at, 0))
        found[act.what] = Done(act.what, first, n + 1)
    return tuple(found.values())
