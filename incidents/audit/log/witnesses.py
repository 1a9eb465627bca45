"""The witnesses, who countersign the log's checkpoints (C2SP tlog-witness).

The program trusts only a verified cosignature in a witness's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from incidents.audit.log import sequencer, stamp
from incidents.audit.log.stamp import ExchangeError
from incidents.errors import Cause, IncidentsError, InputError
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Cosigned
from incidents.tlog import encoding
from incidents.tlog import note as signed_note
from incidents.tlog.keys import COSIGNATURE_V1, VerifierKey
from incidents.tlog.note import Note, NoteError, Signature
from incidents.witness import rules
from incidents.witness.rules import PATH, SIZE_TYPE

if TYPE_CHECKING:
    from incidents.outbound.client import Client
    from incidents.outbound.message import Answer

Prove = Callable[[int], list[bytes]]
"""A function that returns the consistency proof from a smaller tree (size at least 1) to the
checkpoint's tree."""

_PLAIN = "text/plain; charset=utf-8"
_TRIES = 3
_SHOWN = 200


class WitnessError(IncidentsError):
    """the witness {witness} at {url} did not countersign: {detail}"""


class SplitViewError(WitnessError):
    """THE LOG WAS REWRITTEN, or somebody else signs with its key: the witness {witness} at {url}
    saw another tree of {size} entries"""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: the prefix of its address, and the key of its cosignatures.

    Raises:
        InputError: for an address that is not http or https, or a key of another kind.
    """

    url: str
    key: VerifierKey

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            sentence = "{url!r} is not the address of a witness: start it with https://"
            raise InputError.coded("witness_address", sentence, url=self.url)
        if self.key.algorithm != COSIGNATURE_V1:
            raise InputError.coded(
                "not_witness_key", "{key} is a log's key: give the key of a witness", key=self.key
            )


def fetch(witness: Witness, note: bytes, prove: Prove, *, seen: int) -> Signature:
    """Fetch and verify the witness's cosignature of a signed checkpoint.

    `seen` is the size of the last tree that the witness is believed to have seen, or 0 if unknown.
    If the witness has seen a tree of another size, it answers with that size, and gets a proof from
    there. Nothing is stored between calls.

    Raises:
        SplitViewError: if the witness has seen another tree of that size. A person must
            investigate.
        WitnessError: for any other reason; try again later.
        NoteError, CheckpointError: if `note` is not a signed checkpoint.
    """
    own = rules.submission_of(signed_note.parse(note), 0, ())
    try:
        with stamp.client_of(witness.url) as client:
            return _Exchange(witness, client, own.note, own.checkpoint.size, prove).ask(seen)
    except ExchangeError as error:
        raise _error(witness, error.message) from error


@dataclass(frozen=True, slots=True)
class _Exchange:
    witness: Witness
    client: Client
    note: Note
    size: int
    prove: Prove

    def ask(self, seen: int) -> Signature:
        """Send the proof from size `seen` and, after a conflict, from the answer's size."""
        old, url = min(seen, self.size), self.witness.url.rstrip("/") + PATH
        for _ in range(_TRIES):
            proof = tuple(self.prove(old)) if 0 < old < self.size else ()
            body = bytes(rules.submission_of(self.note, old, proof))
            answer = stamp.post(self.client, url, body, {"Content-Type": _PLAIN})
            if answer.status == HTTPStatus.OK:
                return self._verified(answer.body)
            if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and old > 0:
                raise self._split(old)
            if answer.status != HTTPStatus.CONFLICT:
                detail = Cause.of(
                    "answered_status_with",
                    "it answers {status}, {shown}",
                    status=answer.status,
                    shown=_shown(answer.body),
                )
                raise _error(self.witness, detail)
            old = self._conflict(old, answer)
        raise _error(
            self.witness,
            Cause.of("witness_seen_others", "it has seen another tree each time that it was asked"),
        )

    def _conflict(self, old: int, answer: Answer) -> int:
        """Return the size to prove consistency from next, according to the witness's response."""
        size = _size(answer)
        if size is None:
            raise _error(
                self.witness,
                Cause.of(
                    "witness_no_size",
                    "its conflict names no size: {shown}",
                    shown=_shown(answer.body),
                ),
            )
        if size == old:
            raise self._split(size)
        if size > self.size:
            detail = Cause.of(
                "witness_ahead",
                "it has seen {seen} entries already, and this checkpoint has {size}",
                seen=size,
                size=self.size,
            )
            raise _error(self.witness, detail)
        return size

    def _split(self, size: int) -> SplitViewError:
        """The error if the witness has seen another tree although the proof is right here."""
        return SplitViewError(witness=self.witness.key.name, url=self.witness.url, size=size)

    def _verified(self, body: bytes) -> Signature:
        """The witness's own signature in its answer, verified; unknown signatures are ignored."""
        key = self.witness.key
        try:
            countersigned = signed_note.parse(f"{self.note.text}\n".encode() + body)
            signed_note.verified_keys(countersigned, [key])
        except NoteError as error:
            raise _error(
                self.witness,
                Cause.of(
                    "witness_worthless",
                    "its answer is worth nothing, {detail}",
                    detail=error.facts["detail"],
                ),
            ) from error
        if countersigned.text != self.note.text:
            raise _error(
                self.witness, Cause.of("witness_more", "its answer holds more than signatures")
            )
        return next(each for each in countersigned.signatures if each.is_by(key))


def _size(answer: Answer) -> int | None:
    if answer.content_type != SIZE_TYPE:
        return None
    try:
        return encoding.from_decimal(answer.body.decode("ascii").removesuffix("\n"))
    except ValueError:
        return None


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN].decode(errors="replace").strip())


def _error(witness: Witness, detail: str) -> WitnessError:
    return WitnessError(witness=witness.key.name, url=witness.url, detail=detail)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cosign_last(engine: Engine, witness: Witness) -> Cosigned | None:
    """Have the last committed checkpoint countersigned, outside any transaction.

    Return the signature; None if the witness has already signed everything.

    Raises:
        SplitViewError: if the witness has seen another log of this name. A person must investigate.
        WitnessError: if the witness is unavailable or refuses; retry later.
        DatabaseError: if the database fails.
    """
    name = str(witness.key)
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        before = checkpoints.last_cosigned(connection, name)
    if last is None or last.size == 0:
        return None
    seen = 0
    if before is not None:
        signed, _ = before
        if signed.id == last.id:
            return None
        seen = signed.size
    line = fetch(
        witness,
        last.note.encode(),
        lambda old: sequencer.consistency(engine, old, last.size),
        seen=seen,
    )
    new = Cosigned(last.id, name, str(line), _time(signed_note.time_of_cosignature(line)))
    with plainly(engine), writing(engine) as connection:
        checkpoints.cosign(connection, new)
    return new


def try_last(engine: Engine, witness: Witness) -> int | None:
    """Have the last checkpoint countersigned as a test, also one that the witness has signed.

    Nothing is stored. Return the number of entries of the tree; None if there is no checkpoint.

    Raises:
        SplitViewError, WitnessError, DatabaseError: as `cosign_last` does.
    """
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        before = checkpoints.last_cosigned(connection, str(witness.key))
    if last is None or last.size == 0:
        return None
    fetch(
        witness, last.note.encode(), lambda old: sequencer.consistency(engine, old, last.size),
        seen=0 if before is None else before[0].size,
    )  # fmt: skip
    return last.size


def _time(seconds: int) -> datetime:
    """The time of a cosignature, at most the end of the calendar: a witness can claim any time."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(microsecond=0, tzinfo=UTC)
