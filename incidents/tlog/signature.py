"""The signature line below a note, and the one spelling of base64, decimals and key names.

A second spelling of the same value would be a byte of a signed text that can be changed and is
never missed. So what is read is refused unless it would be written the same.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from incidents.errors import VerificationError

MAX_NUMBER = 2**63 - 1
"""The most that a size, an index or a time in seconds may be."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def base64_of(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes that `base64_of` has written.

    Raises:
        ValueError: for another alphabet, missing padding, or bits that are left over and not zero.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        # The cause would repeat the text, which may be a private key.
        raise ValueError("it is not base64") from None
    if base64_of(data) != text:
        raise ValueError("it is not base64 as it is written")
    return data


def from_decimal(text: str) -> int:
    """A number in ASCII decimal without leading zeros, at most 2^63 - 1.

    Raises:
        ValueError: for anything else.
    """
    if _DECIMAL.fullmatch(text) is None or (number := int(text)) > MAX_NUMBER:
        raise ValueError("it is not a number as it is written")
    return number


def is_key_name(text: str) -> bool:
    """Whether a key may be called so: not empty, no Unicode space, no plus (C2SP signed-note)."""
    return (
        text != "" and is_utf8(text) and not any(c.isspace() or c < " " or c == "+" for c in text)
    )


def is_utf8(text: str) -> bool:
    """Whether `text` can be written in UTF-8 at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
        if not line.startswith(_PREFIX) or not is_key_name(name):
            raise NoteError(detail=f"a signature is wanted, not {line[:_SHOWN]!r}")
        try:
            data = from_base64(encoded)
        except ValueError as error:
            detail = f"the signature of {name!r} cannot be read, {error}"
            raise NoteError(detail=detail) from error
        if len(data) <= _HASH_BYTES:
            raise NoteError(detail=f"the signature of {name!r} is cut off")
        return cls(name, data[:_HASH_BYTES], data[_HASH_BYTES:])

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {base64_of(self.key_hash + self.blob)}"
