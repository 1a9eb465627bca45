"""The remark: what the form of the customer's page sends, read as a text that can be recorded."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

FIELD = "remark"
MAX_CHARACTERS = 4_000
MAX_BYTES = 256 * 1024
"""So much is read of a form: what is far too long is to stand in the form again, to be shortened.
The longest that is recorded takes 48,000: 4,000 characters, each of four bytes written as %XX."""

FORM = b"application/x-www-form-urlencoded"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class UnreadableError(ValueError):
    """The body is not what the form sends."""


class TooLongError(ValueError):
    """`remark` has more characters than can be recorded."""

    def __init__(self, remark: str) -> None:
        super().__init__(f"{len(remark):,} characters")
        self.remark = remark


def read(body: bytes) -> str | None:
    """The remark in a form's body; None if it is empty. Controls in it become spaces.

    Raises:
        UnreadableError: if the body is anything else than the form.
        TooLongError: for more than 4,000 characters.
    """
    try:
        # ValueError: not ASCII, not UTF-8 behind the %XX, or more fields than the form has.
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1
        )
    except ValueError as error:
        raise UnreadableError from error
    if len(fields) != 1 or fields[0][0] != FIELD:
        raise UnreadableError
    remark = _CONTROLS.sub(" ", fields[0][1].replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(remark) > MAX_CHARACTERS:
        raise TooLongError(remark)
    return remark or None
