"""The check of the signatures: each checkpoint must match the tree, and the right key must sign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from incidents.audit.facts import Flaw, cause_of
from incidents.audit.jobs import Log
from incidents.audit.pool import Progress
from incidents.audit.proof.leaf_check import MAX_FLAWS
from incidents.audit.proof.live_log import LiveLog
from incidents.audit.proof.succession import Succession
from incidents.clock import rfc3339
from incidents.errors import Cause, IncidentsError
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.tlog import note
from incidents.tlog.keys import Signature, VerifierKey
from incidents.tlog.note import Checkpoint, Note
from incidents.tlog.proof import Nodes, root_at
from incidents.tlog.tiles import nodes_from
from incidents.tlog.tree import subtrees


def deleted_flaws(signed: tuple[int, int] | None, thinned: int) -> Iterator[Flaw]:
    """Find deleted checkpoints: all that were signed are there, or were `thinned` on record.

    `signed`: how many were signed, and how many are there; None if nobody can know.
    """
    if signed is None or sum(signed[1:], thinned) == signed[0]:
        return
    counts = {"signed": signed[0], "there": signed[1]}
    gone = "{signed} were signed, and {there} are there: some were deleted"
    what = Cause.of("flaw_checkpoints_deleted", gone, **counts)
    if thinned:
        gone = "{signed} were signed, {thinned} of them thinned, and {there} are there"
        what = Cause.of("flaw_checkpoints_missing", gone, thinned=thinned, **counts)
    yield flaw("checkpoints", what)


class Held(NamedTuple):
    """A checkpoint, and a description of where it comes from."""

    where: str
    note: Note
    checkpoint: Checkpoint


class Witnessed(NamedTuple):
    """The size of the largest tree that a witness has signed, and when (RFC 3339, UTC)."""

    size: int
    at: str


@dataclass(slots=True)
class Signatures:
    """The result for some checkpoints.

    `handed`: the pairs of successive keys that have both signed the same checkpoint.
    """

    count: int = 0
    last: Held | None = None
    witnessed: dict[str, Witnessed] = field(default_factory=dict)
    handed: set[tuple[str, str]] = field(default_factory=set)
    flaws: list[Flaw] = field(default_factory=list)

    @classmethod
    def joined(cls, parts: Iterable[Signatures]) -> Signatures:
        """Combine the results for all checkpoints."""
        found = cls()
        for part in parts:
            found.count += part.count
            found.last = part.last or found.last
            found.witnessed |= part.witnessed
            found.handed |= part.handed
            found.flaws += part.flaws
        return found

    def broken(self, keys: Iterable[VerifierKey]) -> list[tuple[str, str]]:
        """The pairs of successive `keys` that have not signed a checkpoint together."""
        return [pair for pair in pairwise(map(str, keys)) if pair not in self.handed]


class Roots:
    """The roots of the tree at any size up to the first wrong leaf, from verified tiles."""

    def __init__(self, log: Log, trusted: int) -> None:
        self.size = log.size
        self.trusted = trusted
        self._nodes = _nodes(log)

    def wrong(self, seen: Checkpoint, where: str, *, held: bool = False) -> Flaw | None:
        """Return a flaw if the tree did not have the checkpoint's root at the checkpoint's size."""
        size = seen.size
        if size > self.size:
            what = Cause.of(
                "flaw_tail_cut", "it is of {n} entries, and the log has {size}: its tail was cut",
                n=size, size=self.size,
            )  # fmt: skip
            return Flaw(part="checkpoints", where=where, what=what, leaf=self.size)
        if size > self.trusted:
            return None
        root = root_at(self._nodes, size)
        if root == seen.root:
            return None
        right, own = root.hex(), seen.root.hex()
        code = "rewritten" if held else "changed"
        what = Cause.of(f"flaw_root_{code}", _OTHER_ROOT[code], n=size, right=right, own=own)
        return Flaw(part="checkpoints", where=where, what=what, expected=own, found=right)


_OTHER_ROOT = {
    "rewritten": "the root of the first {n} entries is {right}, but it says {own}: the log was "
    "rewritten",
    "changed": "the root of the first {n} entries is {right}, but it says {own}: one of these "
    "entries was changed",
}


def check_signatures(
    log: LiveLog, _progress: Progress, succession: Succession, trusted: int, first: int, before: int
) -> Signatures:
    """Check the checkpoints in the table with ids from `first` to before `before`."""
    found, roots = Signatures(), Roots(log, trusted)
    last: Held | None = None
    for signed in log.checkpoints(first, before):
        where = f"checkpoints {signed.id}"
        try:
            held = read(signed.note, where)
            if signed.id >= first:
                _check_signed(signed, held, succession, last and last.checkpoint, found)
        except IncidentsError as error:
            found.flaws.append(flaw(where, cause_of(error)))
            continue
        if signed.id >= first:
            found.count += 1
            root = roots.wrong(held.checkpoint, where)
            found.flaws += [] if root is None else [root]
            found.flaws += _witnesses(log, signed, held, found)
        last = held
    found.last = last
    found.flaws = found.flaws[:MAX_FLAWS]
    return found


def frontier(log: Log) -> bytes:
    """The compact range of the log's tree, from its tiles (see `tlog.tree.Frontier`)."""
    nodes = _nodes(log)
    return b"".join(nodes(*subtree) for subtree in subtrees(log.size))


