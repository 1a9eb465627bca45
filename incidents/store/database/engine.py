"""The engine of a database: its connections and their transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from incidents.errors import DatabaseError, DeniedError, InputError
from incidents.settings.sources import data_folder
from incidents.store.archive import parts as archive
from incidents.store.database import failures, postgresql_engine, sqlite_file
from incidents.store.database.address import NAME_ANOTHER, display_address, read_url
from incidents.store.database.failures import LOCK_WAIT_S
from incidents.store.database.host_mark import HostMark
from incidents.store.database.revision import RevisionCheck
from incidents.store.database.sqlite_file import OpenedFile
from incidents.store.round_trip import command

if TYPE_CHECKING:
    pass

Reading = Callable[[], AbstractContextManager[Connection]]
"""The function that opens a transaction on one state of the database."""

BUSY_TIMEOUT_S = 30.0
WRITE_LIMIT_S = 15.0
"""The longest time without a word from a PostgreSQL server in a transaction that writes."""
READ_LIMIT_S = 120.0
"""The same in a transaction that reads: longer than any query takes, if a disk does not hang."""
WRITTEN = "incidents_written"
"""The option of an engine with a function to call after each transaction that may have written."""

# A replica that does not answer is left at once: the primary is there.
_REPLICA_WAIT_S = 1.0
_REPLICA = {"connect_timeout": 2, "tcp_user_timeout": 3_000}
_DENIED = "42501"


def create(url: str | None = None, *, make: bool = False) -> Engine:
    """Make an engine for `url`, by default for a SQLite file in the user's data folder.

    A missing file is created only with `make`, together with the data folder, for the user alone;
    no other folder is ever created. No database is opened yet.

    Raises:
        InputError: for a URL that cannot be read or is of an unknown kind.
        DatabaseError: if the driver for PostgreSQL is not installed.
    """
    parsed = read_url(url or f"sqlite:///{data_folder() / 'incidents.db'}")
    is_sqlite = parsed.get_backend_name() == "sqlite"
    made = _sqlite(parsed, make=make) if is_sqlite else postgresql_engine.create(parsed)
    return _with_archive(made, url)


def _with_archive(made: Engine, url: str | None) -> Engine:
    parts = archive.Archive(partial(_archive, url))
    made.update_execution_options(**{archive.OPTION: parts})
    event.listen(made, "engine_disposed", lambda _: parts.close())
    return made


def _archive(url: str | None) -> Path:
    # Read when the first part is opened: most databases have none.
    from incidents.settings.archive import of_settings

    return of_settings(url).folder


def create_replica(url: str) -> Engine:
    """Make an engine for a standby of PostgreSQL, which is only read.

    Raises:
        InputError: for a URL that cannot be read, or is not of PostgreSQL.
        DatabaseError: if its driver is not installed.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite":
        raise no_replica()
    hosts = parsed.normalized_query.get("host", ())
    if "," in ",".join(hosts) and "target_session_attrs" not in parsed.query:
        # Part of the URL, for other processes that help to read.
        parsed = parsed.update_query_dict({"target_session_attrs": "standby"})
    # Each read begins with a question to the replica, which is as good as a ping.
    made = postgresql_engine.create(parsed, pings=False, pool_wait_s=_REPLICA_WAIT_S, **_REPLICA)
    return _with_archive(made, url)


def no_replica() -> InputError:
    """The error that only PostgreSQL has replicas."""
    return InputError.coded(
        "replica_needs_postgresql",
        "db_replica works only with PostgreSQL: the database and its replica must both be"
        " postgresql:// URLs",
    )


@contextmanager
def writing(
    engine: Engine, *, keep: bool = True, limit_s: float | None = WRITE_LIMIT_S,
    migrates: bool = False,
) -> Iterator[Connection]:  # fmt: skip
    """Open a transaction that writes; without `keep`, roll it back at the end.

    Unless it `migrates`, nothing is written to a schema that this program cannot use: see
    `revision`. On PostgreSQL the first statement reads that, whatever it is.

    On PostgreSQL it fails if the server says nothing for `limit_s`, though it may answer others.
    On SQLite the transaction takes the file's write lock at its start: a deferred transaction that
    reads first and writes later can fail, whatever the timeout.

    Raises:
        DatabaseError: if the schema was changed so that this program cannot use it.
    """
    with engine.connect() as connection:
        connection.execution_options(
            incidents_writes=True, incidents_limit_s=limit_s, incidents_migrates=migrates
        )
        try:
            with connection.begin() as transaction:
                yield connection
                if not keep and transaction.is_active:
                    transaction.rollback()
        finally:
            # Also after an error: a COMMIT may have been sent.
            if (note := engine.get_execution_options().get(WRITTEN)) is not None:
                note()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that reads one state of the database, however many queries it takes."""
    with engine.connect() as connection, consistently(connection):
        yield connection


@contextmanager
def consistently(connection: Connection) -> Iterator[None]:
    """Open a transaction on a free connection that reads one state of the database."""
    if connection.dialect.name == "postgresql":
        own_limit_s = connection.get_execution_options().get("incidents_limit_s", READ_LIMIT_S)
        connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True,
            incidents_limit_s=own_limit_s,
        )  # fmt: skip
    with connection.begin():
        yield


@contextmanager
def single_query(engine: Engine) -> Iterator[Connection]:
    """Open a connection for a single query, which sees one state of the database anyway.

    On PostgreSQL there is no transaction around the query, which saves two round trips.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql" and not connection.info["pipeline"].is_pooled:
            connection.execution_options(
                isolation_level="AUTOCOMMIT", incidents_limit_s=READ_LIMIT_S
            )
        with connection.begin():
            yield connection


