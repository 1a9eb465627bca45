"""The revision of the schema: this program's own, and which others it can use.

A migration that only expands the schema leaves older programs running: they read in the database
which oldest program may use it. The revision is checked in each transaction that writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from incidents.errors import DatabaseError

REVISION = "SELECT max(version_num) FROM alembic_version"
OLDEST = "SELECT max(oldest) FROM alembic_version"
"""The query for the oldest program that may use the database, by its head.

The column is made by the first migration that leaves an older program running. It is in Alembic's
own table because a role with limited rights can already read that table.
"""

ADVICE = {
    "database_empty": "the database {where} is empty: run incidents db upgrade",
    "database_older": "the database {where} is older than this program: run incidents db upgrade",
    "database_newer": "the database {where} is newer than this program: upgrade the program",
    "database_foreign": "the database {where} holds another program's tables and was not changed:"
    " name another with --db",
}


@cache
def head() -> str:
    """The revision of this program's schema: the number of the last migration's file.

    The folder is read once, at the first call; later changes to its files have no effect.

    Raises:
        DatabaseError: if the folder of the migrations is missing or empty.
    """
    folder = scripts() / "versions"
    numbers = [each.name.partition("_")[0] for each in folder.glob("[0-9]*.py")]
    if not numbers:
        raise DatabaseError.coded(
            "no_migrations", "{folder} has no migrations: install the program again", folder=folder
        )
    return max(numbers)


def scripts() -> Path:
    """The folder of the migrations: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "alembic"
    return installed if (installed / "env.py").exists() else package.parent / "alembic"


def is_supported(revision: str, oldest: str | None) -> bool:
    """Whether this program can use a database at a newer `revision`, which names its `oldest`."""
    return oldest is not None and oldest <= head() < revision


def refused(code: str, where: str) -> DatabaseError:
    """The error `code` about the database at `where`, with the remedy."""
    return DatabaseError.coded(code, ADVICE[code], where=where)


class RevisionCheck:
    """The check of a database's revision by one process, which asks once about each revision.

    `where`: the database's address for people.
    """

    def __init__(self, where: Callable[[], str]) -> None:
        self._where = where
        self._usable: set[str] = set()

    def check(self, driver: Any, revision: str | None) -> None:
        """Check the revision that the open transaction of `driver`, a connection, has read.

        The oldest supported program is read only if the revision is unknown.

        Raises:
            DatabaseError: if this program must not write to the database.
        """
        if revision in self._usable:
            return
        if revision is None:
            raise refused("database_empty", self._where())
        if revision != head():
            if revision < head():
                raise refused("database_older", self._where())
            if not is_supported(revision, _oldest(driver)):
                raise refused("database_newer", self._where())
        self._usable.add(revision)

    def read_and_check(self, driver: sqlite3.Connection) -> None:
        """Read the revision in the open transaction of a SQLite file, and check it.

        Raises:
            DatabaseError: if this program must not write to the database.
        """
        try:
            [revision] = driver.execute(REVISION).fetchone()
        except sqlite3.OperationalError as error:
            if not says_no_such_table(error):
                raise
            revision = None
        self.check(driver, revision)


def _oldest(driver: Any) -> str | None:
    try:
        found: str | None = driver.execute(OLDEST).fetchone()[0]
    except Exception as error:
        if not says_no_such_table(error):
            raise
        return None
    return found


def says_no_such_table(error: BaseException | None) -> bool:
    """Whether a driver's error says that a table, or a column of it, does not exist."""
    if isinstance(error, sqlite3.Error):
        # The second: a table of that name that is not Alembic's.
        return "no such table" in str(error) or "no such column" in str(error)
    return getattr(error, "sqlstate", None) in ("42P01", "42703")
