"""The rules: what a log submits to a witness, and what the witness answers (C2SP tlog-witness).

Refusals come in the specification's order. Whether a submission is to be heard at all is said by
the log's keys alone; whether it is consistent, by what was seen before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from incidents.errors import Cause, VerificationError
from incidents.tlog import keys, note, proof
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Checkpoint, Note, NoteError
from incidents.tlog.proof import ProofError, read_hashes
from incidents.tlog.tree import EMPTY_ROOT

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""The content type of an answer 409: the body is the size that the witness has seen, and a
newline."""

_OLD = "old "


class SubmissionError(VerificationError):
    """Not a submission to a witness: {detail}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The tree of `old` entries is the beginning of the one in `note`, by that consistency proof.

    `checkpoint` is the text of the note, read.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    def __bytes__(self) -> bytes:
        lines = (f"{_OLD}{self.old}", *map(keys.base64_of, self.proof))
        return ("".join(f"{line}\n" for line in lines) + f"\n{self.note}").encode()


def submission_of(signed: Note, old: int, proof: tuple[bytes, ...]) -> Submission:
    """The submission of a signed checkpoint.

    Raises:
        CheckpointError: if the note's text is not one.
    """
    return Submission(
        old=old, proof=proof, note=signed, checkpoint=note.parse_checkpoint(signed.text)
    )


def parse_submission(body: bytes) -> Submission:
    """The submission whose `bytes` these are.

    Raises:
        SubmissionError: for anything that would be written in another way.
        NoteError, CheckpointError: of what stands below the empty line.
    """
    head, parted, signed = body.partition(b"\n\n")
    if not parted:
        raise SubmissionError(
            detail=Cause.of(
                "no_empty_line_proof", "no empty line parts the proof from the checkpoint"
            )
        )
    try:
        old, *proof = head.decode("ascii").split("\n")
        size, hashes = _old(old), read_hashes(proof)
    except ValueError as error:
        detail = (
            Cause.of("no_ascii", "it is not ASCII")
            if isinstance(error, UnicodeDecodeError)
            else str(error)
        )
        raise SubmissionError(detail=detail) from error
    return submission_of(note.parse(signed), size, hashes)


def _old(line: str) -> int:
    if not line.startswith(_OLD):
        raise ValueError("its first line does not say the old size")
    try:
        return keys.from_decimal(line.removeprefix(_OLD))
    except ValueError as error:
        raise ValueError(f"its old size is {line[4:44]!r}, {error}") from error


Logs = Mapping[str, Sequence[VerifierKey]]
"""The keys that are trusted for each origin, the oldest first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest tree of a log that was countersigned: its size, and its root of 32 bytes."""

    size: int
    root: bytes


NOTHING = Seen(0, EMPTY_ROOT)
"""What was seen of a log that never was heard of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The HTTP status, why, and of a conflict the size of the tree that was seen."""

    status: HTTPStatus
    why: str
    seen: int | None = None


def unheard(submission: Submission, logs: Logs) -> Refusal | None:
    """Why a submission is not to be heard; None if a key of the log has signed it."""
    origin = submission.checkpoint.origin
    if origin not in logs:
        return Refusal(status=HTTPStatus.NOT_FOUND, why=f"the log {origin!r} is not known")
    try:
        note.opened(submission.note, logs[origin])
    except NoteError as error:
        return Refusal(status=HTTPStatus.FORBIDDEN, why=error.message)
    if submission.old > submission.checkpoint.size:
        why = f"the old size {submission.old} is more than the new {submission.checkpoint.size}"
        return Refusal(status=HTTPStatus.BAD_REQUEST, why=why)
    return None


def superseded(
    by: Sequence[VerifierKey], known: Sequence[VerifierKey], heard: Sequence[str]
) -> Refusal | None:
    """Why the known keys that have signed a checkpoint do not count any more; None if one does.

    A key has had its day once a newer one has signed. `heard` are the keys by which anything was
    ever accepted, in that order. Of two known keys the later one is the newer. A key that is known
    no longer is newer than those that were heard before it.
    """
    places = {str(key): n for n, key in enumerate(known)}
    turns = {key: n for n, key in enumerate(heard)}

    def is_newer(key: str, than: str) -> bool:
        if key in places:
            return places[key] > places[than]
        return than in turns and turns[key] > turns[than]

    for key in heard:
        if all(is_newer(key, str(each)) for each in by):
            old = " and ".join(map(str, by))
            why = f"{old} signs no more, since a newer key of this log has signed: {key}"
            return Refusal(status=HTTPStatus.FORBIDDEN, why=why)
    return None


def inconsistent(submission: Submission, seen: Seen) -> Refusal | None:
    """Why the checkpoint does not follow from what was seen; None if it does."""
    checkpoint, old = submission.checkpoint, submission.old
    if old != seen.size:
        return _conflict(f"the old size is {old}, and {seen.size} was seen last", seen)
    if contradicts(checkpoint, seen):
        return _conflict(f"another root was seen of {seen.size} entries", seen)
    if old in (0, checkpoint.size) and submission.proof:
        return _unproved("there is nothing to prove, and the proof must be empty")
    if 0 < old < checkpoint.size:
        new = checkpoint.size, checkpoint.root
        try:
            proof.check_consistency(seen.size, seen.root, *new, submission.proof)
        except ProofError as error:
            return _unproved(error.message)
    return None


def contradicts(checkpoint: Checkpoint, seen: Seen) -> bool:
    """Whether the log has signed two trees of one size, which nothing can explain."""
    return checkpoint.size == seen.size and checkpoint.root != seen.root


def _conflict(why: str, seen: Seen) -> Refusal:
    return Refusal(status=HTTPStatus.CONFLICT, why=why, seen=seen.size)


def _unproved(why: str) -> Refusal:
    return Refusal(status=HTTPStatus.UNPROCESSABLE_ENTITY, why=why)
