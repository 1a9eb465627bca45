"""The lost end: what a record says itself of having gone on from less than it was."""

from __future__ import annotations

from typing import NamedTuple

from incidents.audit.own_acts import HistoryResumed
from incidents.clock import rfc3339


class LostEnd(NamedTuple):
    """When it went on (RFC 3339, UTC), in which epoch, and the rest as `HistoryResumed` has it."""

    at: str
    epoch: int
    entries: int
    had: int | None
    signed: int | None


def of(event: HistoryResumed) -> LostEnd:
    """As that entry says it."""
    at = rfc3339(event.recorded_at)
    return LostEnd(at, event.epoch, event.entries, event.had, event.signed)
