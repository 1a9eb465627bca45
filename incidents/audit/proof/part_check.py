"""The check of the archive's parts: each file as it was made, and what an earlier check left.

A part that lies before a verified checkpoint is not read again. Its tiles still lead to the
checkpoint's root, and its index says where each site's entries end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, select

from incidents.audit.facts import Flaw, at_leaf
from incidents.audit.pool import Progress
from incidents.audit.proof.leaf_check import MAX_FLAWS, RangeResult
from incidents.audit.proof.live_log import LiveLog
from incidents.audit.proof.signed_check import Roots
from incidents.errors import Cause
from incidents.store.archive import parts as archive_parts
from incidents.store.archive.part import Part
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.schema.log_tables import archived_sites, leaves, tiles
from incidents.tlog.note import Checkpoint
from incidents.tlog.tree import HASH_BYTES, WIDTH, tile_root

_PIECE = 2**20
_MOST_NAMED = 5
_OTHER_SITES = "the list of the sites with entries in it is another; the first that differ: {sites}"
_OTHER_DIGEST = "the file is not the one that was made: its SHA-256 is {found}, not {right}"


@dataclass(slots=True)
class PartResult(RangeResult):
    """The result for a part that is not read again; `last`: each site's last entry in it."""

    last: dict[int, int] = field(default_factory=dict)


def whole_files(parts: Sequence[Part]) -> Iterator[tuple[Callable[..., list[Flaw]], Any]]:
    """The jobs that compare each part's file with its digest."""
    return ((_file_flaws, (part,)) for part in parts)


def _file_flaws(log: LiveLog, _progress: Progress, part: Part) -> list[Flaw]:
    archive = archive_parts.archive_of(log.connection)
    file, digest = archive.folder / part.file, hashlib.sha256()
    with archive.opened(part) as opened, file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
        sites = set(opened.scalars(select(entries.c.site_id).distinct()))
    found = digest.hexdigest()
    if found == part.digest:
        return _sites_flaws(log, part, sites)
    what = Cause.of("flaw_part_digest", _OTHER_DIGEST, found=found, right=part.digest)
    return [Flaw(part="entries", where=str(file), what=what, expected=part.digest, found=found)]


def _sites_flaws(log: LiveLog, part: Part, right: set[int]) -> list[Flaw]:
    """Compare the part's sites with those on the list, by which views find their parts."""
    of = archived_sites.c
    asked = select(of.site_id).where(of.first_leaf == part.first)
    found = set(log.connection.scalars(asked))
    if part.sites is None or (found == right and part.sites == len(right)):
        return []
    wrong = sorted(found ^ right)
    what = Cause.of("flaw_part_sites", _OTHER_SITES, sites=", ".join(map(str, wrong[:_MOST_NAMED])))
    return [Flaw(part="entries", where=f"archived_sites of {part.file}", what=what)]


def gaps(log: LiveLog) -> Iterator[Flaw]:
    """Find where the parts do not follow each other from the first entry of the log on."""
    end = 0
    for part in archive_parts.listed(log.connection):
        if part.first != end:
            begins = "a part begins with entry {first}, but entry {end} comes next"
            what = Cause.of("flaw_part_gap", begins, first=part.first, end=end)
            yield Flaw(part="entries", where=part.file, what=what, leaf=end)
        end = part.end


def verified_before(log: LiveLog, _progress: Progress, held: Checkpoint) -> list[Part]:
    """The parts that lie before a verified checkpoint; none if the log does not agree with it."""
    if Roots(log, log.size).wrong(held, "") is not None:
        return []
    return [part for part in archive_parts.listed(log.connection) if part.end <= held.size]


def not_read_again(parts: Sequence[Part]) -> Iterator[tuple[Callable[..., PartResult], Any]]:
    """The jobs that take over the parts that were verified before."""
    return ((_taken_over, (part,)) for part in parts)


def _taken_over(log: LiveLog, progress: Progress, part: Part) -> PartResult:
    seen = PartResult(entries=part.end - part.first)
    with archive_parts.archive_of(log.connection).opened(part) as opened:
        row = _lowest_tiles(opened, part, seen)
        _take_own(opened, part, row, seen)
        last = select(entries.c.site_id, func.max(entries.c.site_seq)).group_by(entries.c.site_id)
        seen.last = {site_id: seq for site_id, seq in opened.execute(last) if site_id}
    width = WIDTH * HASH_BYTES
    seen.roots = b"".join([tile_root(row[at : at + width]) for at in range(0, len(row), width)])
    seen.flaws = seen.flaws[:MAX_FLAWS]
    progress(seen.entries)
    return seen


def _lowest_tiles(opened: Connection, part: Part, seen: PartResult) -> bytes:
    """The hashes of the part's leaves, from its tiles."""
    wanted = select(tiles.c.n, tiles.c.hashes).where(tiles.c.level == 0).order_by(tiles.c.n)
    found = {row.n: row.hashes for row in opened.execute(wanted)}
    row = []
    for n in range(part.first // WIDTH, part.end // WIDTH):
        hashes = bytes(found.get(n, b""))
        if len(hashes) != WIDTH * HASH_BYTES:
            what = Cause.of("flaw_not_there", "it is not there")
            seen.flaws.append(Flaw(part="tree", where=f"tiles 0-{n}", what=what, leaf=n * WIDTH))
            hashes = bytes(WIDTH * HASH_BYTES)
        row.append(hashes)
    return b"".join(row)


def _take_own(opened: Connection, part: Part, row: bytes, seen: PartResult) -> None:
    """Read the desk's own entries, which name the policies and keys of all later entries."""
    own = (
        select(leaves.c.leaf_index, entries.c.body)
        .join(entries, entries.c.id == leaves.c.entry_id)
        .where(entries.c.site_id == DESK_STREAM)
        .order_by(entries.c.site_seq)
    )
    for leaf, body in opened.execute(own):
        data = body.encode(errors="surrogatepass")
        seen.take(data, leaf, partial(at_leaf, leaf))
        begin = (leaf - part.first) * HASH_BYTES
        if sha256(b"\0" + data).digest() != row[begin : begin + HASH_BYTES]:
            what = "its leaf hash is not that of its body: one of them was changed"
            what = Cause.of("flaw_leaf_hash", what)
            seen.flaws.append(Flaw(part="entries", where=at_leaf(leaf), what=what, leaf=leaf))
