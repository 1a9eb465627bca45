"""The meter: what a PostgreSQL server has done between two moments, by its own statistics."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

# Without maintenance that comes by chance: the figures are the costs of the acts themselves.
SETTINGS = """
shared_preload_libraries = 'pg_stat_statements'
autovacuum = off
checkpoint_timeout = 1h
max_wal_size = 8GB
"""

_STATEMENTS = """
    SELECT /* meter */ query, calls, rows, total_exec_time * 1000, wal_bytes
    FROM pg_stat_statements JOIN pg_database ON oid = dbid AND datname = current_database()
    WHERE query NOT LIKE '%/* meter */%' ORDER BY total_exec_time DESC
"""
_TABLES = """
    SELECT /* meter */ relname, n_tup_ins, n_tup_upd, n_tup_del,
        (SELECT count(*) FROM pg_index WHERE indrelid = relid)
    FROM pg_stat_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relname
"""
_OTHERS = """
    SELECT /* meter */ count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Statement:
    """How often a statement was executed, its rows, the server's time for it, and its WAL."""

    text: str
    calls: float
    rows: float
    took_us: float
    wal_bytes: float

    def each(self, times: int) -> Statement:
        """Of one act, where they were done so often."""
        own = (self.calls, self.rows, self.took_us, self.wal_bytes)
        calls, rows, took_us, wal_bytes = (figure / times for figure in own)
        return Statement(self.text, calls, rows, took_us, wal_bytes)


@dataclass(frozen=True, slots=True)
class Table:
    """How many rows of a table were inserted, updated and deleted, and its indexes."""

    inserted: float
    updated: float
    deleted: float
    indexes: int

    def each(self, times: int) -> Table:
        """Of one act, where they were done so often."""
        own = (self.inserted, self.updated, self.deleted)
        inserted, updated, deleted = (rows / times for rows in own)
        return Table(inserted, updated, deleted, self.indexes)


class Meter:
    """Reads the statistics of one database, on a connection of its own."""

    def __init__(self, url: str, pid: int) -> None:
        self._pid = pid
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self._wal, self._processor_s = "0/0", 0.0
        self.server_s = self.wal_bytes = 0.0
        self.statements: list[Statement] = []

    def begin_rows(self) -> None:
        """Rows are counted from here."""
        self._until_alone()
        self._connection.execute("VACUUM (ANALYZE)")
        self._connection.execute("SELECT /* meter */ pg_stat_reset()")

    def begin(self) -> None:
        """Everything else is counted from here."""
        self._connection.execute("SELECT /* meter */ pg_stat_statements_reset()")
        self._wal = self._one("SELECT /* meter */ pg_current_wal_insert_lsn()::text")
        self._processor_s = processor_s(self._pid)

    def end(self) -> None:
        """Until here."""
        self.server_s = processor_s(self._pid) - self._processor_s
        of = f"SELECT /* meter */ pg_current_wal_insert_lsn() - '{self._wal}'::pg_lsn"
        self.wal_bytes = float(self._one(of))
        found = self._connection.execute(_STATEMENTS).fetchall()
        self.statements = [Statement(text, *map(float, figures)) for text, *figures in found]

    def rows(self) -> dict[str, Table]:
        """The rows since their begin, once all others have hung up."""
        self._until_alone()
        found = self._connection.execute(_TABLES).fetchall()
        return {
            name: Table(float(inserted), float(updated), float(deleted), indexes)
            for name, inserted, updated, deleted, indexes in found
        }

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()

    def _until_alone(self) -> None:
        # A process of the server tells its rows at the latest when it ends.
        until = time.monotonic() + _PATIENCE_S
        while self._one(_OTHERS) and time.monotonic() < until:
            time.sleep(0.05)

    def _one(self, query: str) -> Any:
        found = self._connection.execute(query.encode()).fetchone()
        assert found is not None
        return found[0]


def processor_s(pid: int) -> float:
    """Processor seconds of a server so far: of its first process, of all others, of those ended."""
    ended = sum(map(int, _fields(pid)[13:15])) / os.sysconf("SC_CLK_TCK")
    return ended + sum(_own_s(each) for each in (pid, *_children(pid)))


def _own_s(pid: int) -> float:
    with suppress(OSError):
        # In nanoseconds, where `stat` counts hundredths of a second.
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return 0.0


def _children(pid: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(_fields(int(folder.name))[1]) == pid:
                yield int(folder.name)


def _fields(pid: int) -> list[str]:
    """What a process is, behind its name (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