@contextmanager
def plainly(engine: Engine) -> Iterator[None]:
    """Turn the errors of a database driver into one sentence.

    Raises:
        DatabaseError: with the cause, without the statement and its values.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        if getattr(said, "sqlstate", None) == _DENIED:
            raise DeniedError(detail=failures.driver_message(error)) from error
        raise DatabaseError(failures.explain(engine, error)) from error
    except UnicodeDecodeError as error:
        # SQLite's message about a damaged schema quotes it, and the driver cannot decode that.
        quoted = error.object.decode(errors="replace")
        raise DatabaseError(failures.damaged(display_address(engine), quoted)) from error
    except PoolTimeoutError as error:
        sentence = "all connections of this process to {where} are in use: try again"
        raise DatabaseError.coded(
            "connections_in_use", sentence, where=display_address(engine)
        ) from error


def _sqlite(url: URL, *, make: bool) -> Engine:
    assert url.database is not None
    file = Path(url.database).expanduser()
    # Compared first: a name may be too long to be asked for.
    if make and file.parent == data_folder() and not file.parent.exists():
        _make_private(file.parent)
    engine = create_engine(
        url.set(database=os.fspath(file)),
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )
    opened = OpenedFile(file.absolute())
    engine.update_execution_options(
        incidents_makes=make, **{LOCK_WAIT_S: BUSY_TIMEOUT_S}, incidents_opened=opened
    )
    # Also before the file is opened: it must be the same before and afterwards.
    event.listen(engine, "do_connect", lambda *_: opened.look())
    if not make:
        event.listen(engine, "do_connect", partial(_open_by_uri, file.absolute()))
    # The log is beside the real file, not beside a symbolic link.
    really = os.path.realpath(file)
    mark = HostMark(really)
    check = RevisionCheck(partial(display_address, engine))
    event.listen(engine, "connect", partial(_set_up_sqlite, opened, mark))
    event.listen(engine, "begin", partial(_begin_sqlite, really, opened, mark, check))
    event.listen(engine, "engine_disposed", lambda _: opened.forget())
    return engine


def check_same_file(engine: Engine) -> None:
    """Check that the open SQLite file is still the one at its path.

    Raises:
        ReplacedError: if it is a different file.
        UnseenError: if the file cannot be checked now.
    """
    opened: OpenedFile | None = engine.get_execution_options().get("incidents_opened")
    if opened is not None:
        opened.look()


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError.coded(
            "folder_not_made", f"cannot make the folder {{folder}} ({{why}}): {NAME_ANOTHER}",
            folder=folder, why=error.strerror,
        ) from error  # fmt: skip


def _open_by_uri(
    file: Path, _dialect: Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
) -> None:
    """Open the file by a URI, because SQLite would create a missing file given by a plain name."""
    arguments[0] = f"{file.as_uri()}?{sqlite_file.open_uri(file)}"
    options["uri"] = True


def _set_up_sqlite(
    opened: OpenedFile, mark: HostMark, connection: sqlite3.Connection, _record: object
) -> None:
    try:
        opened.look()
        # Before anything is read: closing a file that was read can delete the log.
        mark.beat()
    except DatabaseError:
        connection.close()
        raise
    # The driver would begin transactions of its own, late, and not before DDL.
    connection.isolation_level = None
    try:
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            mark.remove()
        raise
    connection.execute("PRAGMA foreign_keys=ON")
    # Erased data must not remain in a free page.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(
    file: str, opened: OpenedFile, mark: HostMark, check: RevisionCheck, connection: Connection
) -> None:
    mark.look()
    options = connection.get_execution_options()
    if not options.get("incidents_writes", False):
        opened.look()
        command(connection, "BEGIN")
        return
    own: Any = connection.connection.dbapi_connection
    own.execute("PRAGMA busy_timeout=0")
    try:
        if not sqlite_file.begin_write(own, file, wait_s=options[LOCK_WAIT_S]):
            # Once more, for the usual error.
            command(connection, "BEGIN IMMEDIATE")
        # The wait for the lock may have been long.
        opened.look()
        if not options.get("incidents_migrates", False):
            check.read_and_check(own)
    finally:
        own.execute(f"PRAGMA busy_timeout={round(BUSY_TIMEOUT_S * 1000)}")
