"""The comparison: a history under several policies, and the sites to which each does otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.intake.contacts import Draw
from incidents.intake.history import History
from incidents.intake.simulate import Act, Outcome
from incidents.intake.taken import Named, take


@dataclass(frozen=True, slots=True)
class Difference:
    """A site with what each policy did to it, in the order of the policies."""

    site: str
    acts: tuple[tuple[Act, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a history has come to. `reports` lie between `first` and `last` (UTC), None without any;
    `kept` of them are incidents, and of these `drawn` had a call that the history does not tell of.
    """

    reports: int
    kept: int
    drawn: int
    bad: int
    first: datetime | None
    last: datetime | None
    outcomes: tuple[Outcome, ...]
    differences: tuple[Difference, ...]


def compare(
    history: History, policies: Sequence[Named], draw: Draw, within: timedelta | None
) -> Comparison:
    """Runs `history` through each policy; reports within `within` of one kept are one finding."""
    taken = take(history, draw, within)
    outcomes, span = taken.under(policies), taken.span
    return Comparison(
        reports=len(history.reports),
        kept=taken.kept,
        drawn=taken.drawn,
        bad=len(history.bad),
        first=None if span is None else span[0],
        last=None if span is None else span[1],
        outcomes=outcomes,
        differences=tuple(_differences(outcomes)),
    )


def _differences(outcomes: Sequence[Outcome]) -> list[Difference]:
    of_site: dict[str, list[list[Act]]] = {}
    for place, outcome in enumerate(outcomes):
        for act in outcome.acts:
            own = of_site.setdefault(act.site, [[] for _ in outcomes])
            own[place].append(act)
    return [
        Difference(site, tuple(map(tuple, acts)))
        for site, acts in sorted(of_site.items())
        if any(other != acts[0] for other in acts[1:])
    ]
