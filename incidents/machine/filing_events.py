"""The events of a filing: its details, what the desk was reminded of, what checks have found."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.machine.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingChanged(Event):
    """Details have changed: each a key and its text; an empty text has taken it away."""

    kind = "filing_changed"
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingReminded(Event):
    """The desk is reminded of a term, whose last day is `due_on`, on a day of its own zone."""

    kind = "filing_reminded"
    term: str
    due_on: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspicionRaised(Event):
    """A check takes a detail for false; it closes nothing, and somebody looks (R4)."""

    kind = "suspicion_raised"
    field: str
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterSeen(Event):
    """The foot of the site's page lacks something, or no longer does."""

    kind = "footer_seen"
    problems: tuple[str, ...] = ()
