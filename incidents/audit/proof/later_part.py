"""The parts of a log: what is left to verify after a checkpoint, and what was looked at.

Each entry is hashed, and stands where it belongs, in any case: only so do the first entries have
the root of that checkpoint. But they are those that were verified then. So a site whose entries are
all among them was decided as the policy says, and what was signed of them is not looked at again.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import exists, func, select

from incidents.audit.flaw import Flaw
from incidents.audit.proof.leaf_check import Seen
from incidents.audit.proof.live_log import LiveLog
from incidents.audit.proof.streams import Streams, Stretch, misplaced
from incidents.audit.proof.succession import Succession
from incidents.audit.replay.stream import Some
from incidents.store.schema.log_tables import checkpoints, cosignatures, leaves
from incidents.store.schema.tables import DESK_STREAM, entries

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


Where = Callable[[int | None], str]
"""How people find an entry by its number in the log."""


@dataclass(slots=True)
class LookedAt:
    """The entries so far, the sites' streams, the desk's own acts, the policies that are named, and
    what is wrong. `roots` are those of the full lowest tiles; of each entry there are the site and
    the length, if they were asked for.
    """

    where: Where
    entries: int = 0
    streams: Streams = field(default_factory=Streams)
    succession: Succession = field(default_factory=Succession)
    policies: set[str] = field(default_factory=set)
    roots: bytearray = field(default_factory=bytearray)
    sites: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("H"))
    flaws: list[Flaw] = field(default_factory=list)

    def join(self, seen: Seen) -> None:
        """Takes what was seen of the next range."""
        self.entries += seen.entries
        self.roots += seen.roots
        self.policies |= seen.policies
        self.flaws += seen.flaws
        self.flaws += self.succession.take(seen.own)
        self.sites += seen.sites
        self.lengths += seen.lengths
        for site_id, stretch, wrong in self.streams.join(seen.streams):
            self.flaws.append(self._misplaced(site_id, stretch, wrong))

    def end(self) -> None:
        """There are no more: each site's stream must have begun with its first entry."""
        for site_id, stretch in self.streams.unbegun():
            wrong = f"it is entry {stretch.first} of {stretch.site!r}, and none is before it"
            self.flaws.append(self._misplaced(site_id, stretch, wrong))

    def trusted(self, size: int) -> int:
        """How many leaves, from the first, are as the tiles have them."""
        wrong = [flaw.leaf or 0 for flaw in self.flaws if flaw.part == "tree"]
        gone = [
            flaw.leaf for flaw in self.flaws if flaw.part == "entries" and flaw.leaf is not None
        ]
        return min([*wrong, *gone], default=size)

    def _misplaced(self, site_id: int, stretch: Stretch, wrong: str) -> Flaw:
        where = self.where(stretch.leaf)
        return misplaced(f"{site_id}-{stretch.first}", stretch.site, stretch.leaf, where, wrong)
