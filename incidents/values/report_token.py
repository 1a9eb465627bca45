"""The token in the subject of a mail to a reporter, by which their answer is known.

It is `[incidents r42-…]`: the report's number, and an HMAC-SHA256 (RFC 2104) over it by a key of
the installation, shortened to 80 bits. Whoever has no mail of ours cannot make one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_FORM = re.compile(r"\[incidents\s+r([1-9]\d{0,17})-([a-z2-7]{16})\]", re.ASCII | re.IGNORECASE)
_LABEL = b"incidents report token\n"
_BYTES = 10


def token(key: str, report: int) -> str:
    """The token of the report with that number: `[incidents r42-abcdefghijklmnop]`."""
    return f"[incidents r{report}-{_code(key, report)}]"


def read(key: str, subject: str) -> int | None:
    """The number of the report whose token is in the subject; None without a valid one."""
    for number, code in _FORM.findall(subject[:2_000])[:10]:
        if hmac.compare_digest(code.lower(), _code(key, int(number))):
            return int(number)
    return None


def _code(key: str, report: int) -> str:
    mac = hmac.digest(key.encode(), _LABEL + str(report).encode(), hashlib.sha256)
    return base64.b32encode(mac[:_BYTES]).decode().lower()
