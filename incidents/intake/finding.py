"""The finding: whether a report is about an incident that is known already.

A burst of reports on one finding must never close a site by itself. So a rule, unlike a person,
logs nothing that may be known: what it joins moves no state and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.values.incident_states import UNSETTLED

BURST = timedelta(hours=1)
"""The longest time from the last report of an incident to another report of the same finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An incident of the site. `urls`: in their normal form.

    `last_at`: when it was recorded, or when the last report came in that led to it (UTC).
    """

    n: int
    state: str
    category: str | None
    urls: frozenset[str]
    last_at: datetime

    @property
    def is_unsettled(self) -> bool:
        """Whether the desk still works on it."""
        return self.state in UNSETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a report says of the site. `urls`: in their normal form. `received_at`: in UTC."""

    category: str | None
    urls: frozenset[str]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule does with a report: join the incident `n`, ask because of `asks`, or log it."""

    n: int | None = None
    asks: str | None = None


NEW = Decision()


def to_log(report: Named, known: Sequence[Known]) -> Decision:
    """Decide on a report that a rule wants to log.

    It is joined to an incident that the desk still works on, if that has the same category and one
    of its addresses, or if its last report came in within an hour. It is left to the desk if such
    an incident was settled within the hour, for the report may be from before; or if one of its
    addresses is in an incident of another category, since that would be a double entry.
    """
    alike = [each for each in known if _is_alike(report, each)]
    recent = [each for each in alike if report.received_at - each.last_at <= BURST]
    same = [each for each in alike if report.urls & each.urls]
    joined = [each for each in (*same, *recent) if each.is_unsettled]
    if joined:
        return Decision(n=max(joined, key=lambda each: (bool(report.urls & each.urls), each.n)).n)
    if recent:
        return Decision(asks="just_settled")
    entered = any(report.urls & each.urls for each in known if each.is_unsettled)
    return Decision(asks="double_entry") if entered else NEW


def to_join(report: Named, known: Iterable[Known]) -> Decision:
    """Decide on a report that a rule wants to join to the one incident that it is about.

    That is the one with one of its addresses, or else the one of its category.
    """
    unsettled = [each for each in known if each.is_unsettled]
    same = [each for each in unsettled if report.urls & each.urls]
    return _only(same or [each for each in unsettled if _is_alike(report, each)])


def _only(found: Sequence[Known]) -> Decision:
    if len(found) == 1:
        return Decision(n=found[0].n)
    return Decision(asks="several_incidents" if found else "no_incident")


def _is_alike(report: Named, known: Known) -> bool:
    """Whether both may be about the same: what has no category may be about anything."""
    return report.category == known.category or None in (report.category, known.category)