def _nodes(log: Log) -> Nodes:
    return nodes_from(lambda tile: log.tile(tile.level, tile.n) or b"", log.size)


def flaw(where: str, what: str) -> Flaw:
    """A flaw of a checkpoint or of the keys."""
    return Flaw(part="checkpoints", where=where, what=what)


def read(data: bytes | str, where: str) -> Held:
    """Parse a checkpoint. Raises NoteError or CheckpointError."""
    written = note.parse(data)
    return Held(where, written, note.parse_checkpoint(written.text))


def time_of(signature: Signature) -> str:
    """The time of a witness's signature (RFC 3339, UTC), or in seconds if it is impossible."""
    seconds = note.time_of_cosignature(signature)
    try:
        return rfc3339(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"


def _check_signed(
    signed: Signed, held: Held, succession: Succession, last: Checkpoint | None, found: Signatures
) -> None:
    own = held.checkpoint
    wrong = list(_differences(signed, own, last))
    key = succession.active(own.size)
    by = note.verified_keys(held.note, succession.keys)
    if key is None:
        none = "no entry that it covers names a key of the log"
        wrong.append(Cause.of("flaw_no_key_covered", none))
    elif key not in by:
        other = "the key at that time was {key}, and {by} has signed it"
        wrong.append(Cause.of("flaw_signed_by_other", other, key=str(key), by=str(by[0])))
    elif own.origin != key.name:
        other = "it is of the log {origin!r}, and the key is called {name!r}"
        wrong.append(Cause.of("flaw_origin", other, origin=own.origin, name=key.name))
    if key is not None and str(key) != signed.key:
        other = "its row says that {said} has signed it, and {key} should have"
        wrong.append(Cause.of("flaw_row_key", other, said=signed.key, key=str(key)))
    for old, new in pairwise(succession.made):
        # Both have signed a tree with the entry that names the newer one.
        if new.leaf < own.size and old.key in by and new.key in by:
            found.handed.add((str(old.key), str(new.key)))
    found.flaws += [flaw(held.where, what) for what in wrong]


def _differences(signed: Signed, own: Checkpoint, last: Checkpoint | None) -> Iterator[str]:
    """Find where a checkpoint differs from its row, or shrinks below the checkpoint before it."""
    if own.size != signed.size:
        other = "it is of {n} entries, but its row says {said}"
        yield Cause.of("flaw_row_size", other, n=own.size, said=signed.size)
    if own.root != signed.root:
        other = "its root is {root}, but its row says {said}"
        yield Cause.of("flaw_row_root", other, root=own.root.hex(), said=signed.root.hex())
    if last is not None and own.size < last.size:
        fewer = "it is of {n} entries, and the one before it of {before}"
        yield Cause.of("flaw_shrunk", fewer, n=own.size, before=last.size)


def _witnesses(log: LiveLog, signed: Signed, held: Held, found: Signatures) -> Iterator[Flaw]:
    for each in checkpoints.cosigned(log.connection, signed.id):
        where = f"cosignatures {signed.id}, {each.witness}"
        try:
            key = VerifierKey.parse(each.witness)
            signature = Signature.parse(each.line.strip("\n"))
        except IncidentsError as error:
            yield flaw(where, cause_of(error))
            continue
        if not signature.is_by(key) or not note.verify_cosignature(
            key, held.note.text, signature.blob
        ):
            none = "it is not a signature of that checkpoint by that witness"
            yield flaw(where, Cause.of("flaw_no_cosignature", none))
            continue
        found.witnessed[each.witness] = Witnessed(held.checkpoint.size, time_of(signature))
