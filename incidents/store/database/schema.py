"""The version of the schema: whether a database fits this program, and its upgrade.

The most frequent check, whether a database is current, is one SELECT and does not load Alembic.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, inspect, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import DatabaseError
from incidents.store.database import engine as engines
from incidents.store.database.address import display_address
from incidents.store.database.engine import create, plainly, reading
from incidents.store.desk_state import is_rehearsal
from incidents.store.schema.desk_tables import rehearsal as rehearsal_table

if TYPE_CHECKING:
    from alembic.config import Config

# "incident" in ASCII: an advisory lock of PostgreSQL has a number, not a name.
LOCK = 0x696E636964656E74
# Between two attempts to change a file's mode.
_PAUSE_S = 0.05
_OURS = frozenset({"sites", "entries", "desk", "policies"})


class Status(Enum):
    """The state of a database as this program sees it."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"
    FOREIGN = "foreign"


def check(engine: Engine) -> None:
    """Check that the database has this program's schema, without changing anything.

    Raises:
        DatabaseError: naming the database's actual state, and the remedy.
    """
    with plainly(engine):
        found = status(engine)
    if found is not Status.CURRENT:
        raise _refused(found, engine)


def ensure(engine: Engine, *, make: bool = False) -> None:
    """Check as `check` does; with `make`, also create the schema in an empty SQLite file.

    Also restore the write-ahead log of a file that has none, such as a copy from `db backup`.

    Raises:
        DatabaseError: as `check` does.
    """
    with plainly(engine):
        found = status(engine)
        if make and found is Status.EMPTY and engine.dialect.name == "sqlite":
            _migrate(engine, "head")
            return
        if found is Status.CURRENT and engine.dialect.name == "sqlite":
            # Without it all works, if slower: a file in use, or a read-only one, stays as it is.
            with contextlib.suppress(sqlite3.OperationalError):
                _use_write_ahead_log(engine, wait_s=0)
    if found is not Status.CURRENT:
        raise _refused(found, engine)


def upgrade(database: str | Engine, *, rehearsal: bool = False) -> None:
    """Create this program's schema in an empty or older database, completely or not at all.

    With `rehearsal`, mark an empty database permanently as a rehearsal: see
    `desk_state.database_time`.

    Raises:
        DatabaseError: if the database is newer or not ours, or if one to be marked is not empty.
    """
    with _engine(database) as engine, plainly(engine):
        found = status(engine)
        if found in (Status.NEWER, Status.FOREIGN):
            raise _refused(found, engine)
        _migrate(engine, "head", rehearsal=rehearsal)


def downgrade(database: str | Engine, revision: str) -> None:
    """Downgrade the schema to `revision` ("base": none), deleting data that it cannot store.

    Raises:
        DatabaseError: if the database is newer, or not ours, or cannot be downgraded.
    """
    from alembic.util import CommandError

    with _engine(database) as engine, plainly(engine):
        found = status(engine)
        if found in (Status.NEWER, Status.FOREIGN):
            raise _refused(found, engine)
        try:
            _migrate(engine, revision, down=True)
        except CommandError as error:
            sentence = "{where} was not changed: {why}"
            raise DatabaseError.coded(
                "not_downgraded", sentence, where=display_address(engine), why=error
            ) from error


def status(engine: Engine) -> Status:
    """The state of the database at one moment, by one SELECT if it is current."""
    with engine.connect() as connection:
        if _revisions(connection) == [head()]:
            return Status.CURRENT
    # Another process may be migrating it: the tables and the revision are of one state.
    with reading(engine) as connection:
        tables = set(inspect(connection).get_table_names())
        revisions = _revisions(connection) if "alembic_version" in tables else []
    if revisions == [head()]:
        return Status.CURRENT
    if not tables - {"alembic_version"} and not revisions:
        return Status.EMPTY
    if len(revisions) == 1 and revisions[0] in _known_revisions():
        return Status.OLDER
    return Status.NEWER if revisions and tables >= _OURS else Status.FOREIGN


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


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the migrations of this program, on `connection`."""
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


def scripts() -> Path:
    """The folder of the migrations: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "alembic"
    return installed if (installed / "env.py").exists() else package.parent / "alembic"


def _refused(found: Status, engine: Engine) -> DatabaseError:
    code = f"database_{found.value}"
    return DatabaseError.coded(code, _ADVICE[code], where=display_address(engine))


_ADVICE = {
    "database_empty": "the database {where} is empty: run incidents db upgrade",
    "database_older": "the database {where} is older than this program: run incidents db upgrade",
    "database_newer": "the database {where} is newer than this program: upgrade the program",
    "database_foreign": "the database {where} holds another program's tables and was not changed:"
    " name another with --db",
}


def _revisions(connection: Connection) -> list[str]:
    try:
        return list(connection.scalars(text("SELECT version_num FROM alembic_version")))
    except DBAPIError as error:
        if not _says_no_such_table(error):
            raise
        return []


def _says_no_such_table(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        # The second: a table of that name that is not Alembic's.
        return "no such table" in str(error.orig) or "no such column" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) in ("42P01", "42703")


def _known_revisions() -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


@contextlib.contextmanager
def _engine(database: str | Engine) -> Iterator[Engine]:
    if isinstance(database, Engine):
        yield database
        return
    engine = create(database, make=True)
    try:
        yield engine
    finally:
        engine.dispose()


def _migrate(engine: Engine, revision: str, *, down: bool = False, rehearsal: bool = False) -> None:
    """Migrate in one transaction, including the DDL, locked against a second process."""
    from alembic import command

    if engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine, wait_s=engines.BUSY_TIMEOUT_S)
    with _without_foreign_keys(engine) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        is_new = not inspect(connection).has_table("desk")
        if down:
            command.downgrade(config(connection), revision)
        else:
            command.upgrade(config(connection), revision)
        if rehearsal and is_new:
            connection.execute(insert(rehearsal_table).values(id=1))
        elif rehearsal and not is_rehearsal(connection):
            raise DatabaseError.coded(
                "no_rehearsal",
                "{where} is not a rehearsal and cannot become one: name an empty database with"
                " --db",
                where=display_address(engine),
            )


@contextlib.contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """Disable foreign keys: SQLite rebuilds changed tables, which would empty referring rows."""
    with engine.connect() as connection:
        connection.execution_options(incidents_writes=True)
        if engine.dialect.name != "sqlite":
            yield connection
            return
        own: Any = connection.connection.dbapi_connection
        own.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            own.execute("PRAGMA foreign_keys=ON")


def _use_write_ahead_log(engine: Engine, *, wait_s: float) -> None:
    """Switch the file to a write-ahead log permanently, so that readers never wait for a writer.

    Raises:
        sqlite3.OperationalError: if others hold the file for longer than `wait_s` seconds.
    """
    connection = engine.raw_connection()
    try:
        own: Any = connection.driver_connection
        if own.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        for attempts_left in reversed(range(1 + round(wait_s / _PAUSE_S))):
            # Two processes that make one file: SQLite waits for some locks here, not for others.
            own.execute("PRAGMA busy_timeout=0")
            try:
                own.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                held = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not attempts_left or not held:
                    raise
                time.sleep(_PAUSE_S)
            finally:
                own.execute(f"PRAGMA busy_timeout={round(engines.BUSY_TIMEOUT_S * 1000)}")
    finally:
        connection.close()
