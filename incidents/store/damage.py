"""Damage: what is stored wrongly, where it is, and by which errors a database says so."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

MOST = 100
"""So much damage is named, and what comes after it is not looked for."""

# PostgreSQL's class of errors for what is stored wrongly, and for faults of its own.
_CORRUPTED = "XX"
# The second: of a first page that is no database's.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """`where` is the table, index or part of the file; `problem` is in the database's words."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The damage that was found, and what could not be checked and why, as sentences. `is_other`:
    the file does not begin as a SQLite file does, so that it may never have been the database."""

    damage: list[Damage] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    is_other: bool = False


def is_damage(error: BaseException | None) -> bool:
    """Whether a driver's error says that what is stored is damaged."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, UnicodeDecodeError):
        return True
    if isinstance(driver, sqlite3.Error):
        return getattr(driver, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
    return str(getattr(driver, "sqlstate", None)).startswith(_CORRUPTED)
