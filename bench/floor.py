"""The floor: one logging as raw SQL through the bare driver, one statement after the other.

It writes the very rows that the desk writes: one logging of the desk is taken as the pattern, and
each of its rows becomes an INSERT, in a table with the same indexes, with an entry of the same
size. It decides nothing: what it writes is made up beforehand, but for numbers and times.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.databases import SQLITE, connect, kind_of
from bench.register import add_sites, desk_of, logging, site_name, taken

_SAMPLE = 0
"""The site whose one logging is the pattern; nothing else is measured on it."""

# Columns that differ from one logging to the next; all others are as in the pattern.
_SITE, _SEQ, _NUMBER = "site_id", "site_seq", "incident"
_NOW = ("occurred_at", "recorded_at", "created_at", "last_entry_at", "sealed_at")
_DUE = ("contact_due", "due", "sort_due", "next_due")
_HOUR = timedelta(hours=1)
_DAY = timedelta(hours=24)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TABLES = (
    "incidents", "incident_urls", "contacts", "evidence", "suspensions", "tasks", "claims", "work",
    "entries", "orders", "keys", "sealed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One INSERT of the pattern: its table, its columns and what the desk wrote in them."""

    table: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the desk writes for one logging: rows, and the columns of the site that change."""

    rows: tuple[Row, ...]
    site: dict[str, Any]


def pattern(url: str, *, bare: bool) -> Pattern:
    """Lets the desk log once in the database at `url`, and sees what it writes."""
    with desk_of(url) as desk, closing(connect(url)) as connection:
        add_sites(desk, [_SAMPLE])
        before = {table: _count(connection, table) for table in _TABLES}
        site_before = _site(connection)
        taken(desk, [logging(_SAMPLE, 1, bare=bare)])
        new = [t for t in _TABLES if _count(connection, t) > before[t]]
        site = {k: v for k, v in _site(connection).items() if v != site_before[k]}
        rows = tuple(row for table in new for row in _rows(connection, table))
    return Pattern(rows=rows, site=site)


class Floor:
    """Logs one incident after the other; one client's connection."""

    def __init__(self, url: str, pattern: Pattern) -> None:
        self._sqlite = kind_of(url) == SQLITE
        self._connection = connect(url)
        mark = "?" if self._sqlite else "%s"
        self._rows = [(row.table, _insert(row, mark), row.values) for row in pattern.rows]
        self._begin = "BEGIN IMMEDIATE" if self._sqlite else "BEGIN"
        lock = "" if self._sqlite else " FOR UPDATE"
        self._lock = f"SELECT id, seq, epoch, last_incident FROM sites WHERE name = {mark}{lock}"
        self._window = (
            f"SELECT count(*) FROM incidents WHERE site_id = {mark} AND epoch = {mark} "
            f"AND state NOT IN ('voided', 'moot') AND occurred_at >= {mark}"
        )
        self._changes = pattern.site
        sets = ", ".join(f"{name} = {mark}" for name in pattern.site)
        self._update = f"UPDATE sites SET {sets} WHERE id = {mark}"

    @property
    def statements(self) -> list[str]:
        """What is executed for one logging, in this order."""
        inserts = [statement for _, statement, _ in self._rows]
        return [self._begin, self._lock, self._window, *inserts, self._update, "COMMIT"]

    def log(self, site: int) -> None:
        """One logging on the site of that number."""
        execute = self._connection.execute
        now = datetime.now(UTC)
        execute(self._begin)
        found = execute(self._lock, (site_name(site),)).fetchone()
        site_id, seq, epoch, last = found
        execute(self._window, (site_id, epoch, self._time(now - _DAY))).fetchone()
        known = self._known(site_id, seq + 1, last + 1, now)
        for table, statement, values in self._rows:
            execute(statement, self._values(table, values, known))
        changed = {**self._changes, **_of(self._changes, known)}
        execute(self._update, (*changed.values(), site_id))
        execute("COMMIT")

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()

    def _known(self, site_id: int, seq: int, number: int, now: datetime) -> dict[str, Any]:
        at, due = self._time(now), self._time(now + _HOUR)
        return {
            _SITE: site_id, _SEQ: seq, _NUMBER: number, "seq": seq, "last_incident": number,
            "ref": f"sha256:{os.urandom(32).hex()}",
            **dict.fromkeys(_NOW, at), **dict.fromkeys(_DUE, due),
        }  # fmt: skip

    def _values(self, table: str, values: dict[str, Any], known: dict[str, Any]) -> list[Any]:
        special = {"n": known[_NUMBER]} if table == "incidents" else {}
        if table == "work":
            special = {"item": str(known[_NUMBER])}
        return list({**values, **_of(values, known), **special}.values())

    def _time(self, moment: datetime) -> Any:
        return (moment - _EPOCH) // timedelta(microseconds=1) if self._sqlite else moment


def _of(values: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {name: known[name] for name in values if name in known}


def _insert(row: Row, mark: str) -> str:
    names, marks = (
        ", ".join(f'"{name}"' for name in row.values),
        ", ".join([mark] * len(row.values)),
    )
    return f"INSERT INTO {row.table} ({names}) VALUES ({marks})"


def _count(connection: Any, table: str) -> int:
    counted: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return counted


def _rows(connection: Any, table: str) -> Iterator[Row]:
    """The rows of the pattern in a table: all but the one that took the site into the register."""
    found = connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in found.description]
    for values in found.fetchall():
        row = dict(zip(names, values, strict=True))
        if table == "entries" and '"site_added"' in row["body"]:
            continue
        # The database counts entries up by itself.
        if table == "entries":
            del row["id"]
        yield Row(table, row)


def _site(connection: Any) -> dict[str, Any]:
    found = connection.execute("SELECT * FROM sites")
    names = [column[0] for column in found.description]
    return dict(zip(names, found.fetchone(), strict=True))
