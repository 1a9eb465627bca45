"""The key of `serve`: its file, and what in the database bears its seal.

Whoever has the database's password and not this file makes no session, token or password that lets
anybody in at a server. Servers of one database share the file; who acts at the database's command
line signs in where they can read it, and over a server elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.accounts import access_settings, seal
from incidents.accounts.seal import UNSEALED, Seal
from incidents.errors import FileError, RefusedError
from incidents.settings import sources
from incidents.store import accounts, passwords, sessions
from incidents.system import private_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.settings.sources import Settings

NAME, VARIABLE = "serve.key", "INCIDENTS_SERVE_KEY"
_BYTES = 32
_SHOWN = 10


class SealedElsewhereError(RefusedError):
    """people sign in over a server here: add --server URL. The servers' key, which the accounts of
    this database are sealed with, is not in {file}; if it is elsewhere on this machine, name its
    file with INCIDENTS_SERVE_KEY"""


class NoServeKeyError(RefusedError):
    """{what}, and the accounts of this database are sealed with the key of its servers: copy their
    file there, or name it with INCIDENTS_SERVE_KEY; if it is lost, incidents db rekey makes another
    one take its place"""


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
            f"{', '.join(found[:_SHOWN] + more)}. Find out who has put them there; incidents audit"
            " replay compares them with the record"
        )


def file(of: Settings) -> Path:
    """Where the key is: as INCIDENTS_SERVE_KEY or [serve] key_file says, else beside a SQLite file,
    or in the data folder.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    if said := os.environ.get(VARIABLE):
        return Path(said).expanduser()
    return access_settings.serve().key_file or sources.beside(of.db, NAME)


def seal_of(connection: Connection, file: Path) -> Seal:
    """The seal by which this process knows what is sealed in that database.

    Raises:
        SealedElsewhereError: if it has not got the key.
        FileError: if there is a file that cannot be read, or others can read it.
    """
    newest = accounts.newest(connection)
    if newest is None:
        return UNSEALED
    key = read(file)
    if key is None or seal.digest(key) != newest.digest:
        raise SealedElsewhereError(file=file)
    return Seal(key, newest)


def strays(connection: Connection, mark: Seal, now: datetime) -> Strays:
    """What does not bear the seal at `now` (UTC)."""
    return Strays(
        [
            token.id for token in sessions.tokens_of(connection)
            if token.revoked_at is None and token.expires_at > now
            and not mark.holds(token.seal, seal.of_token(token))
        ],
        [
            password.handle for password in passwords.every(connection)
            if not mark.holds(password.seal, seal.of_password(password))
        ],
    )  # fmt: skip


def read(file: Path) -> bytes | None:
    """The key in that file; None if there is none.

    Raises:
        FileError: if it cannot be read, others can read it, or it holds no key.
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
        detail = f"it holds no key ({_BYTES} bytes in base64): move it away, or name another file"
        raise FileError(file=file, done="read", detail=detail)
    return key


def new() -> bytes:
    """A new key, which no file holds yet."""
    return secrets.token_bytes(_BYTES)


def keep(file: Path, key: bytes) -> None:
    """Puts a new key into that file.

    Raises:
        FileExistsError: if there is such a file by now; it is left as it is.
        FileError: if it cannot be written. No folder is made but the user's own data folder.
    """
    try:
        if file.parent == sources.data_folder():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file.create(file, f"{base64.b64encode(key).decode()}\n")
    except FileExistsError:
        raise
    except OSError as error:
        raise FileError(file=file, done="written", detail=error.strerror or str(error)) from error
