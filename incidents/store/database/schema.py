"""The version of the schema: whether a database fits this program, and its upgrade.

The most frequent check, whether a database is current, is one SELECT and does not load Alembic.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from enum import Enum

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import DatabaseError
from incidents.store.database import revision
from incidents.store.database.address import display_address
from incidents.store.database.engine import create, plainly, reading
from incidents.store.database.migration import Migration, config, use_write_ahead_log
from incidents.store.database.revision import head

_OURS = frozenset({"sites", "entries", "desk", "policies"})


class Status(Enum):
    """The state of a database as this program sees it.

    `EXPANDED`: newer than this program, which can use it all the same: see `revision`.
    """

    EMPTY = "empty"
    CURRENT = "current"
    EXPANDED = "expanded"
    OLDER = "older"
    NEWER = "newer"
    FOREIGN = "foreign"


_USABLE = (Status.CURRENT, Status.EXPANDED)
_NOT_TO_MIGRATE = (Status.EXPANDED, Status.NEWER, Status.FOREIGN)


def check(engine: Engine) -> None:
    """Check that this program can use the database's schema, without changing anything.

    Raises:
        DatabaseError: naming the database's actual state, and the remedy.
    """
    with plainly(engine):
        found = status(engine)
    if found not in _USABLE:
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
            Migration(to="head").run(engine)
            return
        if found in _USABLE and engine.dialect.name == "sqlite":
            # Without it all works, if slower: a file in use, or a read-only one, stays as it is.
            with contextlib.suppress(sqlite3.OperationalError):
                use_write_ahead_log(engine, wait_s=0)
    if found not in _USABLE:
        raise _refused(found, engine)


def upgrade(
    database: str | Engine, *, rehearsal: bool = False, waits: Callable[[], object] = lambda: None
) -> None:
    """Create this program's schema in an empty or older database, completely or not at all.

    With `rehearsal`, mark an empty database permanently as a rehearsal: see
    `desk_state.database_time`. `waits` is called once if others keep its tables in use
    (PostgreSQL).

    Raises:
        DatabaseError: if the database is newer or not ours, if its tables remain in use, or if one
            to be marked is not empty.
    """
    with _engine(database) as engine, plainly(engine):
        found = status(engine)
        if found in _NOT_TO_MIGRATE:
            raise _refused(found, engine)
        Migration(to="head", rehearsal=rehearsal, waits=waits).run(engine)


def downgrade(database: str | Engine, to: str) -> None:
    """Downgrade the schema to the revision `to` ("base": none), deleting data that it cannot store.

    Raises:
        DatabaseError: if the database is newer, or not ours, or cannot be downgraded.
    """
    from alembic.util import CommandError

    with _engine(database) as engine, plainly(engine):
        found = status(engine)
        if found in _NOT_TO_MIGRATE:
            raise _refused(found, engine)
        try:
            Migration(to=to, down=True).run(engine)
        except CommandError as error:
            sentence = "{where} was not changed: {why}"
            raise DatabaseError.coded(
                "not_downgraded", sentence, where=display_address(engine), why=error
            ) from error


def status(engine: Engine) -> Status:
    """The state of the database at one moment, by one SELECT if it is current."""
    with engine.connect() as connection:
        found = _revisions(connection)
        if found == [head()]:
            return Status.CURRENT
        if len(found) == 1 and revision.is_supported(found[0], _oldest(connection)):
            return Status.EXPANDED
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


def _refused(found: Status, engine: Engine) -> DatabaseError:
    found = Status.NEWER if found is Status.EXPANDED else found
    return revision.refused(f"database_{found.value}", display_address(engine))


def _revisions(connection: Connection) -> list[str]:
    try:
        return list(connection.scalars(text("SELECT version_num FROM alembic_version")))
    except DBAPIError as error:
        if not revision.says_no_such_table(error.orig):
            raise
        return []


def _oldest(connection: Connection) -> str | None:
    try:
        found: str | None = connection.scalar(text(revision.OLDEST))
    except DBAPIError as error:
        if not revision.says_no_such_table(error.orig):
            raise
        return None
    return found


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
