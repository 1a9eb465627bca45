"""The plan of an archiving: which of the oldest entries can become parts, and why no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, func, select

from incidents.clock import rfc3339
from incidents.errors import InputError
from incidents.store.archive import part_file, whole
from incidents.store.archive.part_file import Bounds
from incidents.store.log import checkpoints
from incidents.store.log import leaves as stored_leaves
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import deliveries, leaves
from incidents.tlog.tree import WIDTH
from incidents.values.ids import order_id

if TYPE_CHECKING:
    from incidents.contract.documents.record import ArchivedPart, ArchiveEnd

ENTRIES = 65_536
"""The number of entries in a part, unless asked for otherwise: a full tile of the next level."""

_MOST_SHIFTS = 64


class BadPartSizeError(InputError):
    """a part cannot have {given} entries: give a multiple of 256, at least 256"""


Why = Literal["too_few", "too_young", "not_signed", "unsettled"]


@dataclass(frozen=True, slots=True)
class End:
    """Why no further part is made.

    `too_few`: fewer than a part's entries are left. `too_young`: the next part's last entry was
    recorded at `at` (UTC). `not_signed`: no checkpoint covers it, or it has no number yet.
    `unsettled`: the order `order`, (site, number, lane), is not settled.
    """

    why: Why
    at: datetime | None = None
    order: tuple[int, int, str] | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether something must be done before the old entries that are left can be archived."""
        return self.why in ("not_signed", "unsettled")

    def document(self) -> ArchiveEnd:
        """The reason as JSON."""
        return {
            "why": self.why, "at": None if self.at is None else rfc3339(self.at),
            "order": None if self.order is None else order_id(*self.order),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """A part that can be made: its bounds, and when its first and last entries were recorded."""

    bounds: Bounds
    since: datetime
    until: datetime

    def document(self) -> ArchivedPart:
        """The part as JSON."""
        return {
            "first": self.bounds.first, "end": self.bounds.end, "since": rfc3339(self.since),
            "until": rfc3339(self.until), "file": None, "size": None, "digest": None,
        }  # fmt: skip


def plan(connection: Connection, cutoff: datetime, many: int, first: int) -> Planned | End:
    """The next part of `many` entries from leaf `first` on, recorded before `cutoff` (UTC).

    Raises:
        BadPartSizeError: if `many` is not a multiple of 256.
    """
    if many <= 0 or many % WIDTH:
        raise BadPartSizeError(given=many)
    head = stored_leaves.head(connection)
    # The newest entry stays: ids and the desk's clock go on from it.
    limit = min(head.size - 1, first + many + _MOST_SHIFTS * WIDTH)
    bounds = _bounds(connection, first, many, limit)
    if bounds is None or bounds.last_id > head.floor:
        # Those of parts that are only planned are still there.
        needed = first - whole.archived(connection) + many + 1
        there = select(entries.c.id).limit(needed).subquery()
        is_enough = connection.scalar(select(func.count()).select_from(there)) == needed
        return End("not_signed" if is_enough else "too_few")
    of = entries.c
    joined = leaves.join(entries, of.id == leaves.c.entry_id)
    times = select(func.min(of.recorded_at), func.max(of.recorded_at)).select_from(joined)
    since, until = connection.execute(times.where(part_file.conditions(bounds)[leaves])).one()
    if until >= cutoff:
        return End("too_young", at=until)
    signed = checkpoints.last(connection)
    if signed is None or signed.size < bounds.end:
        return End("not_signed")
    order = unsettled(connection, bounds)
    return Planned(bounds, since, until) if order is None else End("unsettled", order=order)


def planned(
    connection: Connection, cutoff: datetime, many: int = ENTRIES
) -> Iterator[Planned | End]:
    """The parts that a run would make now, and why no further one."""
    first = whole.archived(connection)
    while isinstance(found := plan(connection, cutoff, many, first), Planned):
        yield found
        first = found.bounds.end
    yield found


def _bounds(connection: Connection, first: int, many: int, limit: int) -> Bounds | None:
    """The first end from which on all ids are above those before it; None if there is none.

    On PostgreSQL entries are numbered as they are committed, so an id can be out of turn.
    """
    of = leaves.c
    for end in range(first + many, limit + 1, WIDTH):
        ids = select(func.max(of.entry_id)).where(of.leaf_index.between(first, end - 1))
        last_id: int = connection.scalar(ids) or 0
        # All in parts are deleted; those of parts that are only planned are still there.
        due = end - whole.archived(connection)
        numbered = select(func.count()).select_from(leaves).where(of.entry_id <= last_id)
        there = select(func.count()).select_from(entries).where(entries.c.id <= last_id)
        if connection.scalar(numbered) == connection.scalar(there) == due:
            return Bounds(first, end, last_id)
    return None


def unsettled(connection: Connection, bounds: Bounds) -> tuple[int, int, str] | None:
    """The first order of these entries that is not settled: (site, number, lane), or None."""
    of = deliveries.c
    same = (entries.c.site_id == of.site_id) & (entries.c.site_seq == of.site_seq)
    found = connection.execute(
        select(of.site_id, of.site_seq, of.lane)
        .join(entries, same)
        .where(entries.c.id <= bounds.last_id)
        .order_by(entries.c.id, of.lane)
        .limit(1)
    ).first()
    return None if found is None else (found.site_id, found.site_seq, found.lane)
