"""The voucher: the last checkpoint, with everything that a bundle's reader needs to trust it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, select

from incidents.audit.log import sequencer
from incidents.errors import Cause, RefusedError, VerificationError
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.store.schema.log_tables import checkpoints as checkpoints_table
from incidents.store.schema.log_tables import stamps
from incidents.tlog import note, proof, tree
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Note, Signature


class NothingSignedError(RefusedError):
    """the log is not signed yet{way_out}"""


class UnknownSignerError(VerificationError):
    """none of the log's keys signed its last checkpoint: see `incidents audit verify`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """The last checkpoint, and everything a reader needs to trust it.

    `note` is the signed note with the cosignatures of the `witnesses` (verifier keys); `keys` are
    the log's keys up to the last signer, the oldest first; `handovers` are the notes that two
    successive keys have both signed. `broken` are the earlier keys that were lost before a
    hand-over: whoever trusts one of them cannot trust this checkpoint. `stamp` is a time stamp of
    this checkpoint (RFC 3161), if any.
    """

    signed: Signed
    note: bytes
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    handovers: tuple[bytes, ...]
    broken: tuple[str, ...]
    stamp: bytes | None


def nothing_signed(connection: Connection) -> NothingSignedError:
    """The error if nothing is signed, because there is no key (`needs_key`) or no signature yet."""
    needs_key = not checkpoints.every_key(connection)
    way_out = (
        Cause.of("way_new_key", ": make a key on the machine that keeps the log, then sign")
        if needs_key
        else Cause.of("way_sign", ": sign it on the machine that keeps the key")
    )
    return NothingSignedError(way_out=way_out, needs_key=needs_key)


def last_voucher(connection: Connection) -> Voucher:
    """Return the voucher of the last checkpoint.

    Raises:
        NothingSignedError: if nothing is signed.
        UnknownSignerError: if none of the log's keys has signed the checkpoint.
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
    """The log's keys up to the last signer; newer keys do not matter for this note."""
    keys = list(map(VerifierKey.parse, checkpoints.every_key(connection)))
    places = [place for place, key in enumerate(keys, 1) if _signs(key, signed)]
    if not places:
        raise UnknownSignerError
    return keys[: places[-1]]


def _handover(connection: Connection, old: VerifierKey, new: VerifierKey) -> bytes | None:
    """The note that both keys have signed: the old key's last note, or the new key's first."""
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
            if _signs(old, found) and _signs(new, found):
                return bytes(found)
    return None


def _signs(key: VerifierKey, signed: Note) -> bool:
    return any(signature.is_by(key) for signature in signed.signatures)


class NotAsSignedError(VerificationError):
    """{what} not what the checkpoint of {size:,} entries was signed for: nothing was written. See
    what is wrong with `incidents audit verify`"""


Prove = Callable[[int, bytes], list[bytes]]
"""A function that returns the checked proof (RFC 9162, 2.1.3) for an entry, given by index and
bytes."""


def inclusion_prover(connection: Connection, signed: Signed) -> Prove:
    """Return a function that proves that entries are in the tree of that checkpoint.

    The function raises NotAsSignedError if the entry or the tiles are not those that were signed.
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
