"""The proof file: an offline proof that one entry is in the log (C2SP tlog-proof).

The file holds the entry's index, the hashes of its inclusion proof, and the checkpoint with all its
signatures, but not the entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from incidents.errors import Cause, VerificationError
from incidents.tlog import encoding, note
from incidents.tlog.tree import HASH_BYTES

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_HASHES = 63

_EXTRA, _INDEX = "extra ", "index "


class ProofFileError(VerificationError):
    """Not a proof of an entry: {detail}"""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """The offline proof for one entry.

    `index` counts from 0, `proof` goes from the leaf's sibling upwards (32 bytes each), and the
    signed checkpoint is kept byte for byte. Nothing confirms `extra`.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """The text of the file; `encode` makes it UTF-8."""
        extra = [_EXTRA + encoding.base64_of(self.extra)] if self.extra else []
        lines = [HEADER, *extra, f"{_INDEX}{self.index}", *map(encoding.base64_of, self.proof)]
        return "".join(f"{line}\n" for line in lines) + "\n" + self.checkpoint.decode()


def parse_file(data: bytes | str) -> ProofFile:
    """Parse a file written by `ProofFile.text`, without checking its proof.

    Raises:
        ProofFileError: for any text that `ProofFile.text` would not write.
        NoteError: if its checkpoint is not a signed note.
    """
    head, parted, checkpoint = _decoded(data).partition("\n\n")
    if not parted:
        raise ProofFileError(
            detail=Cause.of(
                "proof_no_empty_line", "no empty line parts the proof from the checkpoint"
            )
        )
    header, *lines = head.split("\n")
    if header != HEADER:
        raise ProofFileError(
            detail=Cause.of("proof_header", "its first line is not {header!r}", header=HEADER)
        )
    try:
        extra = _extra(lines)
        index, *proof = lines[0 if extra is None else 1 :] or [""]
        found = ProofFile(_index(index), read_hashes(proof), checkpoint.encode(), extra)
    except ValueError as error:
        raise ProofFileError(detail=str(error)) from error
    note.parse(checkpoint)
    return found


def _decoded(data: bytes | str) -> str:
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ProofFileError(
            detail=Cause.of("proof_not_utf8", "byte {byte} is not UTF-8", byte=error.start)
        ) from error


def _extra(lines: Sequence[str]) -> bytes | None:
    if not lines or not lines[0].startswith(_EXTRA):
        return None
    extra = encoding.from_base64(lines[0].removeprefix(_EXTRA))
    if not extra:
        raise ValueError("its extra line is empty")
    return extra


def _index(line: str) -> int:
    if not line.startswith(_INDEX):
        raise ValueError(f"the index is wanted, not {line[:80]!r}")
    return encoding.from_decimal(line.removeprefix(_INDEX))


def read_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The hashes of a proof, one a line in base64.

    Raises:
        ValueError: if there are too many hashes, or if a line is not a hash.
    """
    if len(lines) > MAX_HASHES:
        raise ValueError(f"it has more than {MAX_HASHES} hashes")
    hashes = tuple(map(encoding.from_base64, lines))
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise ValueError(f"a hash of it has {len(hash_)} bytes, not {HASH_BYTES}")
    return hashes
