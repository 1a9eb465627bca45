"""The engine: how a database is reached, and how its transactions begin."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from incidents import missing_library
from incidents.errors import DatabaseError, DeniedError, InputError
from incidents.settings import data_folder
from incidents.store import medium, turn
from incidents.store.host_mark import HostMark
from incidents.store.round_trip import command

BUSY_TIMEOUT_S = 30.0
# A far-off time, turned into the server's own zone, could lie beyond year 9999. All else is about
# plans: what a statement is given never changes its best one, so it is made once, and what is
# asked for is looked up by its keys, however small the tables were when the plan was made.
_SESSION = """
    SET TIME ZONE 'UTC';
    SET plan_cache_mode = force_generic_plan;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET enable_seqscan = off;
    SET jit = off;
"""
# A server that is gone without a word is given up after a minute.
_LIVELINESS = {
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}  # fmt: skip
_NOT_THERE = re.compile(r'FATAL:\s+(?P<kind>database|role) "(?P<name>[^"]+)" does not exist')
_IDLE_S = 1.0
_DENIED = "42501"
# So psycopg begins what it says of a server that is not there or lets nobody in.
_UNHEARD = ("connection failed", "connection is bad", "connection timeout")
_MOST_CONNECTIONS = 15
# libpq's own, of a cluster: the library reads one host and one port there.
_SEVERAL = re.compile(
    r"(?P<begin>postgresql(?:\+\w+)?://(?:[^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<end>(?:[/?].*)?)"
)
_HOST = re.compile(r"(?P<name>\[.*\]|[^:]*)(?::(?P<port>.*))?")
NAME_ANOTHER = "name another one with --db or INCIDENTS_DB"
_FORMS = "write sqlite:////path/to/file or postgresql://user@host/name"


def create(url: str | None = None, *, make: bool = False) -> Engine:
    """An engine for `url`, by default for a SQLite file in the user's data folder.

    A file that is not there is made with `make` alone, and so is that folder, for the user alone;
    no other folder is ever made. No database is opened yet.

    Raises:
        InputError: for a URL that cannot be read or is of an unknown kind.
        DatabaseError: if the driver for PostgreSQL is not installed.
    """
    parsed = _parse(url or f"sqlite:///{data_folder() / 'incidents.db'}")
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _sqlite(parsed, make=make)
    if kind == "postgresql":
        return _postgresql(parsed)
    raise InputError(f"unknown kind of database: {kind!r} ({_FORMS})")


@contextmanager
def writing(engine: Engine, *, keep: bool = True) -> Iterator[Connection]:
    """A transaction that writes, or without `keep` only looks as if it did; on SQLite it takes the
    file's one write lock at its start.

    A deferred transaction that reads first and writes later can fail there, whatever the timeout.
    """
    with engine.connect() as connection:
        connection.execution_options(incidents_writes=True)
        with connection.begin() as transaction:
            yield connection
            if not keep and transaction.is_active:
                transaction.rollback()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads one state of the database, however many queries it takes."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


@contextmanager
def glancing(engine: Engine) -> Iterator[Connection]:
    """For one question alone, whose answer is one state of the database by itself.

    On PostgreSQL nothing begins and ends around it, each of which would be a round trip more.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        with connection.begin():
            yield connection


