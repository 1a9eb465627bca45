"""The migration of a database to another revision, beside programs that go on using it.

On PostgreSQL a migration first locks what it changes, and waits for that so briefly that nobody
who waits for it in turn is taken for a deadlock; then it gives up and tries again. A transaction
that writes begins by reading `alembic_version`, which is locked first: it waits there and holds
nothing, or the migration waits until it has ended.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import DatabaseError
from incidents.store.archive.parts import FIRST_REVISION_WITH_PARTS
from incidents.store.database import engine as engines
from incidents.store.database import revision
from incidents.store.database.address import display_address
from incidents.store.desk_state import is_rehearsal
from incidents.store.schema.desk_tables import rehearsal as rehearsal_table
from incidents.store.schema.log_tables import archive_parts

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

# "incident" in ASCII: an advisory lock of PostgreSQL has a number, not a name.
LOCK = 0x696E636964656E74
LIMIT_S = 120.0
"""How long a migration tries to lock its tables."""

FIRST = "0018"
"""The oldest program that reads which database it may use; older ones need their own revision."""

_VERSION = "alembic_version"
# Of the time after which a server looks for a deadlock: who waits that long has not waited so long.
_SHARE = 0.6
_PAUSES_S = (0.1, 1.0)
# How long an attempt waits for another migration.
_OTHER_MS = 1_000
# Between two attempts to change a file's mode.
_MODE_PAUSE_S = 0.05
# A statement's time-out, a lock's, a deadlock.
_IN_USE = ("57014", "55P03", "40P01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration of a database `to` a revision, up, or `down`.

    `rehearsal`: mark a new database as a rehearsal. `waits`: called once if others keep the tables
    in use.
    """

    to: str
    down: bool = False
    rehearsal: bool = False
    waits: Callable[[], object] = lambda: None

    def run(self, engine: Engine) -> None:
        """Migrate in one transaction, including the DDL, locked against a second process.

        Raises:
            DatabaseError: if other programs keep the tables in use for two minutes.
        """
        if engine.dialect.name == "sqlite":
            use_write_ahead_log(engine, wait_s=engines.BUSY_TIMEOUT_S)
            self._once(engine)
            return
        give_up_at = time.monotonic() + LIMIT_S
        said = False
        while True:
            try:
                self._once(engine)
                return
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _IN_USE:
                    raise
                if time.monotonic() > give_up_at:
                    raise _in_use(engine) from error
            if not said:
                self.waits()
            said = True
            time.sleep(random.uniform(*_PAUSES_S))  # noqa: S311 - no secret

    def _once(self, engine: Engine) -> None:
        from alembic import command

        with _without_foreign_keys(engine) as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                self._lock(connection)
            is_new = not inspect(connection).has_table("desk")
            if self.down:
                command.downgrade(config(connection), self.to)
            else:
                command.upgrade(config(connection), self.to)
            if self.rehearsal and is_new:
                connection.execute(insert(rehearsal_table).values(id=1))
            elif self.rehearsal and not is_rehearsal(connection):
                raise DatabaseError.coded(
                    "no_rehearsal",
                    "{where} is not a rehearsal and cannot become one: name an empty database with"
                    " --db",
                    where=display_address(engine),
                )

    def _lock(self, connection: Connection) -> None:
        _limit(connection, _OTHER_MS)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _limit(connection, 0)
        there = set(inspect(connection).get_table_names())
        if _VERSION not in there:
            return
        tables = [_VERSION, *sorted(self._tables(connection) & there)]
        looks_after_ms = connection.scalar(
            text("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'")
        )
        _limit(connection, max(1, round(looks_after_ms * _SHARE)))
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"))
        _limit(connection, 0)

    def _tables(self, connection: Connection) -> set[str]:
        """The tables that the migrations name in their `locks`; all if one of them names none."""
        from alembic.script import ScriptDirectory

        from incidents.store.schema.catalogue import every_table

        everything = set(every_table().tables)
        if self.down:
            return everything
        scripts = ScriptDirectory.from_config(config())
        now = connection.scalar(text(revision.REVISION)) or "base"
        named = [
            getattr(script.module, "locks", everything)
            for script in scripts.iterate_revisions(self.to, now)
        ]
        return set().union(*named)


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the migrations of this program, on `connection`."""
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(revision.scripts()).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


def record_oldest(connection: Connection, scripts: ScriptDirectory) -> None:
    """Record which oldest program may use the database, in the transaction that migrates it.

    It is as old as the last migration that does not say `expands = True`.
    """
    now = connection.scalar(text(revision.REVISION))
    oldest = None if now is None else _oldest_for(now, scripts)
    if oldest is not None and _has_parts(connection):
        oldest = max(oldest, FIRST_REVISION_WITH_PARTS)
    has_column = "oldest" in {each["name"] for each in inspect(connection).get_columns(_VERSION)}
    if oldest is not None and not has_column:
        connection.execute(text(f"ALTER TABLE {_VERSION} ADD COLUMN oldest VARCHAR(32)"))
    is_written = oldest is not None or has_column
    # `command.check` runs here, too, and writes nothing.
    if is_written and connection.scalar(text(revision.OLDEST)) != oldest:
        connection.execute(text("UPDATE alembic_version SET oldest = :oldest"), {"oldest": oldest})


def record_oldest_with_parts(connection: Connection) -> None:
    """Record that programs which know no archive parts may not use the database."""
    older = text("UPDATE alembic_version SET oldest = :own WHERE oldest < :own")
    connection.execute(older, {"own": FIRST_REVISION_WITH_PARTS})


def _has_parts(connection: Connection) -> bool:
    if not inspect(connection).has_table(archive_parts.name):
        return False
    return connection.execute(select(archive_parts.c.first_leaf).limit(1)).first() is not None


def _oldest_for(now: str, scripts: ScriptDirectory) -> str | None:
    """The oldest program for the revision `now`; None if that needs its own program."""
    if now <= FIRST:
        return None
    for script in scripts.iterate_revisions(now, FIRST):
        if not getattr(script.module, "expands", False):
            return None if script.revision == now else script.revision
    return FIRST


def _limit(connection: Connection, milliseconds: int) -> None:
    connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))


def _in_use(engine: Engine) -> DatabaseError:
    return DatabaseError.coded(
        "schema_in_use",
        "{where} was not changed: other programs kept its tables in use for {s:.0f} s. Wait for"
        " long exports and verifications to end, then try again",
        where=display_address(engine), s=LIMIT_S,
    )  # fmt: skip


@contextlib.contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """Disable foreign keys: SQLite rebuilds changed tables, which would empty referring rows."""
    with engine.connect() as connection:
        connection.execution_options(incidents_writes=True, incidents_migrates=True)
        if engine.dialect.name != "sqlite":
            yield connection
            return
        own: Any = connection.connection.dbapi_connection
        own.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            own.execute("PRAGMA foreign_keys=ON")


def use_write_ahead_log(engine: Engine, *, wait_s: float) -> None:
    """Switch the file to a write-ahead log permanently, so that readers never wait for a writer.

    Raises:
        sqlite3.OperationalError: if others hold the file for longer than `wait_s` seconds.
    """
    connection = engine.raw_connection()
    try:
        own: Any = connection.driver_connection
        if own.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        for attempts_left in reversed(range(1 + round(wait_s / _MODE_PAUSE_S))):
            # Two processes that make one file: SQLite waits for some locks here, not for others.
            own.execute("PRAGMA busy_timeout=0")
            try:
                own.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                held = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not attempts_left or not held:
                    raise
                time.sleep(_MODE_PAUSE_S)
            finally:
                own.execute(f"PRAGMA busy_timeout={round(engines.BUSY_TIMEOUT_S * 1000)}")
    finally:
        connection.close()
