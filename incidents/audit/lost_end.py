"""The lost end: what a record says itself of having gone on from less than it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from incidents.audit.own_acts import HistoryResumed
from incidents.clock import rfc3339

# As `desk.resumption` has it: a record is verified without the desk.
_DAEMON = "daemon"


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


def losses(resumed: Iterable[HistoryResumed]) -> list[HistoryResumed]:
    """Each loss of a record once, by all the times that it went on, both the first one first: what
    a daemon had noticed before a person found what was signed of it is one loss."""
    found: list[HistoryResumed] = []
    is_noticed = False
    for event in resumed:
        if event.is_loss and event.had is None and is_noticed:
            found[-1] = replace(found[-1], signed=found[-1].signed or event.signed)
        elif event.is_loss:
            found.append(event)
        is_noticed = event.by == _DAEMON and (is_noticed or event.is_loss)
    return found