@contextmanager
def plainly(engine: Engine) -> Iterator[None]:
    """Turns what a database driver complains of into one sentence.

    Raises:
        DatabaseError: saying what is the matter, without the statement and its values.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        if getattr(said, "sqlstate", None) == _DENIED:
            raise DeniedError(detail=" ".join(_said(said).split())) from error
        raise DatabaseError(explain(engine, error)) from error
    except UnicodeDecodeError as error:
        # What SQLite says of a damaged schema quotes it, and the driver cannot read that.
        quoted = error.object.decode(errors="replace")
        raise DatabaseError(_damaged(place(engine), quoted)) from error
    except PoolTimeoutError as error:
        raise DatabaseError(
            f"all connections of this process to {place(engine)} are in use: try again"
        ) from error


def explain(engine: Engine, error: DBAPIError | sqlite3.Error) -> str:
    """What `error` means to the person who named the database."""
    where = place(engine)
    said = " ".join(_said(error.orig if isinstance(error, DBAPIError) else error).split())
    if engine.dialect.name != "sqlite":
        return f"the database {where} does not answer as it should: {said}{_way_in(said)}"
    if "locked" in said or "busy" in said:
        return (
            f"the database {where} was held by another process for {BUSY_TIMEOUT_S:.0f} seconds: "
            "try again"
        )
    if "unable to open" in said and _is_missing(engine):
        if Path(where).parent == data_folder():
            return f"there is no database {where}: incidents db upgrade makes it, or {NAME_ANOTHER}"
        return f"there is no database {where}: check the path; incidents db upgrade makes a new one"
    if "unable to open" in said:
        file = Path(where)
        return medium.obstacle(file) or f"cannot open the file {where}: {_why_not_opened(file)}"
    if "not a database" in said:
        return (
            f"{where} is not a SQLite database, or its beginning is damaged: {NAME_ANOTHER}, or put"
            " a backup back"
        )
    return _explain_disk(where, said) or f"the database {where} cannot be used: {said}"


def _way_in(said: str) -> str:
    """What to do where a connection was not made: a server that says why is there already."""
    if not said.startswith(_UNHEARD):
        return ""
    if (missing := _NOT_THERE.search(said)) is not None:
        makes = {"database": "createdb", "role": "createuser"}[missing["kind"]]
        return f"; check the name ({makes} {missing['name']} makes one), or {NAME_ANOTHER}"
    return f"; {NAME_ANOTHER}" if "FATAL:" in said else f"; start it, or {NAME_ANOTHER}"


def _why_not_opened(file: Path) -> str:
    # Path.exists would raise for what no file can be called.
    folder = os.fspath(file.parent)
    if os.path.isdir(file):  # noqa: PTH112
        return f"it is a folder; {NAME_ANOTHER}"
    if os.path.exists(file) and not os.access(file, os.R_OK):  # noqa: PTH110
        return f"you may not read it; {NAME_ANOTHER}"
    if not file.is_absolute() and not os.path.exists(folder):  # noqa: PTH110
        return f"there is no folder {folder} here; for the file /{file} write sqlite:////{file}"
    return f"its folder must exist and be writable, or {NAME_ANOTHER}"


def _is_missing(engine: Engine) -> bool:
    """Whether it could be made and is not there, for who may not make it."""
    if engine.get_execution_options()["incidents_makes"]:
        return False
    file = Path(place(engine))
    # What no file can be called is not there; Path.exists would raise.
    return not os.path.exists(file) and (  # noqa: PTH110
        file.parent == data_folder() or file.parent.exists()
    )


def _explain_disk(where: str, said: str) -> str | None:
    if "is full" in said:
        return (
            f"the disk under {where} is full: make room, then do it again, with the same --key if "
            "it had one"
        )
    if "disk I/O error" in said:
        return (
            f"the disk under {where} fails (disk I/O error): look at the disk first; the same "
            "command with the same --key is safe to repeat"
        )
    if "malformed" in said:
        return _damaged(where, said)
    if "readonly" in said:
        return medium.obstacle(Path(where)) or (
            f"the file {where} cannot be written: look at its permissions and its disk"
        )
    return None


def _damaged(where: str, said: str) -> str:
    return (
        f"the database {where} is damaged ({said}): incidents db check names what is wrong; put a"
        " backup back"
    )


def _said(error: BaseException | None) -> str:
    """The driver's sentence; a server's details are left out, since they hold the row's values."""
    diagnosis = getattr(error, "diag", None)
    return getattr(diagnosis, "message_primary", None) or str(error)


