"""The rules for a log's submissions and the witness's responses (C2SP tlog-witness).

Refusals come in the specification's order. The log's keys decide whether a submission is read at
all; the trees seen before decide whether it is consistent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from incidents.errors import Cause, VerificationError
from incidents.tlog import encoding, note, proof
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Checkpoint, Note, NoteError
from incidents.tlog.proof import ProofError
from incidents.tlog.proof_file import read_hashes
from incidents.tlog.tree import EMPTY_ROOT

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""The content type of a response 409, whose body is the size that was seen, and a newline."""

_OLD = "old "


class SubmissionError(VerificationError):
    """Not a submission to a witness: {detail}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A signed checkpoint, with the proof that it is consistent with the tree of `old` entries.

    `checkpoint` is the parsed text of the note.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    def __bytes__(self) -> bytes:
        lines = (f"{_OLD}{self.old}", *map(encoding.base64_of, self.proof))
        return ("".join(f"{line}\n" for line in lines) + f"\n{self.note}").encode()


def submission_of(signed: Note, old: int, proof: tuple[bytes, ...]) -> Submission:
    """The submission of a signed checkpoint.

    Raises:
        CheckpointError: if the note's text is not a checkpoint.
    """
    return Submission(
        old=old, proof=proof, note=signed, checkpoint=note.parse_checkpoint(signed.text)
    )


def parse_submission(body: bytes) -> Submission:
    """Parse the body of a submission, as written by `bytes`.

    Raises:
        SubmissionError: for any body that `bytes` would not write.
        NoteError, CheckpointError: for a bad note below the empty line.
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
        return encoding.from_decimal(line.removeprefix(_OLD))
    except ValueError as error:
        raise ValueError(f"its old size is {line[4:44]!r}, {error}") from error


Logs = Mapping[str, Sequence[VerifierKey]]
"""The trusted keys for each origin, the oldest first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest tree of a log that was countersigned: its size, and its root of 32 bytes."""

    size: int
    root: bytes


NOTHING = Seen(0, EMPTY_ROOT)
"""The state of a log without an accepted submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An HTTP status with its reason; `seen`: the size that was seen, only for a conflict."""

    status: HTTPStatus
    why: str
    seen: int | None = None


def check_signature(submission: Submission, logs: Logs) -> Refusal | None:
    """Return the refusal of a submission that no key of its log has signed; None if accepted."""
    origin = submission.checkpoint.origin
    if origin not in logs:
        return Refusal(status=HTTPStatus.NOT_FOUND, why=f"the log {origin!r} is not known")
    try:
        note.verified_keys(submission.note, logs[origin])
    except NoteError as error:
        return Refusal(status=HTTPStatus.FORBIDDEN, why=error.message)
    if submission.old > submission.checkpoint.size:
        why = f"the old size {submission.old} is more than the new {submission.checkpoint.size}"
        return Refusal(status=HTTPStatus.BAD_REQUEST, why=why)
    return None


def check_superseded(
    signers: Sequence[VerifierKey], known: Sequence[VerifierKey], accepted: Sequence[str]
) -> Refusal | None:
    """Return the refusal of a checkpoint that only superseded keys have signed; None if accepted.

    A key is superseded once a newer key has signed. `accepted`: the keys under which submissions
    were ever accepted, in that order. Of two known keys, the later key is the newer. A key that is
    no longer known is newer than the keys accepted before it.
    """
    places = {str(key): n for n, key in enumerate(known)}
    turns = {key: n for n, key in enumerate(accepted)}

    def is_newer(key: str, than: str) -> bool:
        if key in places:
            return places[key] > places[than]
        return than in turns and turns[key] > turns[than]

    for key in accepted:
        if all(is_newer(key, str(each)) for each in signers):
            old = " and ".join(map(str, signers))
            why = f"{old} signs no more, since a newer key of this log has signed: {key}"
            return Refusal(status=HTTPStatus.FORBIDDEN, why=why)
    return None


def check_consistency(submission: Submission, seen: Seen) -> Refusal | None:
    """Return the refusal of a checkpoint that does not extend the tree seen; None if accepted."""
    checkpoint, old = submission.checkpoint, submission.old
    if old != seen.size:
        return _conflict(f"the old size is {old}, and {seen.size} was seen last", seen)
    if is_contradiction(checkpoint, seen):
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


def is_contradiction(checkpoint: Checkpoint, seen: Seen) -> bool:
    """Whether the log has signed two different trees of the same size."""
    return checkpoint.size == seen.size and checkpoint.root != seen.root


def _conflict(why: str, seen: Seen) -> Refusal:
    return Refusal(status=HTTPStatus.CONFLICT, why=why, seen=seen.size)


def _unproved(why: str) -> Refusal:
    return Refusal(status=HTTPStatus.UNPROCESSABLE_ENTITY, why=why)
