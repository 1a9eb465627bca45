"""The signature: one line below a note, with the name and the id of its key (C2SP signed-note)."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.errors import VerificationError
from incidents.tlog import spelling

_PREFIX = "— "
_HASH_BYTES = 4
_SHOWN = 200


class NoteError(VerificationError):
    """This is no signed note that can be trusted: {detail}"""


@dataclass(frozen=True, slots=True)
class Signature:
    """What the key of that name and id (4 bytes) has signed; `blob` is the rest of the line."""

    name: str
    key_hash: bytes
    blob: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature that `str` has written, without the newline.

        Raises:
            NoteError: for any other line.
        """
        name, _, encoded = line.removeprefix(_PREFIX).partition(" ")
        if not line.startswith(_PREFIX) or not spelling.is_key_name(name):
            raise NoteError(detail=f"a signature is wanted, not {line[:_SHOWN]!r}")
        try:
            data = spelling.from_base64(encoded)
        except ValueError as error:
            detail = f"the signature of {name!r} cannot be read, {error}"
            raise NoteError(detail=detail) from error
        if len(data) <= _HASH_BYTES:
            raise NoteError(detail=f"the signature of {name!r} is cut off")
        return cls(name, data[:_HASH_BYTES], data[_HASH_BYTES:])

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {spelling.base64_of(self.key_hash + self.blob)}"
