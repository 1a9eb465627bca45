"""The ticket: the proof of the password, until the browser gives the second factor."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.accounts.security_keys import challenge
from incidents.accounts.serve_key import Seal

TICKET_FOR = timedelta(minutes=5)
"""How long the password counts, until the second factor is given."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The proof, in a cookie, that somebody has entered the right password a moment ago.

    It signs nobody in. It is signed with the hash of the password, as a known browser's is, so it
    ends with the password.
    """

    handle: str
    made_at: datetime
    text: str

    @property
    def challenge(self) -> bytes:
        """The challenge of a security key that belongs to this attempt."""
        return challenge(self.text, "sign in")


def new_ticket(handle: str, hash_: str, now: datetime, seal: Seal) -> str:
    """A new ticket of that account, whose password has that hash."""
    return _ticket(
        handle, hash_, str(int(now.timestamp() * 1_000)), secrets.token_urlsafe(16), seal
    )


def _ticket(handle: str, hash_: str, made: str, word: str, seal: Seal) -> str:
    facts = f"ticket {handle} {made} {word} {seal.on(('ticket', handle, made, word))}"
    signature = hmac.new(hash_.encode(), facts.encode(), hashlib.sha256).hexdigest()
    return f"{handle}~{made}~{word}~{signature}"


def handle_of(text: str) -> str:
    """The handle that a ticket claims, which may be anything."""
    return text.partition("~")[0]


def read_ticket(text: str, hash_: str | None, now: datetime, seal: Seal) -> Ticket | None:
    """Return the ticket, if it is genuine and not too old; `hash_`: that of its password."""
    parts = text.split("~")
    if hash_ is None or len(parts) != 4 or not (parts[1].isdigit() and len(parts[1]) < 16):
        return None
    handle, made, word, _ = parts
    right = _ticket(handle, hash_, made, word, seal)
    if not hmac.compare_digest(right.encode(), text.encode()):
        return None
    made_at = datetime.fromtimestamp(int(made) / 1_000, now.tzinfo)
    return Ticket(handle, made_at, text) if now - made_at < TICKET_FOR else None
