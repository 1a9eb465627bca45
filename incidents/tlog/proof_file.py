"""The proof file: that one entry is in the log, for somebody who is offline (C2SP tlog-proof).

It holds the entry's index, the hashes of its inclusion proof, and the checkpoint with all its
signatures. The entry itself is not in it, nor is anybody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from incidents.errors import VerificationError
from incidents.tlog import note, signature
from incidents.tlog.tree import HASH_BYTES

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_HASHES = 63

_EXTRA, _INDEX = "extra ", "index "


class ProofFileError(VerificationError):
    """This is no proof of an entry: {detail}"""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """The entry's index from 0, its inclusion proof from the leaf's sibling upwards (32 bytes
    each), and the signed checkpoint to the byte. Nothing vouches for `extra`."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """The file; `encode` makes it UTF-8."""
        return "".join(f"{line}\n" for line in self._lines()) + "\n" + self.checkpoint.decode()

    def _lines(self) -> Iterator[str]:
        yield HEADER
        if self.extra:
            yield _EXTRA + signature.base64_of(self.extra)
        yield f"{_INDEX}{self.index}"
        yield from map(signature.base64_of, self.proof)


def parse(data: bytes | str) -> ProofFile:
    """The proof that `ProofFile.text` has written; whether it proves anything is not looked at.

    Raises:
        ProofFileError: for anything that would be written in another way.
        NoteError: if its checkpoint is not a signed note.
    """
    head, parted, checkpoint = _decoded(data).partition("\n\n")
    if not parted:
        raise ProofFileError(detail="no empty line parts the proof from the checkpoint")
    header, *lines = head.split("\n")
    if header != HEADER:
        raise ProofFileError(detail=f"its first line is not {HEADER!r}")
    try:
        extra = _extra(lines)
        index, *proof = lines[0 if extra is None else 1 :] or [""]
        found = ProofFile(_index(index), _hashes(proof), checkpoint.encode(), extra)
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
        raise ProofFileError(detail=f"byte {error.start} is not UTF-8") from error


def _extra(lines: Sequence[str]) -> bytes | None:
    if not lines or not lines[0].startswith(_EXTRA):
        return None
    extra = signature.from_base64(lines[0].removeprefix(_EXTRA))
    if not extra:
        raise ValueError("its extra line is empty")
    return extra


def _index(line: str) -> int:
    if not line.startswith(_INDEX):
        raise ValueError(f"the index is wanted, not {line[:80]!r}")
    return signature.from_decimal(line.removeprefix(_INDEX))


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_HASHES:
        raise ValueError(f"it has more than {MAX_HASHES} hashes")
    hashes = tuple(map(signature.from_base64, lines))
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise ValueError(f"a hash of it has {len(hash_)} bytes, not {HASH_BYTES}")
    return hashes
