"""The file of a part: written from the database, and compared with it row by row.

Anyone can open it with sqlite3. Times are microseconds since 1970.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, select, tuple_, type_coerce
from sqlalchemy.types import NullType

from incidents.store.archive.part import VERSION
from incidents.store.batches import Row, batches
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves, orders, tiles
from incidents.store.schema.types import microseconds
from incidents.system import disk
from incidents.tlog.tree import WIDTH

_PIECE = 2**20
# "Inci" in ASCII, by which `file` can tell the kind.
_APPLICATION = 0x496E6369
_SCHEMA = f"""
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {VERSION};
    CREATE TABLE part (
        version INTEGER NOT NULL, first_leaf INTEGER NOT NULL, end_leaf INTEGER NOT NULL,
        last_id INTEGER NOT NULL
    );
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY, site_id INTEGER NOT NULL, site_seq INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL, body TEXT NOT NULL, leaf_hash BLOB NOT NULL
    );
    CREATE TABLE leaves (leaf_index INTEGER PRIMARY KEY, entry_id INTEGER NOT NULL);
    CREATE TABLE tiles (
        level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, n)
    );
    CREATE TABLE orders (
        site_id INTEGER NOT NULL, site_seq INTEGER NOT NULL, n INTEGER NOT NULL,
        kind TEXT NOT NULL, data TEXT NOT NULL, created_at INTEGER NOT NULL,
        PRIMARY KEY (site_id, site_seq, n)
    ) WITHOUT ROWID;
"""
_INDEXES = """
    CREATE UNIQUE INDEX uq_entries_site_id_site_seq ON entries (site_id, site_seq);
    CREATE INDEX ix_entries_recorded_at ON entries (recorded_at);
    CREATE UNIQUE INDEX uq_leaves_entry_id ON leaves (entry_id);
"""


class Bounds(NamedTuple):
    """What goes into a part: the leaves `first` to before `end`, all ids up to `last_id`."""

    first: int
    end: int
    last_id: int

    def file(self, digest: str) -> str:
        """The name of a part's file with that SHA-256 (hexadecimal).

        A file that another history needs, of a backup or a lost database, is never replaced.
        """
        return f"part-{self.first:012}-{self.end:012}-{digest[:8]}.db"


def conditions(bounds: Bounds) -> dict[Table, ColumnElement[bool]]:
    """The rows that belong to a part, by their table; orders first, which are found by entries."""
    own = select(entries.c.site_id, entries.c.site_seq).where(entries.c.id <= bounds.last_id)
    low, high = bounds.first // WIDTH, bounds.end // WIDTH
    return {
        orders: tuple_(orders.c.site_id, orders.c.site_seq).in_(own),
        tiles: (tiles.c.level == 0) & tiles.c.n.between(low, high - 1),
        leaves: leaves.c.leaf_index.between(bounds.first, bounds.end - 1),
        entries: entries.c.id <= bounds.last_id,
    }


def selections(bounds: Bounds) -> Iterator[tuple[Table, Select[*tuple[Any, ...]]]]:
    """The rows that belong to a part, in the order of their keys, in the driver's format."""
    for table, where in conditions(bounds).items():
        columns = (type_coerce(column, NullType()) for column in table.c)
        yield table, select(*columns).where(where).order_by(*table.primary_key.columns)


def write(connection: Connection, file: Path, bounds: Bounds) -> None:
    """Write the rows of the database into a new file, and have it on the disk.

    A file of that name, which a killed run has left, is replaced. Raises OSError and sqlite3.Error.
    """
    file.unlink(missing_ok=True)
    # Made private from the start; SQLite takes an empty file.
    disk.create_private(file, disk.owner_beside(file)).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = OFF")
        raw.execute("PRAGMA synchronous = OFF")
        raw.executescript(_SCHEMA)
        raw.execute("BEGIN")
        raw.execute("INSERT INTO part VALUES (?, ?, ?, ?)", (VERSION, *bounds))
        for table, wanted in selections(bounds):
            marks = ", ".join("?" * len(table.c))
            for rows in batches(connection, wanted):
                into = f"INSERT INTO {table.name} VALUES ({marks})"  # noqa: S608 - names of ours
                raw.executemany(into, map(_plain, rows))
        raw.execute("COMMIT")
        raw.executescript(_INDEXES)
    disk.fsync_path(file)


def differs(connection: Connection, file: Path, bounds: Bounds) -> str | None:
    """The table whose rows in the file are not those of the database; None if all are the same."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as raw:
        if raw.execute("SELECT * FROM part").fetchall() != [(VERSION, *bounds)]:
            return "part"
        for table, wanted in selections(bounds):
            keys = ", ".join(column.name for column in table.primary_key.columns)
            own = raw.execute(f"SELECT * FROM {table.name} ORDER BY {keys}")  # noqa: S608 - names of ours
            there = map(_plain, chain.from_iterable(batches(connection, wanted)))
            if any(row != right for row, right in zip_longest(own, there)):
                return table.name
    return None


def digest_of(file: Path) -> tuple[str, int]:
    """The SHA-256 of the file in hexadecimal, and its size in bytes."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def give_name(unfinished: Path, file: Path) -> None:
    """Give the written file its name, for good."""
    unfinished.replace(file)
    disk.fsync_path(file.parent)


def _plain(row: Row) -> Row:
    """A row as SQLite keeps it."""
    return tuple([microseconds(value) if isinstance(value, datetime) else value for value in row])
