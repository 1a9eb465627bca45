"""The bundle's notes: its last checkpoint, and the keys and signatures that confirm it.

A voucher is written into a bundle; the notes are read from one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sqlalchemy import Connection, select

from incidents.audit.facts import Flaw, told
from incidents.audit.log import sequencer
from incidents.audit.proof.bundle_files import (
    CHECKPOINT,
    KEYS,
    WITNESSES,
    Manifest,
    NoBundleError,
    read_file,
)
from incidents.audit.proof.signed_check import (
    Held,
    Roots,
    Succession,
    Witnessed,
    flaw,
    read,
    time_of,
)
from incidents.errors import Cause, IncidentsError, RefusedError, VerificationError
from incidents.store import checkpoints
from incidents.store.checkpoints import Signed
from incidents.store.schema.log_tables import checkpoints as checkpoints_table
from incidents.store.schema.log_tables import stamps
from incidents.tlog import note, proof, tree
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, VerifierKey
from incidents.tlog.note import Note, Signature


class NothingSignedError(RefusedError):
    """the log is not signed yet{way_out}"""


class UnknownSignerError(VerificationError):
    """none of the log's keys signed its last checkpoint: see `incidents audit verify`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """The last checkpoint, and what a reader needs to believe it.

    `note` is the signed note with the cosignatures of the `witnesses` (verifier keys); `keys` are
    those of the log up to the one that signed, the oldest first; `handovers` the notes that two
    keys in a row have signed. Keys before them that were lost, and did not hand over, are `broken`:
    trust in them does not lead here. `stamp` is a time stamp of this checkpoint (RFC 3161), if any.
    """

    signed: Signed
    note: bytes
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    handovers: tuple[bytes, ...]
    broken: tuple[str, ...]
    stamp: bytes | None


def nothing_signed(connection: Connection) -> NothingSignedError:
    """The error where nothing is signed: no key (`needs_key`), or no signature yet."""
    needs_key = not checkpoints.every_key(connection)
    way_out = (
        Cause.of("way_new_key", ": make a key on the machine that keeps the log, then sign")
        if needs_key
        else Cause.of("way_sign", ": sign it on the machine that keeps the key")
    )
    return NothingSignedError(way_out=way_out, needs_key=needs_key)


def last_voucher(connection: Connection) -> Voucher:
    """The voucher of the last checkpoint.

    Raises:
        NothingSignedError: if there is none.
        UnknownSignerError: if none of the log's keys has signed it.
    """
    signed = checkpoints.last(connection)
    if signed is None:
        raise nothing_signed(connection)
    plain = note.parse(signed.note)
    keys = _keys_up_to_signer(connection, plain)
    handed = [_handover(connection, old, new) for old, new in pairwise(keys)]
    first = max((n for n, handover in enumerate(handed, 1) if handover is None), default=0)
    cosigned = checkpoints.cosigned(connection, signed.id)
    lines = [Signature.parse(each.line.strip("\n")) for each in cosigned]
    added = [line for line in lines if line not in plain.signatures]
    return Voucher(
        signed=signed,
        note=bytes(Note(plain.text, (*plain.signatures, *added))),
        keys=tuple(map(str, keys[first:])),
        witnesses=tuple(each.witness for each in cosigned),
        handovers=tuple(handover for handover in handed[first:] if handover is not None),
        broken=tuple(map(str, keys[:first])),
        stamp=connection.scalar(select(stamps.c.response).where(stamps.c.checkpoint == signed.id)),
    )


def _keys_up_to_signer(connection: Connection, signed: Note) -> Sequence[VerifierKey]:
    """The log's keys up to the last one that has signed: newer ones do not matter for this note."""
    keys = list(map(VerifierKey.parse, checkpoints.every_key(connection)))
    places = [place for place, key in enumerate(keys, 1) if _has_signed(key, signed)]
    if not places:
        raise UnknownSignerError
    return keys[: places[-1]]


def _handover(connection: Connection, old: VerifierKey, new: VerifierKey) -> bytes | None:
    """The note that both keys have signed: the old one's last, or the new one's first."""
    of = select(checkpoints_table.c.note)
    first = of.where(checkpoints_table.c.key == str(new)).order_by(checkpoints_table.c.id).limit(1)
    latest = (
        of.where(checkpoints_table.c.key == str(old))
        .order_by(checkpoints_table.c.id.desc())
        .limit(1)
    )
    for text in (connection.scalar(latest), connection.scalar(first)):
        if text is not None:
            found = note.parse(text)
            if _has_signed(old, found) and _has_signed(new, found):
                return bytes(found)
    return None


def _has_signed(key: VerifierKey, signed: Note) -> bool:
    return any(signature.is_by(key) for signature in signed.signatures)


class NotAsSignedError(VerificationError):
    """{what} not what the checkpoint of {size:,} entries was signed for: nothing was written. See
    what is wrong with `incidents audit verify`"""


Prove = Callable[[int, bytes], list[bytes]]
"""The function that returns the checked proof (RFC 9162, 2.1.3) of an entry by index and bytes."""


def inclusion_prover(connection: Connection, signed: Signed) -> Prove:
    """Return the function that proves entries to be in the tree of that checkpoint.

    It raises NotAsSignedError if the entry or the tiles are not those that were signed.
    """
    nodes = sequencer.nodes(connection, signed.size)

    def prove(index: int, entry: bytes) -> list[bytes]:
        try:
            found = proof.inclusion_proof(nodes, index, signed.size)
            leaf = tree.leaf_hash(entry)
            proof.check_inclusion(index, signed.size, leaf, found, signed.root)
        except VerificationError as error:
            raise NotAsSignedError(
                what=Cause.of("entry_at", "the entry at {index} is", index=index), size=signed.size
            ) from error
        return found

    return prove


