"""The databases of a run: SQLite files on a real disk, databases on a durable PostgreSQL."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql

from bench.server import Server
from incidents.store.database.schema import upgrade

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Databases(Protocol):
    """Makes databases of one kind."""

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def new(self, *, schema: bool = True) -> AbstractContextManager[str]:
        """Yields the URL of a database, with the desk's schema or empty; gone at the end."""
        ...

    def copy(self, url: str) -> AbstractContextManager[str]:
        """Yields the URL of a copy, on the disk already; nobody may be connected to `url`."""
        ...


class SqliteFiles:
    """Files in one folder, with a write-ahead log as the desk makes them."""

    kind = SQLITE

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    @contextmanager
    def new(self, *, schema: bool = True) -> Iterator[str]:
        """See `Databases`."""
        with self._file() as file:
            url = f"sqlite:///{file}"
            if schema:
                upgrade(url)
            yield url

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        """See `Databases`."""
        source = sqlite_file(url)
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self._file() as file:
            shutil.copyfile(source, file)
            os.sync()
            yield f"sqlite:///{file}"

    @contextmanager
    def _file(self) -> Iterator[Path]:
        file = self._folder / f"bench-{next(self._numbers)}.db"
        try:
            yield file
        finally:
            for path in self._folder.glob(f"{file.name}*"):
                path.unlink()


class PostgresqlDatabases:
    """Databases on one server."""

    kind = POSTGRESQL

    def __init__(self, server: Server) -> None:
        self.server = server
        self._numbers = count(1)

    @contextmanager
    def new(self, *, schema: bool = True) -> Iterator[str]:
        """See `Databases`."""
        with self._database("template1") as url:
            if schema:
                # Some scenarios move a clock of their own.
                upgrade(url, rehearsal=True)
            yield url

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        """See `Databases`."""
        with self._database(psycopg.conninfo.conninfo_to_dict(url)["dbname"]) as copied:
            # Else the server would write the copy out while something is measured.
            self._administer("CHECKPOINT")
            os.sync()
            yield copied

    @contextmanager
    def _database(self, template: Any) -> Iterator[str]:
        name = f"bench_{next(self._numbers)}"
        self._administer("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.server.url(name)
        finally:
            self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _administer(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            text: Any = statement
            connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def sqlite_file(url: str) -> Path:
    """The file of a SQLite URL."""
    return Path(url.removeprefix("sqlite:///"))


def kind_of(url: str) -> str:
    """The kind of database that a URL names."""
    return SQLITE if url.startswith("sqlite:") else POSTGRESQL


def connect(url: str) -> Any:
    """A bare driver's connection that begins no transaction by itself, durable as ours are."""
    if kind_of(url) == POSTGRESQL:
        return psycopg.connect(url, autocommit=True)
    connection = sqlite3.connect(sqlite_file(url), timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection
