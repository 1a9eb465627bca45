"""The failures of a database: what a driver's error means, and the way out."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause
from incidents.settings.sources import data_folder
from incidents.store.database import sqlite_file
from incidents.store.database.address import NAME_ANOTHER, display_address

_NOT_THERE = re.compile(r'FATAL:\s+(?P<kind>database|role) "(?P<name>[^"]+)" does not exist')
# psycopg begins so when the server is unreachable, or refuses the login.
_UNHEARD = (
    "connection failed", "connection is bad", "connection timeout", "failed to resolve host",
)  # fmt: skip


def is_of_standby(error: object) -> bool:
    """Whether a driver's error means that the server is a standby, which does not write."""
    code = getattr(error, "sqlstate", None)
    return code == _READ_ONLY or (code == _NOT_SUPPORTED and "during recovery" in str(error))


def explain(engine: Engine, error: DBAPIError | sqlite3.Error) -> Cause:
    """The cause of `error`, worded for the person who named the database."""
    where = display_address(engine)
    message = driver_message(error)
    if engine.dialect.name != "sqlite":
        if is_of_standby(error.orig):  # type: ignore[union-attr]
            return Cause.of("database_standby", STANDBY, where=where)
        way_in = _connection_remedy(message)
        return Cause.of(
            "database_fails", _FAILS + "{way_in}", where=where, told=message, way_in=way_in
        )
    if "locked" in message or "busy" in message:
        waited_s = engine.get_execution_options()[LOCK_WAIT_S]
        sentence = (
            "the database {where} was held by another process for {seconds:.0f} seconds: try again"
        )
        return Cause.of("database_busy", sentence, where=where, seconds=waited_s)
    if "unable to open" in message and _is_missing(engine):
        code = "no_own_database" if Path(where).parent == data_folder() else "no_database"
        return Cause.of(code, _MISSING[code], where=where)
    if "unable to open" in message:
        file = Path(where)
        if (obstacle := sqlite_file.obstacle(file)) is not None:
            return obstacle
        why = _open_failure(file)
        return Cause.of(
            "file_not_opened", "cannot open the file {where}: {why}", where=where, why=why
        )
    if "not a database" in message:
        return Cause.of("not_sqlite", _NOT_SQLITE, where=where)
    return _explain_disk(where, message) or Cause.of(
        "database_fails", _FAILS, where=where, told=message, way_in=""
    )


LOCK_WAIT_S = "incidents_lock_wait_s"
"""The option of an engine: how many seconds a transaction waits for a locked SQLite file."""
# A write in a transaction that may only read, as on every standby; and a transaction that says at
# its beginning that it will write.
_READ_ONLY, _NOT_SUPPORTED = "25006", "0A000"
STANDBY = (
    "the database {where} can only be read now, because this server is a standby: try again, or"
    " name all servers in the URL (postgresql://one:5432,two:5432/name)"
)
_FAILS = "cannot use the database {where}: {told}"
_NOT_SQLITE = (
    f"{{where}} is not a SQLite database, or its beginning is damaged: {NAME_ANOTHER}, or restore a"
    " backup"
)
_MISSING = {
    "no_own_database": "there is no database {where}: run incidents db upgrade to make it, or"
    f" {NAME_ANOTHER}",
    "no_database": "there is no database {where}: check the path, or run incidents db upgrade to"
    " make a new one",
}


def driver_message(error: DBAPIError | sqlite3.Error) -> str:
    """The driver's message, without a server's details, which contain the row's values."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    diagnosis = getattr(driver, "diag", None)
    return " ".join((getattr(diagnosis, "message_primary", None) or str(driver)).split())


def damaged(where: str, message: str) -> Cause:
    """The explanation of a damaged database, with the driver's `message`."""
    sentence = (
        "the database {where} is damaged ({told}): incidents db check shows the damage; restore a"
        " backup"
    )
    return Cause.of("database_damaged", sentence, where=where, told=message)


