"""Copies of sites: many sites with all that belongs to them, made by SQL from a few real ones.

A million entries written one decision after the other would take longer than what is measured.
So the desk writes some thousands, and each table is filled up from itself, with other site ids
and names, also inside the entries and orders, and with sealed notes of their own: a replay of the
copies holds.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bench.databases import POSTGRESQL, SQLITE, connect, kind_of
from incidents.record.sealing import commitment
from incidents.tlog.tree import leaf_hash

OF_QUEUE = ("incidents", "incident_urls", "contacts", "suspensions", "tasks", "work")
OF_RECORD = (*OF_QUEUE, "entries", "orders", "deliveries", "sealed")

# Each copy's clocks end a hair later, so that due times differ as real ones do.
_LATER = ("next_due", "contact_due", "due", "sort_due")


def multiply(url: str, times: int, tables: tuple[str, ...], *, spread: bool = False) -> None:
    """Makes `times` copies of each site; only `tables` are filled.

    With `spread` the clocks of a copy end some microseconds later, for which no entry vouches.
    """
    kind = kind_of(url)
    with closing(connect(url)) as connection:
        connection.execute("BEGIN")
        if kind == SQLITE:
            connection.execute("PRAGMA defer_foreign_keys=ON")
            connection.create_function("leaf_hash", 1, lambda body: leaf_hash(body.encode()))
            connection.create_function("copied_salt", 2, _copied_salt)
            connection.create_function("commitment", 2, commitment)
        offset = connection.execute("SELECT max(id) FROM sites").fetchone()[0]
        for table in ("sites", *tables):
            copy = _Copy(kind, table, offset, times, spread, resealed="sealed" in tables)
            connection.execute(copy.statement(connection))
        if kind == POSTGRESQL:
            connection.execute(
                "SELECT setval(pg_get_serial_sequence('sites', 'id'), max(id)) FROM sites"
            )
        connection.execute("COMMIT")
        # What a live server's autovacuum does; a live SQLite file is not analyzed by the program.
        if kind == POSTGRESQL:
            connection.execute("VACUUM (ANALYZE)")


@dataclass(frozen=True, slots=True)
class _Copy:
    """How one table is filled up from itself; `offset` lies between a site's id and its copy's."""

    kind: str
    table: str
    offset: int
    times: int
    spread: bool
    resealed: bool

    def statement(self, connection: Any) -> str:
        found = connection.execute(f"SELECT * FROM {self.table} LIMIT 0")
        names = [column[0] for column in found.description]
        if self.table == "entries":
            names.remove("id")
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(self._value(name) for name in names)
        site = "s.id" if self.table == "sites" else "s.site_id"
        joined = "" if self.table == "sites" else "JOIN sites AS o ON o.id = s.site_id "
        if refers := self._refers():
            joined += f"LEFT JOIN sealed AS w ON w.site_id = o.id AND {refers} "
        order = "s.id" if self.table in ("sites", "entries") else site
        return (
            f"INSERT INTO {self.table} ({columns}) {self._numbers()} SELECT {values} "
            f"FROM n CROSS JOIN {self.table} AS s {joined}"
            f"WHERE {site} BETWEEN 1 AND {self.offset} ORDER BY n.k, {order}"
        )

    def _numbers(self) -> str:
        if self.kind == POSTGRESQL:
            return f"WITH n(k) AS (SELECT generate_series(1, {self.times}))"
        return (
            "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n "
            f"WHERE k < {self.times})"
        )

    def _value(self, name: str) -> str:
        own = f's."{name}"'
        if (self.table, name) == ("sites", "id") or name == "site_id":
            return f"{own} + n.k * {self.offset}"
        if (self.table, name) == ("sites", "name"):
            return _copied_name("s")
        if name == "leaf_hash":
            return self._leaf_hash(self._referring(self._renamed('s."body"')))
        if (self.table, name) == ("entries", "body"):
            return self._referring(self._renamed(own))
        if (self.table, name) == ("incidents", "note"):
            return self._referring(own)
        if (self.table, name) == ("orders", "data"):
            return self._renamed(own)
        if self.table == "sealed" and name in ("salt", "ref"):
            return self._salt("s") if name == "salt" else self._ref("s")
        if self.spread and name in _LATER:
            later = "n.k" if self.kind == SQLITE else "n.k * interval '1 microsecond'"
            return f"{own} + {later}"
        return own

    def _refers(self) -> str | None:
        """When a row refers to the sealed note `w`; here to one at most."""
        if not self.resealed:
            return None
        found_in = "instr" if self.kind == SQLITE else "strpos"
        return {
            "entries": f"{found_in}(s.body, w.ref) > 0", "incidents": "w.ref = s.note"
        }.get(self.table)  # fmt: skip

    def _referring(self, text: str) -> str:
        """The text with the copy's own sealed note in it."""
        if not self.resealed:
            return text
        own = f"replace({text}, w.ref, {self._ref('w')})"
        return f"CASE WHEN w.ref IS NULL THEN {text} ELSE {own} END"

    def _salt(self, sealed: str) -> str:
        if self.kind == SQLITE:
            return f"copied_salt({sealed}.salt, n.k)"
        return f"sha256({sealed}.salt || convert_to(n.k::text, 'UTF8'))"

    def _ref(self, sealed: str) -> str:
        """See `incidents.record.sealing`; PostgreSQL makes it itself."""
        if self.kind == SQLITE:
            return f"commitment({self._salt(sealed)}, {sealed}.value)"
        of = f"{self._salt(sealed)} || convert_to({sealed}.value, 'UTF8')"
        return f"'sha256:' || encode(sha256({of}), 'hex')"

    def _leaf_hash(self, body: str) -> str:
        """RFC 6962, section 2.1; PostgreSQL makes it itself."""
        if self.kind == SQLITE:
            return f"leaf_hash({body})"
        return f"sha256(decode('00', 'hex') || convert_to({body}, 'UTF8'))"

    def _renamed(self, text: str) -> str:
        """The text with the copy's id and name in it, wherever the original's stood."""
        old, new = "o.id", f"(o.id + n.k * {self.offset})"
        for was, now in (
            (f"'\"' || {old} || '-'", f"'\"' || {new} || '-'"),
            (f"'\"site_id\":\"' || {old} || '\"'", f"'\"site_id\":\"' || {new} || '\"'"),
            ("'\"site\":\"' || o.name || '\"'", f"'\"site\":\"' || {_copied_name('o')} || '\"'"),
        ):
            text = f"replace({text}, {was}, {now})"
        return text


def _copied_salt(salt: bytes, copy: int) -> bytes:
    return hashlib.sha256(salt + str(copy).encode()).digest()


def _copied_name(site: str) -> str:
    return f"'copy-' || n.k || '.' || {site}.name"
