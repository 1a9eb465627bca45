"""The epochs of the history: in which of them an order goes into the world, or a letter out.

What changes the world does so in the epoch that runs: its numbers are above all that were there
before. What tells somebody of something bears those of the epoch in which that was recorded: a
letter that is tried again is the same letter, and another one never has the number of one that went
out for an entry that is lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from incidents.machine.orders import ACT
from incidents.views.resumptions import resumptions


class Epochs(NamedTuple):
    """The epoch that runs, and of each that has begun the time (UTC) of what it holds, which is
    later than that, and its number, the first one first."""

    runs: int = 0
    begun: tuple[tuple[datetime, int], ...] = ()

    def of(self, lane: str, ordered_at: datetime) -> int:
        """That of an order in that lane which was recorded at that time (UTC)."""
        if lane == ACT:
            return self.runs
        return next((epoch for since, epoch in reversed(self.begun) if ordered_at > since), 0)


def read(connection: Connection) -> Epochs:
    """As the record has them."""
    begun = tuple((each.since, each.epoch) for each in resumptions(connection))
    return Epochs(begun[-1][1], begun) if begun else Epochs()
