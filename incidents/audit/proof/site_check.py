"""The check that each decision about a site follows from the entries before it.

If an earlier checkpoint was verified, every entry is still hashed and its place checked. The root
of that checkpoint then shows that the entries before it are unchanged. Therefore a site whose
entries are all before that checkpoint was already verified against the policy, and is not decided
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import exists, func, select

from incidents.audit.facts import Flaw, at_entry
from incidents.audit.fold import UNREADABLE, Periods, describe
from incidents.audit.jobs import Placed
from incidents.audit.pool import Progress
from incidents.audit.proof.bundle_log import BundleLog
from incidents.audit.proof.leaf_check import (
    MAX_FLAWS,
    UNNUMBERED,
    RangeResult,
    SiteRange,
    misplaced,
)
from incidents.audit.proof.live_log import LiveLog
from incidents.audit.proof.succession import Succession
from incidents.audit.redecide import Redecision
from incidents.audit.rows import Finding, Ids
from incidents.errors import Cause
from incidents.machine.policy import Policy
from incidents.record.entry import decode
from incidents.store.archive import whole
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.schema.log_tables import checkpoints, cosignatures, leaves


@dataclass(frozen=True, slots=True)
class Rules:
    """The policies by digest, and when each was active, if known.

    An action whose entries begin at `open_from` or later may have further entries after the end of
    the log, because a checkpoint can come between the entries of an action. In a `part`, any entry
    may be left out.
    """

    policies: Mapping[str, Policy]
    periods: Periods | None
    open_from: int = UNNUMBERED * 2
    part: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """The flaws, and the number of sites whose last action is incomplete in this log."""

    flaws: list[Flaw]
    unfinished: int = 0


def decided(log: LiveLog | BundleLog, _progress: Progress, some: Any, rules: Rules) -> Decided:
    """Find the first wrong entry of each of these sites.

    `some`: spans or ids of sites, or places in a bundle.
    """
    flaws: list[Flaw] = []
    unfinished = 0
    for site_id, stream in groupby(log.placed(some), itemgetter(0)):
        redecision = Redecision(site_id, rules.policies, rules.periods)
        last, flaw = _last_place_and_flaw(redecision, stream)
        wrong = redecision.end() if flaw is None else None
        torn = wrong is not None and wrong.expected is not None and last >= rules.open_from
        if torn or (wrong is not None and rules.part):
            unfinished += 1
        elif wrong is not None:
            flaw = _flaw(wrong, None)
        if flaw is not None:
            flaws.append(flaw)
            if len(flaws) == MAX_FLAWS:
                break
    return Decided(flaws, unfinished)


def _last_place_and_flaw(
    redecision: Redecision, stream: Iterable[Placed]
) -> tuple[int, Flaw | None]:
    """The place of the last entry checked, and the flaw if the entry is invalid.

    Checking stops at the first flaw.
    """
    place = 0
    for site_id, place, body in stream:
        leaf = place if place < UNNUMBERED else None
        try:
            header, event = decode(body.decode())
            wrong = redecision.take(header, event, place)
        except UNREADABLE as error:
            where = _at_site(site_id, leaf)
            return place, Flaw(part="entries", where=where, what=describe(error), leaf=leaf)
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


WITHIN_AN_ACTION = 10_000
"""The maximum number of entries that are numbered before the log can be signed, even within an
action. If an action begins within this number of entries before a checkpoint, the checkpoint might
not cover the rest of the action."""

_SITES_AT_ONCE = 200


class Since(NamedTuple):
    """An earlier verified checkpoint, its `size`, and the number of `sites` decided again."""

    where: str
    size: int
    sites: int


def later_sites(log: LiveLog, _progress: Progress, size: int) -> list[Ids]:
    """The sites, in shares, with entries after `size`, even unnumbered, or an action across it."""
    first = size - WITHIN_AN_ACTION
    numbered = leaves.join(entries, entries.c.id == leaves.c.entry_id)
    later = select(entries.c.site_id).select_from(numbered).where(leaves.c.leaf_index >= first)
    # An entry without a number below the floor is a finding anyway.
    without = ~exists().where(leaves.c.entry_id == entries.c.id)
    pending = select(entries.c.site_id).where(entries.c.id > log.head.floor, without)
    rows = whole.all_rows(log.connection, later.distinct(), whole.of_leaves(first, log.size))
    found = {id_ for (id_,) in rows} | set(log.connection.scalars(pending.distinct()))
    ids = sorted(found - {DESK_STREAM})
    shares = range(0, len(ids), _SITES_AT_ONCE)
    return [Ids(tuple(ids[at : at + _SITES_AT_ONCE])) for at in shares]


def later_signed(
    log: LiveLog, _progress: Progress, succession: Succession, size: int, bounds: list[int]
) -> list[tuple[int, int]]:
    """The checkpoints to verify again, as bounds of ids: all after `size` entries, and the last.

    Of the earlier checkpoints, there is one for each hand-over between keys, and the last one that
    each witness signed. `bounds`: the bounds for all checkpoints.
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
class LogResult(RangeResult):
    """The result for all ranges so far, with the desk's own actions.

    `where`: describes where an entry is.
    """

    where: Callable[[int | None], str] = field(kw_only=True)
    succession: Succession = field(default_factory=Succession)
    last: dict[int, int] = field(default_factory=dict)
    """The last entry of each site in the archive's parts that are not read again."""

    def join(self, seen: RangeResult) -> None:
        """Append the results for the next range."""
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
        """Finish: report each site whose stream does not begin with the site's first entry.

        After parts that are not read again, the entry after the last one in them is the first.
        """
        for site_id, stretch in self.streams.of.items():
            if stretch.first == self.last.get(site_id, 0) + 1:
                continue
            wrong = Cause.of(
                "flaw_unbegun", "it is entry {seq} of {site!r}, and none is before it",
                seq=stretch.first, site=stretch.site,
            )  # fmt: skip
            self.flaws.append(self._misplaced(site_id, stretch, wrong))

    def trusted(self, size: int) -> int:
        """The number of leaves from the start of the log that agree with the tiles."""
        wrong = [flaw.leaf or 0 for flaw in self.flaws if flaw.part == "tree"]
        gone = [
            flaw.leaf for flaw in self.flaws if flaw.part == "entries" and flaw.leaf is not None
        ]
        return min([*wrong, *gone], default=size)

    def _misplaced(self, site_id: int, stretch: SiteRange, wrong: str) -> Flaw:
        where = self.where(stretch.leaf)
        return misplaced(f"{site_id}-{stretch.first}", stretch.site, stretch.leaf, where, wrong)