@dataclass(frozen=True, slots=True)
class Notes:
    """The signed parts: the checkpoint and its bytes, the keys, the oldest first, and the rest."""

    head: Held
    text: bytes
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...]
    handovers: tuple[Held, ...]

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> Notes:
        """Read the notes of a bundle's folder.

        Raises:
            NoBundleError: if one cannot be read.
        """
        text = read_file(folder, CHECKPOINT)
        keys = _keys(folder, KEYS, ED25519)
        witnesses = (
            _keys(folder, WITNESSES, COSIGNATURE_V1) if WITNESSES in manifest.digests else ()
        )
        names = manifest.under("handovers")
        if names != [f"handovers/{n:03}" for n in range(1, len(keys))]:
            detail = Cause.of(
                "number_of_keys",
                "there are {found}, and {keys} keys",
                found=len(names),
                keys=len(keys),
            )
            raise NoBundleError(file="handovers", detail=detail)
        handovers = tuple(_note(read_file(folder, name), name) for name in names)
        return cls(_note(text, CHECKPOINT), text, keys, witnesses, handovers)

    def witnessed(self) -> dict[str, Witnessed]:
        """The tree that each witness has signed."""
        found = {}
        for key in self.witnesses:
            for signature in self.head.note.signatures:
                if signature.is_by(key):
                    found[str(key)] = Witnessed(self.head.checkpoint.size, time_of(signature))
        return found

    def flaws(self, manifest: Manifest) -> Iterator[Flaw]:
        """The flaws of the notes themselves, and of their signatures."""
        size = self.head.checkpoint.size
        if size != manifest.size:
            what = Cause.of(
                "flaw_manifest_size", "it is of {n} entries, but the manifest says {said}",
                n=size, said=manifest.size,
            )  # fmt: skip
            yield flaw(CHECKPOINT, what)
        yield from self._signed(self.head, (self.keys[-1], *self.witnesses))
        for both, held in zip(pairwise(self.keys), self.handovers, strict=True):
            yield from self._signed(held, both)

    def unlike(self, succession: Succession, roots: Roots) -> Iterator[Flaw]:
        """The differences from the keys of the whole record."""
        size = self.head.checkpoint.size
        on_record = [made.key for made in succession.made if made.leaf < size]
        if on_record[-len(self.keys) :] != list(self.keys):
            wanted = ", ".join(map(str, on_record))
            other = "these are not the last keys that the entries name: {wanted}"
            code = "flaw_last_keys"
            if not wanted:
                code, other = (
                    "flaw_no_keys",
                    "these are not the last keys that the entries name: none",
                )
            yield flaw(KEYS, Cause.of(code, other, wanted=wanted))
            return
        leaves = {made.key: made.leaf for made in succession.made}
        for key, held in zip(self.keys[1:], self.handovers, strict=True):
            if leaves[key] >= held.checkpoint.size:
                none = "no entry in it hands over to {key}"
                yield flaw(held.where, Cause.of("flaw_no_handover", none, key=str(key)))
        for held in (self.head, *self.handovers):
            wrong = roots.wrong(held.checkpoint, held.where)
            if wrong is not None:
                yield wrong

    def _signed(self, held: Held, by: Sequence[VerifierKey]) -> Iterator[Flaw]:
        known = (*self.keys, *self.witnesses)
        try:
            found = note.verified_keys(held.note, known)
        except IncidentsError as error:
            yield flaw(held.where, told(error))
            return
        for key in by:
            if key not in found:
                what = Cause.of("flaw_unsigned", "{key} has not signed it", key=str(key))
                yield flaw(held.where, what)
        if held.checkpoint.origin != self.keys[-1].name:
            other = "it belongs to another log, {origin!r}"
            what = Cause.of("flaw_other_log", other, origin=held.checkpoint.origin)
            yield flaw(held.where, what)
        # A bundle holds nothing unexplained.
        if len(held.note.signatures) != len(found):
            somebody = "somebody has signed it whose key is not in the bundle"
            yield flaw(held.where, Cause.of("flaw_strange_signature", somebody))


def _keys(folder: Path, name: str, algorithm: int) -> tuple[VerifierKey, ...]:
    """One key a line, none twice."""
    try:
        *lines, last = read_file(folder, name).decode().split("\n")
        keys = tuple(map(VerifierKey.parse, lines))
    except (UnicodeDecodeError, IncidentsError) as error:
        detail = (
            error.message
            if isinstance(error, IncidentsError)
            else Cause.of("no_utf8", "it is not UTF-8")
        )
        raise NoBundleError(file=name, detail=detail) from error
    if last or not keys or len(set(keys)) < len(keys):
        raise NoBundleError(
            file=name, detail=Cause.of("key_a_line", "it must hold one key a line, and none twice")
        )
    if any(key.algorithm != algorithm for key in keys):
        raise NoBundleError(
            file=name,
            detail=Cause.of(
                "key_of_other_kind", "a key in it is not of the kind that belongs there"
            ),
        )
    return keys


def _note(data: bytes, name: str) -> Held:
    try:
        return read(data, name)
    except IncidentsError as error:
        raise NoBundleError(file=name, detail=error.message) from error
