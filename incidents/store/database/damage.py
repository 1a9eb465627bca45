"""Damage to stored data: what a check of the database has found, and where."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause

MOST = 100
"""The maximum number of faults to list; the search ends there."""

# PostgreSQL's classes of errors for corrupted data and for internal errors.
_CORRUPTED = "XX"
# The second: the first page is not a database's.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Damage at `where`: a table, index, file or server; `problem` may be the database's text."""

    where: str
    problem: str

    @property
    def cause(self) -> Cause:
        """Where and what, for people."""
        return Cause.of("damage_at", "{where}: {problem}", where=self.where, problem=self.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The damage found, and the checks that could not be made, with reasons.

    `parts`: the archive parts that are missing or altered, which a backup of the database does not
    bring back. `is_other`: the file does not begin like a SQLite file and may never have been the
    database.
    """

    damage: list[Damage] = field(default_factory=list)
    parts: list[Damage] = field(default_factory=list)
    not_checked: list[Cause] = field(default_factory=list)
    is_other: bool = False


def is_damage(error: BaseException | None) -> bool:
    """Whether a driver's error means that stored data is damaged."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, UnicodeDecodeError):
        return True
    if isinstance(driver, sqlite3.Error):
        return getattr(driver, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
    return str(getattr(driver, "sqlstate", None)).startswith(_CORRUPTED)


_KINDS = {"table": "table {name}", "index": "index {name}"}


def place_of(kind: str, name: str) -> Cause:
    """The place of damage in a `table` or an `index` of that name."""
    return Cause.of(f"damage_{kind}", _KINDS[kind], name=name)


def driver_text(error: Exception) -> str:
    """What the database says of an error, even if the driver cannot decode it."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="replace")
    return str(error.orig if isinstance(error, DBAPIError) else error)