def place(engine: Engine) -> str:
    """The database as people know it, without its password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    shown = engine.url.set(drivername="postgresql").render_as_string(hide_password=True)
    # As several hosts are typed.
    return shown.replace("%2C", ",")


def _parse(url: str) -> URL:
    # Another spelling of the same, by those who have taken it from elsewhere.
    if url.startswith("postgres://"):
        url = url.replace("postgres://", "postgresql://", 1)
    several = _SEVERAL.fullmatch(url)
    try:
        if several is None:
            return make_url(url)
        return _of_several(make_url(several["begin"] + several["end"]), several["hosts"].split(","))
    except (ArgumentError, ValueError) as error:
        shown = url if "@" not in url else "…@" + url.rpartition("@")[2]
        raise InputError(f"not the URL of a database: {shown!r} ({_FORMS})") from error


def _of_several(url: URL, hosts: list[str]) -> URL:
    """With those hosts, each with its port or without, as both the library and libpq read them."""
    found = [host for host in map(_HOST.fullmatch, hosts) if host is not None]
    if len(found) < len(hosts):
        raise ArgumentError("a host that cannot be read")
    names = ",".join(host["name"].strip("[]") for host in found)
    ports = ",".join(host["port"] or "" for host in found)
    named = {"host": names, "port": ports} if ports.strip(",") else {"host": names}
    return url.update_query_dict(named)


def _sqlite(url: URL, *, make: bool) -> Engine:
    named = url.database not in (None, "", ":memory:") and "\0" not in str(url.database)
    if not named or url.query or url.host:
        raise InputError(f"not a SQLite file: {url.render_as_string()!r} ({_FORMS})")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise InputError(f"unknown driver for SQLite: {url.drivername!r} ({_FORMS})")
    assert url.database is not None
    file = Path(url.database).expanduser()
    # Compared first: a name may be too long to be asked for.
    if make and file.parent == data_folder() and not file.parent.exists():
        _make_private(file.parent)
    engine = create_engine(
        url.set(database=os.fspath(file)),
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )
    engine.update_execution_options(incidents_makes=make)
    if not make:
        event.listen(engine, "do_connect", partial(_name_what_is_there, file.absolute()))
    # Where the file really lies, its log lies beside it.
    really = os.path.realpath(file)
    mark = HostMark(really)
    event.listen(engine, "connect", partial(_set_up_sqlite, mark))
    event.listen(engine, "begin", partial(_begin_sqlite, really, mark))
    return engine


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"the folder {folder} cannot be made ({error.strerror}): {NAME_ANOTHER}"
        ) from error


def _name_what_is_there(
    file: Path, _dialect: Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
) -> None:
    """By its plain name SQLite would make a file that is not there, as soon as it is looked at."""
    arguments[0] = f"{file.as_uri()}?{medium.way_to_open(file)}"
    options["uri"] = True


def _set_up_sqlite(mark: HostMark, connection: sqlite3.Connection, _record: object) -> None:
    try:
        # Before anything is read: to close a file that was read can take the log away.
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
    # What somebody demands to be erased must not be left lying in a free page.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(file: str, mark: HostMark, connection: Connection) -> None:
    mark.look()
    if not connection.get_execution_options().get("incidents_writes", False):
        command(connection, "BEGIN")
        return
    own: Any = connection.connection.dbapi_connection
    own.execute("PRAGMA busy_timeout=0")
    try:
        if not turn.begin(own, file, wait_s=BUSY_TIMEOUT_S):
            # Once more, for what is the matter to be said as it always is.
            command(connection, "BEGIN IMMEDIATE")
    finally:
        own.execute(f"PRAGMA busy_timeout={round(BUSY_TIMEOUT_S * 1000)}")


def _postgresql(url: URL) -> Engine:
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise InputError(f"unknown driver for PostgreSQL: {url.drivername!r} ({_FORMS})")
    try:
        engine: Engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            # All are kept: one more than a pool holds would be set up anew for each transaction.
            pool_size=_MOST_CONNECTIONS,
            max_overflow=0,
            connect_args={k: v for k, v in _LIVELINESS.items() if k not in url.query},
        )
    except ModuleNotFoundError as error:
        raise DatabaseError(
            f"PostgreSQL needs its driver: {missing_library.way_out('postgresql')}"
        ) from error
    event.listen(engine, "connect", _set_up_postgresql)
    event.listen(engine, "checkin", _note_since_when_idle)
    event.listen(engine, "checkout", partial(_ping_if_idle, engine.dialect))
    return engine


def _set_up_postgresql(connection: Any, _record: object) -> None:
    autocommit = connection.autocommit
    connection.autocommit = True
    connection.execute(_SESSION)
    # A rollback drops what psycopg has prepared together with what `pipeline` has.
    connection.prepare_threshold = None
    connection.autocommit = autocommit


def _note_since_when_idle(_connection: Any, record: Any) -> None:
    record.info["idle_since"] = time.monotonic()


def _ping_if_idle(dialect: Dialect, connection: Any, record: Any, _proxy: object) -> None:
    """A server that went away and came back is found out before a transaction begins.

    It seldom does within a second, and asking it each time would cost a round trip.

    Raises:
        DisconnectionError: telling the pool to try another connection.
    """
    idle_since = record.info.get("idle_since")
    if idle_since is None or time.monotonic() - idle_since < _IDLE_S:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError("the server has gone away") from error
