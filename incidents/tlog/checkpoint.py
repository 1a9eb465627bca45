"""The checkpoint: a log's origin, size and root, as the text of a note (C2SP tlog-checkpoint).

It commits the log to everything it holds: who has a checkpoint of size N can have it proved that
each larger one begins with the same N entries.
"""

from __future__ import annotations

from dataclasses import dataclass

from incidents.errors import VerificationError
from incidents.tlog import spelling

ROOT_BYTES = 32


class CheckpointError(VerificationError):
    """This is no checkpoint: {detail}"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of `size` entries (at least 0) of the log `origin`; `root` is 32 bytes.

    Of `extensions`, further lines, neither log nor witness states anything.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= spelling.MAX_NUMBER:
            raise CheckpointError(detail=f"its size is {self.size}")
        if len(self.root) != ROOT_BYTES:
            raise CheckpointError(detail=f"its root has {len(self.root)} bytes, not {ROOT_BYTES}")
        for line in (self.origin, *self.extensions):
            if line == "" or not spelling.is_utf8(line) or any(c < " " for c in line):
                raise CheckpointError(detail=f"{line!r} is no line of it")

    @property
    def text(self) -> str:
        """The text that is signed, the newline at its end included."""
        lines = (self.origin, str(self.size), spelling.base64_of(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse(text: str) -> Checkpoint:
    """The checkpoint that `Checkpoint.text` has written.

    Raises:
        CheckpointError: for anything that would be written in another way.
    """
    if not text.endswith("\n"):
        raise CheckpointError(detail="it does not end with a newline")
    origin, *lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2:
        raise CheckpointError(detail="it has less than three lines")
    size, root, *extensions = lines
    return Checkpoint(origin, _size(size), _root(root), tuple(extensions))


def _size(line: str) -> int:
    try:
        return spelling.from_decimal(line)
    except ValueError as error:
        raise CheckpointError(detail=f"its size is {line[:40]!r}, {error}") from error


def _root(line: str) -> bytes:
    try:
        return spelling.from_base64(line)
    except ValueError as error:
        raise CheckpointError(detail=f"its root is {line[:80]!r}, {error}") from error
