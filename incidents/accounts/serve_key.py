"""The key of `serve`: its file, which database is sealed with it, and how one comes to be.

Whoever has the database's password and not this file makes no session, token or password that lets
anybody in. Servers of one database share the file; who acts at the database's command line signs in
where they can read it, and over a server elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from incidents import private_file, settings
from incidents.accounts import access_settings, seal
from incidents.accounts.seal import UNSEALED, Seal
from incidents.errors import FileError, RefusedError
from incidents.store import passwords, policies, serve_keys, tokens
from incidents.store.engine import plainly, reading, writing
from incidents.store.serve_keys import ServeKey

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.settings import Settings

NAME, VARIABLE = "serve.key", "INCIDENTS_SERVE_KEY"
_BYTES = 32
_SHOWN = 10


class SealedElsewhereError(RefusedError):
    """people sign in over a server here (--server): the accounts of this database are sealed with
    the key of its servers, which is not in {file} (or name its file: [serve] key_file)"""


class NoServeKeyError(RefusedError):
    """the accounts of this database are sealed with another key than that in {file}: copy the file
    of another server, or name it in [serve] key_file; if it is lost, incidents db rekey takes this
    one in its place"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a key was put on: so many tokens and passwords; `made` says that the key is new."""

    file: Path
    made: bool
    tokens: int
    passwords: int

    def __bool__(self) -> bool:
        return self.made or bool(self.tokens or self.passwords)

    def __str__(self) -> str:
        """What was done, for who starts a server."""
        key = f"a new key, {self.file}," if self.made else f"the key {self.file}"
        tokens, passwords = _count(self.tokens, "token"), _count(self.passwords, "password")
        return f"{key} seals {tokens} and {passwords}; all sessions have ended"


@dataclass(frozen=True, slots=True)
class Strays:
    """What does not bear the seal, though the key has been on all: ids of tokens that have not
    ended, and whose passwords."""

    tokens: list[str]
    passwords: list[str]

    def __bool__(self) -> bool:
        return bool(self.tokens or self.passwords)

    def __str__(self) -> str:
        """What is wrong, for who starts a server."""
        found = [f"the token {id_}" for id_ in self.tokens]
        found += [f"the password of {handle}" for handle in self.passwords]
        more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        return (
            "WARNING: not sealed by this database's servers, so they let nobody in: "
            f"{', '.join(found[:_SHOWN] + more)}. Find out who has put them there (incidents audit"
            " replay)"
        )


def file(of: Settings) -> Path:
    """Where the key is: as INCIDENTS_SERVE_KEY or [serve] key_file says, else beside a SQLite file,
    or in the data folder.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    if said := os.environ.get(VARIABLE):
        return Path(said).expanduser()
    return access_settings.serve().key_file or settings.beside(of.db, NAME)


def seal_of(connection: Connection, file: Path) -> Seal:
    """The seal by which this process knows what is sealed in that database.

    Raises:
        SealedElsewhereError: if it has not got the key.
        FileError: if there is a file that cannot be read, or others can read it.
    """
    newest = serve_keys.newest(connection)
    if newest is None:
        return UNSEALED
    key = _read(file)
    if key is None or _digest(key) != newest.digest:
        raise SealedElsewhereError(file=file)
    return Seal(key)


def begin(engine: Engine, file: Path, clock: Callable[[], datetime]) -> Sealed | Strays:
    """What a server does when it starts; the first one makes the key, seals what is there, and
    ends all sessions.

    Raises:
        NoServeKeyError: if the database is sealed with another key.
        FileError, DatabaseError: if one of them does not do its part.
    """
    with plainly(engine), reading(engine) as connection:
        newest = serve_keys.newest(connection)
    key, made = _read(file), False
    if key is None and newest is not None:
        raise NoServeKeyError(file=file)
    if key is None:
        key, made = _make(file)
    with plainly(engine), writing(engine) as connection:
        policies.lock_desk(connection)
        newest = serve_keys.newest(connection)
        if newest is None:
            return _take(connection, key, ServeKey(1, _digest(key), clock()), file, made=made)
        if newest.digest != _digest(key):
            raise NoServeKeyError(file=file)
        return _strays(connection, Seal(key), clock())


def renew(engine: Engine, file: Path, clock: Callable[[], datetime]) -> Sealed:
    """Seals what is there with the key of the file, a new one if there is none, in place of the key
    before; all sessions end.

    Raises:
        FileError, DatabaseError: if one of them does not do its part.
    """
    key, made = _read(file), False
    if key is None:
        key, made = _make(file)
    with plainly(engine), writing(engine) as connection:
        policies.lock_desk(connection)
        newest = serve_keys.newest(connection)
        number = 1 if newest is None else newest.number + 1
        return _take(connection, key, ServeKey(number, _digest(key), clock()), file, made=made)


def _take(connection: Connection, key: bytes, new: ServeKey, file: Path, *, made: bool) -> Sealed:
    serve_keys.add(connection, new)
    mark, all_tokens, all_passwords = Seal(key), tokens.of(connection), passwords.every(connection)
    for token in all_tokens:
        tokens.seal(connection, token.id, mark.on(seal.of_token(token)))
    for password in all_passwords:
        passwords.seal(connection, password.handle, mark.on(seal.of_password(password)))
    return Sealed(file, made, len(all_tokens), len(all_passwords))


def _strays(connection: Connection, mark: Seal, now: datetime) -> Strays:
    return Strays(
        [
            token.id for token in tokens.of(connection)
            if token.revoked_at is None and token.expires_at > now
            and not mark.holds(token.seal, seal.of_token(token))
        ],
        [
            password.handle for password in passwords.every(connection)
            if not mark.holds(password.seal, seal.of_password(password))
        ],
    )  # fmt: skip


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _read(file: Path) -> bytes | None:
    """The key in that file; None if there is none."""
    try:
        key = base64.b64decode(private_file.read(file).strip(), validate=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror or str(error)) from error
    except binascii.Error:
        key = b""
    if len(key) != _BYTES:
        raise FileError(file=file, done="read", detail=f"it is no key: {_BYTES} bytes in base64")
    return key


def _make(file: Path) -> tuple[bytes, bool]:
    """A new key in that file, and that it was made here: of two that start at once one makes it."""
    key = secrets.token_bytes(_BYTES)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        private_file.create(file, f"{base64.b64encode(key).decode()}\n")
    except FileExistsError:
        return _read(file) or _make(file)[0], False
    except OSError as error:
        raise FileError(file=file, done="written", detail=error.strerror or str(error)) from error
    return key, True


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()
