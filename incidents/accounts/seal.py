"""The seal: by which `serve` knows that a session, a token or a password was put into the database
by who has its key, and by nobody who can merely write there.

It binds whose a row is, for what and until when: one's own row is as worthless after a change as a
row of one's own making. An account's role, and whether it is disabled, are not sealed: the record
shows that they were changed beside it, as long as they stand so. HMAC-SHA256 (RFC 2104) over the
facts as JSON, which no two of them share, with a key that is made of the servers' and of when this
database was first sealed with it. Once another key takes its place, nothing that it has sealed
counts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import datetime
from typing import TYPE_CHECKING

from incidents.clock import rfc3339
from incidents.errors import DatabaseError
from incidents.store import accounts
from incidents.store.accounts import ServeKey
from incidents.store.passwords import Password
from incidents.store.sessions import Session, Token

if TYPE_CHECKING:
    from sqlalchemy import Connection

Facts = tuple[object, ...]

_LOOKED_UP_EVERY_S = 1.0


class ServeKeyReplacedError(DatabaseError):
    """the servers' key was replaced (incidents db rekey), so nobody comes in at this server: put
    the new key's file in place of its own, and start it anew"""


def digest(key: bytes) -> str:
    """By what a key is known: SHA-256, in hexadecimal; of 256 random bits it betrays nothing."""
    return hashlib.sha256(key).hexdigest()


class Seal:
    """The key's seal; without a key, of a database that `serve` was never started on, whatever
    stands there holds."""

    def __init__(self, key: bytes | None = None, of: ServeKey | None = None) -> None:
        self.digest = None if key is None else digest(key)
        # A row of another database that has the same key, a rehearsal say, is worth nothing here.
        own = "" if of is None else f"{of.number} {rfc3339(of.since)}"
        self._key = None if key is None else hmac.new(key, own.encode(), hashlib.sha256).digest()

    def on(self, facts: Facts) -> str | None:
        """The seal that a row of those facts bears, in hexadecimal."""
        if self._key is None:
            return None
        text = json.dumps(facts, default=_written, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def holds(self, seal: str | None, facts: Facts) -> bool:
        """Whether that row bears this seal."""
        right = self.on(facts)
        return right is None or hmac.compare_digest((seal or "").encode(), right.encode())


UNSEALED = Seal()


class KeyWatch:
    """Sees that the key of a seal is still the one that holds: it is looked up once a second at
    most."""

    def __init__(self, seal: Seal) -> None:
        self._digest = seal.digest
        self._next_at = 0.0

    def check(self, connection: Connection) -> None:
        """Raises ServeKeyReplacedError once another key has taken its place."""
        now = time.monotonic()
        if self._digest is None or now < self._next_at:
            return
        newest = accounts.newest(connection)
        if newest is not None and newest.digest != self._digest:
            raise ServeKeyReplacedError
        self._next_at = now + _LOOKED_UP_EVERY_S


def of_token(token: Token) -> Facts:
    """What its seal binds: whose it is, what for and until when."""
    return ("token", token.id, token.handle, token.digest, token.acts, token.expires_at)


def of_session(digest: bytes, session: Session) -> Facts:
    """What its seal binds: whose it is, since when, and when they last proved who they are."""
    whose = session.account.handle
    return ("session", digest.hex(), session.id, whose, session.made_at, session.proved_at)


def of_password(password: Password) -> Facts:
    """What its seal binds: whose it is, and whether somebody else has set it."""
    return ("password", password.handle, password.hash, password.given)


def _written(value: object) -> str:
    assert isinstance(value, datetime)
    return rfc3339(value)
