"""The epochs of orders: the first part of their numbers, which changes when the history resumes.

An order to the live system has a number of the present epoch, which is higher than all earlier
numbers. A notice has a number of the epoch in which its event was recorded, so that a repeated
notice stays the same notice, and no other notice gets the number of one that was sent for a lost
entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from incidents.enforcement.attempts import log_error
from incidents.machine.orders import ACT
from incidents.store.archive import whole
from incidents.store.archive.part import PartAlteredError, PartMissingError
from incidents.store.log import lineage
from incidents.views.left_down import resumptions


class Epochs(NamedTuple):
    """The present epoch, and the time (UTC) at which each epoch began, the oldest first.

    An entry belongs to the last epoch that began before it, else to the epoch `earlier`; None: it
    is in a part of the archive that cannot be read.
    """

    current: int = 0
    begun: tuple[tuple[datetime, int], ...] = ()
    earlier: int | None = 0

    def of(self, lane: str, ordered_at: datetime) -> int | None:
        """The epoch of an order in that lane, recorded at that time (UTC); None if unknown."""
        if lane == ACT:
            return self.current
        known = (epoch for since, epoch in reversed(self.begun) if ordered_at > since)
        return next(known, self.earlier)


def read(connection: Connection) -> Epochs:
    """The epochs on record.

    Parts are read only if a resumption is still in the database. An order that is not archived was
    recorded after all that is archived.
    """
    current = lineage.standing(connection).epoch
    begun = tuple((each.since, each.epoch) for each in resumptions(connection, whole.none))
    if not begun:
        return Epochs(current, earlier=current)
    try:
        every = resumptions(connection)
    except (PartMissingError, PartAlteredError) as error:
        log_error("the epochs of old notices cannot be read", error=error)
        return Epochs(current, begun, earlier=None)
    archived = every[: len(every) - len(begun)]
    return Epochs(current, begun, earlier=archived[-1].epoch if archived else 0)
