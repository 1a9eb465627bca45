"""The voucher: the last checkpoint, with all that vouches for it outside the entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, select

from incidents.errors import RefusedError, VerificationError
from incidents.store.record import checkpoints
from incidents.store.record.checkpoints import Signed
from incidents.store.schema.log_tables import checkpoints as table
from incidents.store.schema.log_tables import stamps
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Note, Signature


class NothingSignedError(RefusedError):
    """nothing of the log is signed yet: make a key with `incidents audit key new`, then sign with
    `incidents audit checkpoint`"""


class UnknownSignerError(VerificationError):
    """none of the log's keys has signed its last checkpoint: `incidents audit verify` says more"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """The last checkpoint, and what a reader needs to believe it.

    `note` is the signed note with the cosignatures of the `witnesses` (verifier keys); `keys` are
    those of the log up to the one that signed, the oldest first; `handovers` the notes that two
    keys in a row have signed. Keys before them that did not hand over, being lost, are `broken`: no
    trust in them leads here. `stamp` is a time stamp of this checkpoint (RFC 3161), if any.
    """

    signed: Signed
    note: bytes
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    handovers: tuple[bytes, ...]
    broken: tuple[str, ...]
    stamp: bytes | None


def last(connection: Connection) -> Voucher:
    """The voucher of the last checkpoint.

    Raises:
        NothingSignedError: if there is none.
        UnknownSignerError: if none of the log's keys has signed it.
    """
    signed = checkpoints.last(connection)
    if signed is None:
        raise NothingSignedError
    plain = note.parse(signed.note)
    keys = _keys(connection, plain)
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


def _keys(connection: Connection, signed: Note) -> Sequence[VerifierKey]:
    """The log's keys up to the last one that has signed: a newer one says nothing of this note."""
    keys = list(map(VerifierKey.parse, checkpoints.every_key(connection)))
    places = [place for place, key in enumerate(keys, 1) if _has_signed(key, signed)]
    if not places:
        raise UnknownSignerError
    return keys[: places[-1]]


def _handover(connection: Connection, old: VerifierKey, new: VerifierKey) -> bytes | None:
    """The note that both keys have signed: the old one's last, or the new one's first."""
    of = select(table.c.note)
    first = of.where(table.c.key == str(new)).order_by(table.c.id).limit(1)
    latest = of.where(table.c.key == str(old)).order_by(table.c.id.desc()).limit(1)
    for text in (connection.scalar(latest), connection.scalar(first)):
        if text is not None:
            found = note.parse(text)
            if _has_signed(old, found) and _has_signed(new, found):
                return bytes(found)
    return None


def _has_signed(key: VerifierKey, signed: Note) -> bool:
    return (key.name, key.key_hash) in {(s.name, s.key_hash) for s in signed.signatures}