def _connection_remedy(message: str) -> str:
    """Return the remedy for a failed connection; none if the server gave a reason of its own."""
    if not message.startswith(_UNHEARD):
        return ""
    if (missing := _NOT_THERE.search(message)) is not None:
        makes = {"database": "createdb", "role": "createuser"}[missing["kind"]]
        sentence = f"; check the name ({{makes}} {{name}} makes one), or {NAME_ANOTHER}"
        return Cause.of("way_in_make", sentence, makes=makes, name=missing["name"])
    for code, (reasons, sentence) in _WAYS_IN.items():
        if any(reason in message for reason in reasons):
            return Cause.of(code, sentence)
    return Cause.of("way_in_another", f"; {NAME_ANOTHER}")


# What libpq and the server say, by the remedy. Of several hosts, one that runs comes first.
_WAYS_IN = {
    "way_in_ssl": (
        ("server does not support SSL",),
        "; set ssl = on in the server's postgresql.conf, or change sslmode in the URL",
    ),
    "way_in_password": (
        ("no password supplied",),
        "; put the password into ~/.pgpass with mode 0600, or into the file that PGPASSFILE names",
    ),
    "way_in_wrong_password": (
        ("password authentication failed",),
        "; check the user in the URL and its password in ~/.pgpass",
    ),
    "way_in_hba": (
        ("pg_hba.conf",),
        f"; allow this user and machine in the server's pg_hba.conf, or {NAME_ANOTHER}",
    ),
    "way_in_certificate": (
        ("certificate verify failed", "server certificate for"),
        "; check the server's certificate, and sslrootcert and the host in the URL",
    ),
    "way_in_wait": (
        ("system is starting up", "system is shutting down", "in recovery mode",
         "not yet accepting connections", "too many clients", "connection slots"),
        "; try again in a minute",
    ),
    "way_in_another": (("FATAL:",), f"; {NAME_ANOTHER}"),
    "way_in_start": (
        ("Connection refused", "failed: No such file or directory"),
        f"; start it, or {NAME_ANOTHER}",
    ),
    "way_in_reach": (
        ("timeout expired", "timed out", "No route to host", "is unreachable"),
        f"; check that it is running and can be reached from here, or {NAME_ANOTHER}",
    ),
    "way_in_host": (("failed to resolve host",), "; check the host in the URL"),
}  # fmt: skip


def _open_failure(file: Path) -> Cause:
    # Path.exists would raise for an impossible file name.
    folder = os.fspath(file.parent)
    if os.path.isdir(file):  # noqa: PTH112
        return Cause.of("is_folder", f"it is a folder; {NAME_ANOTHER}")
    if os.path.exists(file) and not os.access(file, os.R_OK):  # noqa: PTH110
        return Cause.of("not_readable", f"you may not read it; {NAME_ANOTHER}")
    if not file.is_absolute() and not os.path.exists(folder):  # noqa: PTH110
        sentence = "there is no folder {folder} here; for the file /{file} write sqlite:////{file}"
        return Cause.of("no_folder_here", sentence, folder=folder, file=file)
    return Cause.of("folder_unwritable", f"its folder must exist and be writable; {NAME_ANOTHER}")


def _is_missing(engine: Engine) -> bool:
    """Whether the file is missing but could be made, for a person who may not make it."""
    if engine.get_execution_options()["incidents_makes"]:
        return False
    file = Path(display_address(engine))
    # A file of an impossible name is missing; Path.exists would raise.
    return not os.path.exists(file) and (  # noqa: PTH110
        file.parent == data_folder() or file.parent.exists()
    )


def _explain_disk(where: str, message: str) -> Cause | None:
    if "is full" in message:
        return Cause.of("disk_full", _DISK_FULL, where=where)
    if "disk I/O error" in message:
        return Cause.of("disk_fails", _DISK_FAILS, where=where)
    if "malformed" in message:
        return damaged(where, message)
    if "readonly" in message:
        return sqlite_file.obstacle(Path(where)) or Cause.of(
            "file_unwritable", _FILE_UNWRITABLE, where=where
        )
    return None


_DISK_FULL = (
    "the disk of {where} is full: free some space, then run the command again, with the same --key"
    " if it had one"
)
_DISK_FAILS = (
    "the disk of {where} fails (disk I/O error): check the disk first; you can safely repeat the"
    " command with the same --key"
)
_FILE_UNWRITABLE = "the file {where} cannot be written: check its permissions and its disk"
