"""The lost ends: each loss of a record once, by all the times that its history went on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from incidents.record.own_acts import HistoryResumed

# As `desk.resumption` has it: a record is verified without the desk.
_DAEMON = "daemon"


def losses(resumed: Iterable[HistoryResumed]) -> list[HistoryResumed]:
    """Each loss once, both the first one first: what a daemon had noticed before a person found
    what was signed of it is one loss."""
    found: list[HistoryResumed] = []
    is_noticed = False
    for event in resumed:
        if event.is_loss and event.had is None and is_noticed:
            found[-1] = replace(found[-1], signed=found[-1].signed or event.signed)
        elif event.is_loss:
            found.append(event)
        is_noticed = event.by == _DAEMON and (is_noticed or event.is_loss)
    return found
