"""The encoding of bytes and numbers in signed texts: base64 and decimal, in one spelling each.

If a second spelling were accepted, a byte of a signed text could be changed unnoticed. A text is
therefore refused unless encoding the result again gives the same text.
"""

from __future__ import annotations

import base64
import binascii
import re

MAX_NUMBER = 2**63 - 1
"""The maximum of a size, an index or a time in seconds."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def base64_of(data: bytes) -> str:
    """Encode bytes in standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Decode text written by `base64_of`.

    Raises:
        ValueError: for another alphabet, missing padding, or leftover bits that are not zero.
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
    """Read a number in ASCII decimal without leading zeros, at most 2^63 - 1.

    Raises:
        ValueError: for anything else.
    """
    if _DECIMAL.fullmatch(text) is None or (number := int(text)) > MAX_NUMBER:
        raise ValueError("it is not a number as it is written")
    return number


def is_utf8(text: str) -> bool:
    """Whether `text` can be encoded in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
