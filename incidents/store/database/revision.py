"""The revision of the schema: this program's own, and which others it can use.

A migration that only expands the schema leaves older programs running: they read in the database
which oldest program may use it. The revision is checked in each transaction that writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path

from incidents.errors import DatabaseError

REVISION = "SELECT max(version_num) FROM alembic_version"
OLDEST = "SELECT max(oldest) FROM alembic_version"
"""The query for the oldest program that may use the database, by its head.

The column is made by the first migration that leaves an older program running. It is in Alembic's
own table because a role with limited rights can already read that table.
"""
BOTH = {
    "sqlite": "SELECT max(version_num), max(oldest) FROM alembic_version",
    # The column may not be there yet; an error would end the transaction.
    "postgresql": "SELECT max(version_num), max(to_jsonb(alembic_version)->>'oldest')"
    " FROM alembic_version",
}
"""The query for the revision and the oldest program, on each kind of database.

Both are read each time: `audit archive` raises the oldest program, but not the revision.
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
    """The check of a database's revision by one process, which judges each state once.

    `where`: the database's address for people.
    """

    def __init__(self, where: Callable[[], str]) -> None:
        self._where = where
        self._usable: set[tuple[str | None, str | None]] = set()

    def check(self, revision: str | None, oldest: str | None) -> None:
        """Check the revision and the oldest program that an open transaction has read.

        Raises:
            DatabaseError: if this program must not write to the database.
        """
        if (revision, oldest) in self._usable:
            return
        if revision is None:
            raise refused("database_empty", self._where())
        if revision != head():
            if revision < head():
                raise refused("database_older", self._where())
            if not is_supported(revision, oldest):
                raise refused("database_newer", self._where())
        self._usable.add((revision, oldest))

    def read_and_check(self, driver: sqlite3.Connection) -> None:
        """Read the revision in the open transaction of a SQLite file, and check it.

        Raises:
            DatabaseError: if this program must not write to the database.
        """
        try:
            revision, oldest = driver.execute(BOTH["sqlite"]).fetchone()
        except sqlite3.OperationalError as error:
            if not says_no_such_table(error):
                raise
            revision, oldest = _alone(driver), None
        self.check(revision, oldest)


def _alone(driver: sqlite3.Connection) -> str | None:
    """The revision of a database that names no oldest program; None if it is empty."""
    try:
        found: str | None = driver.execute(REVISION).fetchone()[0]
    except sqlite3.OperationalError as error:
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
