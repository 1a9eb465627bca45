"""The offer: what is drawn at random for the next second factor, until its owner adds it.

The offer waits in the form of the page that shows it, so any server can take it. Its signature
binds it to one session, to the factors that the account has had, and to a time: it is taken once,
there and soon.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from incidents.accounts.secrets import form_token

OFFER_FOR = timedelta(minutes=15)
"""How long what a page has shown can be added."""

_BYTES = 20
"""160 bits (RFC 4226, section 4), for an authenticator app or as a security key's challenge."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The random bytes of one page. The page shows them, so `text` need not hide them."""

    drawn: bytes
    text: str

    @classmethod
    def new(cls, cookie: str, before: int, now: datetime) -> Self:
        """Draw an offer in the session of that cookie.

        `before`: how many factors the account has had by then; `now`: in UTC.
        """
        return cls._signed(cookie, before, secrets.token_bytes(_BYTES), int(now.timestamp()))

    @classmethod
    def read(cls, text: str, cookie: str, before: int, now: datetime) -> Self | None:
        """Return the offer of a form; None if it is not of this session, too old, or taken."""
        parts = text.split("~")
        if len(parts) != 3 or not (parts[1].isdecimal() and len(parts[1]) < 16):
            return None
        word, made, _ = parts
        try:
            drawn = bytes.fromhex(word)
        except ValueError:
            return None
        right = cls._signed(cookie, before, drawn, int(made))
        age = int(now.timestamp()) - int(made)
        is_own = hmac.compare_digest(right.text.encode(), text.encode())
        return right if is_own and age < OFFER_FOR.total_seconds() else None

    @classmethod
    def _signed(cls, cookie: str, before: int, drawn: bytes, made: int) -> Self:
        facts = f"{drawn.hex()}~{made}"
        return cls(drawn, f"{facts}~{form_token(cookie, f'second factor {before} {facts}')}")

    @property
    def secret(self) -> str:
        """The secret of an authenticator app, in base32."""
        return base64.b32encode(self.drawn).decode()
