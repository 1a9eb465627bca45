"""The servers' key, which seals sessions, tokens and passwords.

The seal covers a row's owner, scope and expiry: a row that was changed or written by hand is
invalid. An account's role and its disabled state are not sealed: the record shows whether somebody
changed them in the database. The seal is an HMAC-SHA256 (RFC 2104) over the facts as unambiguous
JSON. The HMAC's key is derived from the servers' key and the time when this database was first
sealed with that key. Once another key replaces the servers' key, nothing sealed with the old key is
valid.

Somebody who has the database's password but not the key file cannot make a session, token or
password that a server accepts. All servers of one database share the file. People who can read the
file can sign in at the database's command line; others sign in through a server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.accounts import access_settings
from incidents.clock import rfc3339
from incidents.errors import Cause, DatabaseError, FileError, RefusedError
from incidents.settings import sources
from incidents.store.accounts import accounts, passwords
from incidents.store.accounts.accounts import ServeKey, Session, Token
from incidents.store.accounts.factors import Factor
from incidents.store.accounts.invitations import Invitation
from incidents.store.accounts.passwords import Password
from incidents.system import private_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.settings.sources import Settings


Facts = tuple[object, ...]

_LOOKED_UP_EVERY_S = 1.0


class ServeKeyReplacedError(DatabaseError):
    """the servers' key was replaced (incidents db rekey), so nobody can sign in at this server:
    install the new key file, then restart the server"""


def key_digest(key: bytes) -> str:
    """The digest that identifies a key: SHA-256, in hexadecimal; it does not reveal the key."""
    return hashlib.sha256(key).hexdigest()


class Seal:
    """The seal of a key; without a key (`serve` never ran on the database) every row is valid."""

    def __init__(self, key: bytes | None = None, of: ServeKey | None = None) -> None:
        self.digest = None if key is None else key_digest(key)
        # So a row of another database with the same key, such as a rehearsal, is invalid here.
        own = "" if of is None else f"{of.number} {rfc3339(of.since)}"
        self._key = None if key is None else hmac.new(key, own.encode(), hashlib.sha256).digest()

    def on(self, facts: Facts) -> str | None:
        """The seal of a row with those facts, in hexadecimal; None without a key."""
        if self._key is None:
            return None
        text = json.dumps(facts, default=_written, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def holds(self, seal: str | None, facts: Facts) -> bool:
        """Whether the seal of a row with those facts is valid."""
        right = self.on(facts)
        return right is None or hmac.compare_digest((seal or "").encode(), right.encode())


UNSEALED = Seal()


class KeyWatch:
    """A check that a seal's key is still the valid one, with at most one query a second."""

    def __init__(self, seal: Seal) -> None:
        self._digest = seal.digest
        self._next_at = 0.0

    def check(self, connection: Connection) -> None:
        """Raise ServeKeyReplacedError if another key has replaced the seal's key."""
        now = time.monotonic()
        if self._digest is None or now < self._next_at:
            return
        newest = accounts.newest(connection)
        if newest is not None and newest.digest != self._digest:
            raise ServeKeyReplacedError
        self._next_at = now + _LOOKED_UP_EVERY_S


def token_facts(token: Token) -> Facts:
    """The sealed facts of a token: its owner, its scope and its expiry."""
    return ("token", token.id, token.handle, token.digest, token.acts, token.expires_at)


def session_facts(digest: bytes, session: Session) -> Facts:
    """The sealed facts of a session: its owner, its start, its last proof of identity, and its way.

    By its way, a second factor is demanded or not.
    """
    of, whose = session, session.account.handle
    return ("session", digest.hex(), of.id, whose, of.made_at, of.proved_at, of.how)


def password_facts(password: Password) -> Facts:
    """The sealed facts of a password: its owner, and whether somebody else has set it."""
    return ("password", password.handle, password.hash, password.given)


def invitation_facts(invitation: Invitation) -> Facts:
    """The sealed facts of an invitation: whom it invites, who made it, and its expiry."""
    of = invitation
    return ("invitation", of.id, of.handle, of.digest, of.by, of.expires_at)


