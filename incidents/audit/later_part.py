"""The later part of a log: what is left to verify after a checkpoint that was verified before.

Each entry is hashed, and stands where it belongs, in any case: only so do the first entries have
the root of that checkpoint. But they are those that were verified then. So a site whose entries are
all among them was decided as the policy says, and what was signed of them is not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import exists, func, select

from incidents.audit.live_log import LiveLog
from incidents.audit.share import Some
from incidents.audit.succession import Succession
from incidents.store.log_tables import checkpoints, cosignatures, leaves
from incidents.store.tables import DESK_STREAM, entries

WITHIN_AN_ACT = 10_000
"""So many entries are numbered at once, and then the log may be signed: within an act, too. The
rest of an act that began so far before a checkpoint may be gone, though none of it was covered."""

_SITES_AT_ONCE = 200

Tell = Callable[[int], object]


class Since(NamedTuple):
    """The first `size` entries are those of a checkpoint that was verified before, and where that
    is from; so many `sites` were decided again nevertheless, each from its first entry."""

    where: str
    size: int
    sites: int


def sites(log: LiveLog, size: int, *, tell: Tell) -> list[Some]:
    """The sites of what comes after a checkpoint of `size` entries, numbered or not, or that may
    have been within an act then; in shares."""
    del tell
    first = size - WITHIN_AN_ACT
    numbered = leaves.join(entries, entries.c.id == leaves.c.entry_id)
    later = select(entries.c.site_id).select_from(numbered).where(leaves.c.leaf_index >= first)
    # What has no number and is not above the floor is a finding anyway.
    without = ~exists().where(leaves.c.entry_id == entries.c.id)
    pending = select(entries.c.site_id).where(entries.c.id > log.head.floor, without)
    found = {id_ for each in (later, pending) for id_ in log.connection.scalars(each.distinct())}
    ids = sorted(found - {DESK_STREAM})
    shares = range(0, len(ids), _SITES_AT_ONCE)
    return [Some(tuple(ids[at : at + _SITES_AT_ONCE])) for at in shares]


def signed(
    log: LiveLog, succession: Succession, size: int, bounds: list[int], *, tell: Tell
) -> list[tuple[int, int]]:
    """The checkpoints of more than `size` entries, and the last one in any case, as bounds of their
    ids; of those before, one of each hand-over from key to key, and the last of each witness.

    `bounds` are those of all checkpoints.
    """
    del tell
    if not bounds:
        return []
    of = checkpoints.c

    def first_above(covered: int) -> int:
        found = log.connection.scalar(select(func.min(of.id)).where(of.size > covered))
        return bounds[-1] - 1 if found is None else found

    begin = first_above(size)
    single = {first_above(made.leaf) for made in succession.made[1:]}
    witnessed = select(func.max(cosignatures.c.checkpoint)).group_by(cosignatures.c.witness)
    single |= set(log.connection.scalars(witnessed))
    later = sorted({begin, *(bound for bound in bounds if bound > begin)})
    earlier = [(id_, id_ + 1) for id_ in sorted(single) if id_ < begin]
    return [*earlier, *pairwise(later)]
