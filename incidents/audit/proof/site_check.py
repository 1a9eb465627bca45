"""The check of the sites: whether each decision follows from the entries before it.

After a checkpoint that was verified before, each entry is hashed, and stands where it belongs, in
any case: only so do the first entries have the root of that checkpoint. But they are those that
were verified then. So a site whose entries are all among them was decided as the policy says, and
what was signed of them is not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import exists, func, select

from incidents.audit.facts import Flaw, at_entry
from incidents.audit.fold import UNREADABLE, Periods, said
from incidents.audit.jobs import Placed
from incidents.audit.pool import Tell
from incidents.audit.proof.bundle_log import BundleLog
from incidents.audit.proof.leaf_check import ENOUGH, NUMBERLESS, Seen, Stretch, misplaced
from incidents.audit.proof.live_log import LiveLog
from incidents.audit.proof.signed_check import Succession
from incidents.audit.redecide import Redecision
from incidents.audit.rows import Finding, Some
from incidents.errors import Cause
from incidents.machine.policy import Policy
from incidents.record.entry import decode
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.schema.log_tables import checkpoints, cosignatures, leaves


@dataclass(frozen=True, slots=True)
class Rules:
    """What is decided by: the policies by digest, and which was active, if that is known.

    Of an act whose entries stand at `open_from` or after, some may stand after the end of the log:
    a checkpoint may come between them. Of a `part` more may be left out.
    """

    policies: Mapping[str, Policy]
    periods: Periods | None
    open_from: int = NUMBERLESS * 2
    part: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What is wrong, and how many sites end within an act, the rest of which is not here."""

    flaws: list[Flaw]
    unfinished: int = 0


def decided(log: LiveLog | BundleLog, _tell: Tell, some: Any, rules: Rules) -> Decided:
    """The first wrong entry of each of these sites: of a database's a span of sites or some, of a
    bundle's the places of their entries."""
    flaws: list[Flaw] = []
    unfinished = 0
    for site_id, stream in groupby(log.placed(some), itemgetter(0)):
        redecision = Redecision(site_id, rules.policies, rules.periods)
        last, flaw = _taken(redecision, stream)
        wrong = redecision.end() if flaw is None else None
        torn = wrong is not None and wrong.expected is not None and last >= rules.open_from
        if torn or (wrong is not None and rules.part):
            unfinished += 1
        elif wrong is not None:
            flaw = _flaw(wrong, None)
        if flaw is not None:
            flaws.append(flaw)
            if len(flaws) == ENOUGH:
                break
    return Decided(flaws, unfinished)


def _taken(redecision: Redecision, stream: Iterable[Placed]) -> tuple[int, Flaw | None]:
    """Where a site's last entry stands, and what is wrong with the first wrong one."""
    place = 0
    for site_id, place, body in stream:
        leaf = place if place < NUMBERLESS else None
        try:
            header, event = decode(body.decode())
            wrong = redecision.take(header, event, place)
        except UNREADABLE as error:
            where = _at_site(site_id, leaf)
            return place, Flaw(part="entries", where=where, what=said(error), leaf=leaf)
        if wrong is not None:
            return place, _flaw(wrong, leaf)
    return place, None


def _flaw(wrong: Finding, leaf: int | None) -> Flaw:
    return Flaw(
        part="policy", where=at_entry(wrong.site, wrong.row, leaf),
        what=wrong.found, site=wrong.site, entry=wrong.row, leaf=leaf, expected=wrong.expected,
    )  # fmt: skip


def _at_site(site: int, leaf: int | None) -> Cause:
    if leaf is None:
        return Cause.of("at_site", "site {site}", site=site)
    return Cause.of("at_site_leaf", "site {site}, leaf {leaf}", site=site, leaf=leaf)


WITHIN_AN_ACT = 10_000
"""So many entries are numbered at once, and then the log may be signed: within an act, too. The
rest of an act that began so far before a checkpoint may be gone, though none of it was covered."""

_SITES_AT_ONCE = 200


class Since(NamedTuple):
    """The first `size` entries are those of a checkpoint that was verified before, and where that
    is from; so many `sites` were decided again nevertheless, each from its first entry."""

    where: str
    size: int
    sites: int


def later_sites(log: LiveLog, _tell: Tell, size: int) -> list[Some]:
    """The sites of what comes after a checkpoint of `size` entries, numbered or not, or that may
    have been within an act then; in shares."""
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


def later_signed(
    log: LiveLog, _tell: Tell, succession: Succession, size: int, bounds: list[int]
) -> list[tuple[int, int]]:
    """The checkpoints of more than `size` entries, and the last one in any case, as bounds of their
    ids; of those before, one of each hand-over from key to key, and the last of each witness.

    `bounds` are those of all checkpoints.
    """
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


@dataclass(slots=True)
class LookedAt(Seen):
    """What is known after all ranges so far; beside it the desk's own acts, in their order. `where`
    is how people find an entry by its number in the log, or one that has none."""

    where: Callable[[int | None], str] = field(kw_only=True)
    succession: Succession = field(default_factory=Succession)

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
            wrong = Cause.of(
                "flaw_unbegun", "it is entry {seq} of {site!r}, and none is before it",
                seq=stretch.first, site=stretch.site,
            )  # fmt: skip
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
