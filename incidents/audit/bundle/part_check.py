"""The part: the entries of a bundle that is not whole, each with its proof (C2SP tlog-proof)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from incidents.audit.bundle.notes import Notes
from incidents.audit.facts import read
from incidents.audit.flaw import Flaw
from incidents.audit.proof.bundle_manifest import ENTRIES, Manifest, read_file
from incidents.audit.proof.streams import Streams, misplaced
from incidents.errors import IncidentsError
from incidents.record.entry import MAX_BYTES, UnreadableEntryError
from incidents.store.schema.tables import DESK_STREAM
from incidents.tlog import proof
from incidents.tlog.proof import SUFFIX, check_inclusion
from incidents.tlog.tree import leaf_hash


@dataclass(slots=True)
class PartSeen:
    """What is known of the part: its entries, their numbers in the log, and what is wrong."""

    entries: int = 0
    streams: Streams = field(default_factory=Streams)
    own: list[tuple[int, bytes]] = field(default_factory=list)
    policies: set[str] = field(default_factory=set)
    leaves: array[int] = field(default_factory=lambda: array("q"))
    sites: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("H"))
    flaws: list[Flaw] = field(default_factory=list)


def look(folder: Path, manifest: Manifest, notes: Notes) -> PartSeen:
    """Look at each entry and its proof, in the order of the log."""
    seen = PartSeen()
    indexes = sorted(int(Path(name).name.removesuffix(SUFFIX)) for name in manifest.under("proofs"))
    with (folder / ENTRIES).open("rb") as file:
        for n, line in enumerate(iter(lambda: file.readline(MAX_BYTES + 2), b"")):
            where = f"{ENTRIES}, line {n + 1}"
            if not line.endswith(b"\n"):
                seen.flaws.append(_flaw(where, "it is cut off, or too long"))
                return seen
            if n >= len(indexes):
                seen.flaws.append(_flaw(where, "there is no proof of it"))
                return seen
            _take(line[:-1], indexes[n], where, seen)
            wrong = _unproved(folder, line[:-1], indexes[n], notes)
            if wrong is not None:
                seen.flaws.append(_flaw(where, wrong, indexes[n]))
    for n in indexes[seen.entries :][:1]:
        seen.flaws.append(_flaw(f"proofs/{n}{SUFFIX}", "the entry that it proves is not there", n))
    if not seen.entries == manifest.entries > 0:
        what = f"it has {seen.entries} entries, and the manifest says {manifest.entries}"
        seen.flaws.append(_flaw(ENTRIES, what))
    return seen


def _take(body: bytes, leaf: int, where: str, seen: PartSeen) -> None:
    seen.entries += 1
    seen.leaves.append(leaf)
    seen.lengths.append(min(len(body), MAX_BYTES))
    seen.sites.append(-1)
    try:
        facts = read(body)
    except UnreadableEntryError as error:
        seen.flaws.append(_flaw(where, str(error.facts["detail"]), leaf))
        return
    seen.sites[-1] = facts.site_id
    seen.policies.add(facts.policy)
    if facts.site_id == DESK_STREAM:
        # Of the desk's own acts a part has a choice.
        seen.own.append((leaf, body))
        return
    # A whole log's ranges are joined, which looks at the names: a part has but one.
    is_new = facts.site_id not in seen.streams.of
    called = seen.streams.called(facts.site_id, facts.site) if is_new else None
    wrong = seen.streams.take(facts, leaf) or called
    if wrong is not None:
        entry = f"{facts.site_id}-{facts.site_seq}"
        seen.flaws.append(misplaced(entry, facts.site, leaf, where, wrong))


def _unproved(folder: Path, body: bytes, leaf: int, notes: Notes) -> str | None:
    """Why its proof does not show that an entry is in the log."""
    name = f"proofs/{leaf}{SUFFIX}"
    head = notes.head.checkpoint
    try:
        found = proof.parse_file(read_file(folder, name))
        if found.index != leaf or found.checkpoint != notes.text or found.extra is not None:
            return f"{name} is no proof of leaf {leaf} by this checkpoint"
        check_inclusion(leaf, head.size, leaf_hash(body), found.proof, head.root)
    except IncidentsError as error:
        return f"{name} does not prove it: {error.message}"
    return None


def _flaw(where: str, what: str, leaf: int | None = None) -> Flaw:
    return Flaw(part="entries", where=where, what=what, leaf=leaf)
