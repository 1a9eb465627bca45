"""The known browser: by a cookie of its own, one that somebody has come in by with their password.

It lets nobody in. Its guesses count by themselves (see `throttle`), so that nobody who guesses
elsewhere keeps its person out (OWASP, "device cookies"). Each of its words is signed with what is
kept of the password: a new password makes a stranger of every browser, and nothing else is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

KNOWN_FOR = timedelta(days=90)
"""So long after its last sign-in a browser is known."""

MOST = 8
"""So many people a browser is known for, those who came in last: a shift's machine has several."""

_BETWEEN, _WITHIN = "~", "."
_LONGEST = 2_000


class _Entry(NamedTuple):
    made: str
    word: str
    signature: str


def word_of(cookie: str, handle: str, hash_: str | None, now: datetime) -> str | None:
    """The word by which the browser with that cookie is known as one of `handle`'s; None for a
    stranger. `hash_` is what is kept of the password, `now` in UTC."""
    for entry in _entries(cookie):
        right = hmac.compare_digest(entry.signature.encode(), _sign(entry, handle, hash_).encode())
        if right and hash_ is not None and _age(entry, now) < KNOWN_FOR:
            return entry.word
    return None


def cookie(before: str, handle: str, hash_: str, now: datetime) -> str:
    """What a browser keeps that had `before`, now that `handle` has come in by it."""
    word = word_of(before, handle, hash_, now)
    others = [entry for entry in _entries(before) if entry.word != word]
    made = _Entry(str(int(now.timestamp())), word or secrets.token_urlsafe(16), "")
    new = made._replace(signature=_sign(made, handle, hash_))
    return _BETWEEN.join(_WITHIN.join(entry) for entry in [new, *others][:MOST])


def _entries(cookie: str) -> Iterator[_Entry]:
    """What looks like one; anybody may have written it."""
    if not cookie.isascii():
        return
    for text in cookie[:_LONGEST].split(_BETWEEN)[:MOST]:
        parts = text.split(_WITHIN)
        if len(parts) == len(_Entry._fields) and parts[0].isdigit() and len(parts[0]) <= 12:
            yield _Entry(*parts)


def _sign(entry: _Entry, handle: str, hash_: str | None) -> str:
    signed = f"known browser {handle} {entry.made} {entry.word}"
    return hmac.new((hash_ or "").encode(), signed.encode(), hashlib.sha256).hexdigest()


def _age(entry: _Entry, now: datetime) -> timedelta:
    return timedelta(seconds=now.timestamp() - int(entry.made))