def factor_facts(factor: Factor) -> Facts:
    """The sealed facts of a second factor: its owner, and by what it is checked."""
    of = factor
    return ("factor", of.id, of.handle, of.kind, of.secret, of.credential)


def _written(value: object) -> str:
    assert isinstance(value, datetime)
    return rfc3339(value)


NAME, VARIABLE = "serve.key", "INCIDENTS_SERVE_KEY"
_BYTES = 32
_SHOWN = 10


class SealedElsewhereError(RefusedError):
    """people sign in over a server here: add --server URL. The servers' key, which seals the
    accounts of this database, is not in {file}; if it is elsewhere on this machine, name its file
    with INCIDENTS_SERVE_KEY"""


class NoServeKeyError(RefusedError):
    """{what}, and the accounts of this database are sealed with the servers' key: copy the key file
    there, or name it with INCIDENTS_SERVE_KEY. If it is lost, replace it with incidents db rekey"""


@dataclass(frozen=True, slots=True)
class UnsealedCredentials:
    """The unsealed credentials of a sealed database: token ids, and the owners of passwords."""

    tokens: list[str]
    passwords: list[str]

    def __bool__(self) -> bool:
        return bool(self.tokens or self.passwords)

    def __str__(self) -> str:
        """The warning for the person who starts a server."""
        found = [f"the token {id_}" for id_ in self.tokens]
        found += [f"the password of {handle}" for handle in self.passwords]
        more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        return (
            "WARNING: not sealed by this database's servers, so they let nobody in: "
            f"{', '.join(found[:_SHOWN] + more)}. Find out who has put them there; incidents audit"
            " replay compares them with the record"
        )


def key_file(of: Settings) -> Path:
    """Return the path of the key file: INCIDENTS_SERVE_KEY, [serve] key_file, or `default_path`.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
    """
    if path := os.environ.get(VARIABLE):
        return Path(path).expanduser()
    return access_settings.serve().key_file or sources.default_path(of.db, NAME)


def load_seal(connection: Connection, file: Path) -> Seal:
    """Return the seal with which this process checks the sealed rows of that database.

    Raises:
        SealedElsewhereError: if this process does not have the key.
        FileError: if the file cannot be read, or others can read it.
    """
    newest = accounts.newest(connection)
    if newest is None:
        return UNSEALED
    key = read_key(file)
    if key is None or key_digest(key) != newest.digest:
        raise SealedElsewhereError(file=file)
    return Seal(key, newest)


def find_unsealed(connection: Connection, mark: Seal, now: datetime) -> UnsealedCredentials:
    """List the credentials whose seal is missing or invalid at `now` (UTC)."""
    return UnsealedCredentials(
        [
            token.id for token in accounts.tokens_of(connection)
            if token.revoked_at is None and token.expires_at > now
            and not mark.holds(token.seal, token_facts(token))
        ],
        [
            password.handle for password in passwords.every(connection)
            if not mark.holds(password.seal, password_facts(password))
        ],
    )  # fmt: skip


def read_key(file: Path) -> bytes | None:
    """Return the key in that file; None if there is no file.

    Raises:
        FileError: if the file cannot be read, if others can read it, or if it holds no key.
    """
    try:
        key = base64.b64decode(private_file.read(file).strip(), validate=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror or str(error)) from error
    except binascii.Error:
        key = b""
    if len(key) != _BYTES:
        detail = Cause.of(
            "file_no_key",
            "it has no key ({bytes} bytes in base64): move it away, or name another file",
            bytes=_BYTES,
        )
        raise FileError(file=file, done="read", detail=detail)
    return key


def new_key() -> bytes:
    """A new random key, not yet saved to a file."""
    return secrets.token_bytes(_BYTES)


def write_key(file: Path, key: bytes) -> None:
    """Write a new key to that file.

    Of the missing folders, only the user's data folder is created.

    Raises:
        FileExistsError: if the file exists by now; it stays unchanged.
        FileError: if the file cannot be written.
    """
    try:
        if file.parent == sources.data_folder():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file.create(file, f"{base64.b64encode(key).decode()}\n")
    except FileExistsError:
        raise
    except OSError as error:
        raise FileError(file=file, done="written", detail=error.strerror or str(error)) from error
