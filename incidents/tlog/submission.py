"""The submission: what a log sends to a witness, the body of `add-checkpoint` (C2SP tlog-witness).

The size of the last tree that the witness has countersigned, the hashes which prove that the new
tree begins with it, an empty line, and the signed checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from incidents.errors import VerificationError
from incidents.tlog import checkpoint, note, signature
from incidents.tlog.checkpoint import Checkpoint
from incidents.tlog.note import Note
from incidents.tlog.tree import HASH_BYTES

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""The content type of an answer 409: the body is the size that the witness has seen, and a
newline."""

MAX_HASHES = 63

_OLD = "old "


class SubmissionError(VerificationError):
    """This is no submission to a witness: {detail}"""


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
        lines = (f"{_OLD}{self.old}", *map(signature.base64_of, self.proof))
        return ("".join(f"{line}\n" for line in lines) + f"\n{self.note}").encode()


def of(signed: Note, old: int, proof: tuple[bytes, ...]) -> Submission:
    """The submission of a signed checkpoint.

    Raises:
        CheckpointError: if the note's text is not one.
    """
    return Submission(old=old, proof=proof, note=signed, checkpoint=checkpoint.parse(signed.text))


def parse(body: bytes) -> Submission:
    """The submission whose `bytes` these are.

    Raises:
        SubmissionError: for anything that would be written in another way.
        NoteError, CheckpointError: of what stands below the empty line.
    """
    head, parted, signed = body.partition(b"\n\n")
    if not parted:
        raise SubmissionError(detail="no empty line parts the proof from the checkpoint")
    try:
        old, *proof = head.decode("ascii").split("\n")
        size, hashes = _old(old), _hashes(proof)
    except ValueError as error:
        detail = "it is not ASCII" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SubmissionError(detail=detail) from error
    return of(note.parse(signed), size, hashes)


def _old(line: str) -> int:
    if not line.startswith(_OLD):
        raise ValueError("its first line does not say the old size")
    try:
        return signature.from_decimal(line.removeprefix(_OLD))
    except ValueError as error:
        raise ValueError(f"its old size is {line[4:44]!r}, {error}") from error


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_HASHES:
        raise ValueError(f"it has more than {MAX_HASHES} hashes")
    hashes = tuple(map(signature.from_base64, lines))
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise ValueError(f"a hash of it has {len(hash_)} bytes, not {HASH_BYTES}")
    return hashes
