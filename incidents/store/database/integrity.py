"""Integrity: whether the stored data is undamaged, by the database's own checks.

The checks find damage to pages, indexes and references, for example by a disk or a faulty copy.
Whether the record is true and unchanged is checked by `audit verify` and `audit replay`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause, DatabaseError, DeniedError
from incidents.store.archive import parts
from incidents.store.archive.part import PartAlteredError, PartMissingError
from incidents.store.database import schema
from incidents.store.database.address import display_address
from incidents.store.database.engine import plainly, reading
from incidents.store.schema.catalogue import every_table

_SQLITE_HEADER = b"SQLite format 3\0"
_TREE = re.compile(r"(?:On tree page|Tree) (?P<root>\d+)\b")
_INDEX = re.compile(r"(?:missing from|entries in|entry in) index (?P<index>\w+)$")
_TABLE = re.compile(r"(?:value|failed) in (?P<table>\w+)\b")
_FILE = Cause.of("damage_file", "the file")
_KINDS = {"table": "table {name}", "index": "index {name}"}


def _of_kind(kind: str, name: str) -> Cause:
    return Cause.of(f"damage_{kind}", _KINDS[kind], name=name)


MOST = 100
"""The maximum number of faults to list; the search ends there."""

# PostgreSQL's classes of errors for corrupted data and for internal errors.
_CORRUPTED = "XX"
# The second: the first page is not a database's.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Damage at `where`: a table, index, file or server; `problem` may be the database's text."""

    where: str
    problem: str

    @property
    def cause(self) -> Cause:
        """Where and what, for people."""
        return Cause.of("damage_at", "{where}: {problem}", where=self.where, problem=self.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The damage found, and the checks that could not be made, with reasons.

    `parts`: the archive parts that are missing or altered, which a backup of the database does not
    bring back. `is_other`: the file does not begin like a SQLite file and may never have been the
    database.
    """

    damage: list[Damage] = field(default_factory=list)
    parts: list[Damage] = field(default_factory=list)
    not_checked: list[Cause] = field(default_factory=list)
    is_other: bool = False


def is_damage(error: BaseException | None) -> bool:
    """Whether a driver's error means that stored data is damaged."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, UnicodeDecodeError):
        return True
    if isinstance(driver, sqlite3.Error):
        return getattr(driver, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
    return str(getattr(driver, "sqlstate", None)).startswith(_CORRUPTED)


def check(engine: Engine, *, with_parts: bool = True) -> Integrity:
    """Check all stored data without changing it; this takes seconds for each GB.

    Unless `with_parts`, the archive is not read.

    A file that is empty, or not a database, counts as damaged, because it was something else
    before.

    Raises:
        DatabaseError: if the database is missing, has another schema, or does not answer.
    """
    beginning = _first_bytes(engine)
    if beginning == b"":
        empty = Damage(where=_FILE, problem=Cause.of("damage_empty", "it is empty"))
        return Integrity(damage=[empty], is_other=True)
    try:
        schema.check(engine)
    except DatabaseError as error:
        if not is_damage(error.__cause__):
            raise
    found = Integrity(is_other=beginning not in (None, _SQLITE_HEADER))
    if engine.dialect.name == "sqlite":
        found.damage.extend(_of_file(engine))
    else:
        check_server(engine, found)
    if not with_parts:
        return found
    try:
        found.parts.extend(_of_parts(engine))
    except DeniedError:
        found.not_checked.append(
            Cause.of("unchecked_parts", "archive parts: this role may not read which there are")
        )
    except DatabaseError:
        # A damaged database may not tell its parts.
        if not found.damage:
            raise
    return found


def _of_parts(engine: Engine) -> Iterator[Damage]:
    """The archive parts that are not there, or not the files that were made."""
    with plainly(engine), reading(engine) as connection:
        archive = parts.archive_of(connection)
        for part in parts.listed(connection):
            try:
                with archive.opened(part):
                    pass
            except (PartMissingError, PartAlteredError) as error:
                code = {PartMissingError: "part_missing", PartAlteredError: "part_altered"}
                yield Damage(
                    where=Cause.of("damage_part", "archive part {file}", file=part.file),
                    problem=Cause.formatted(code[type(error)], error.message, error.facts),
                )


def _first_bytes(engine: Engine) -> bytes | None:
    """The first bytes of the file; None if they cannot be read, or for a database on a server."""
    if engine.dialect.name != "sqlite":
        return None
    try:
        with Path(display_address(engine)).open("rb") as file:
            return file.read(len(_SQLITE_HEADER))
    except (OSError, ValueError):
        return None


def _of_file(engine: Engine) -> list[Damage]:
    found: list[Damage] = []
    with plainly(engine):
        for part in (_pages, _references):
            try:
                with reading(engine) as connection:
                    found.extend(part(connection))
            except (DBAPIError, sqlite3.Error, UnicodeDecodeError) as error:
                if not is_damage(error):
                    raise
                found.append(Damage(where=_FILE, problem=_said(error)))
    return list(dict.fromkeys(found))


def _pages(connection: Connection) -> Iterator[Damage]:
    roots = _roots(connection)
    for said in connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars():
        for line in said.splitlines():
            if line != "ok" and not line.startswith("*** in database"):
                yield Damage(where=_place(line, roots), problem=line)


def _roots(connection: Connection) -> dict[int, Cause]:
    """The tables and indexes, by their first page."""
    asked = "SELECT rootpage, type, name FROM sqlite_schema WHERE type IN ('table', 'index')"
    try:
        found = connection.exec_driver_sql(asked)
        return {root: _of_kind(kind, name) for root, kind, name in found}
    except DBAPIError as error:
        if is_damage(error):
            return {}
        raise


def _place(line: str, roots: dict[int, Cause]) -> Cause:
    if found := _TREE.search(line):
        return roots.get(int(found["root"]), _FILE)
    if found := _INDEX.search(line):
        return _of_kind("index", found["index"])
    if found := _TABLE.search(line):
        return _of_kind("table", found["table"])
    return _FILE


def _references(connection: Connection) -> Iterator[Damage]:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MOST)
    for table, row, referred, _ in broken:
        sentence = "row {row} refers to a row of {referred} that is not there"
        yield Damage(
            where=_of_kind("table", table),
            problem=Cause.of("damage_reference", sentence, row=row, referred=referred),
        )


def _said(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="replace")
    return str(error.orig if isinstance(error, DBAPIError) else error)


def check_server(engine: Engine, found: Integrity) -> None:
    """Run the server's checks of its pages, indexes and tables, and add the findings to `found`.

    Raises:
        DatabaseError: if the server does not answer.
    """
    with plainly(engine), engine.connect() as connection:
        # Each check has its own transaction, so that it can follow one that failed.
        connection.execution_options(isolation_level="AUTOCOMMIT")
        _check_checksums(connection, found)
        amcheck = _amcheck(connection)
        if isinstance(amcheck, Cause):
            found.not_checked.append(
                Cause.of("unchecked_tables", "tables and indexes: {why}", why=amcheck)
            )
            return
        for where, statement, values in [*_of_indexes(connection, amcheck),
                                         *_of_tables(connection, amcheck)]:  # fmt: skip
            if len(found.damage) < MOST:
                found.damage.extend(_asked(connection, where, statement, values))


_NO_CHECKSUMS = "the bytes of each page: this server has no data checksums (pg_checksums --enable)"
_WRONG_CHECKSUMS = "{n} pages of this database did not match their checksum when read"


def _check_checksums(connection: Connection, found: Integrity) -> None:
    if connection.scalar(text("SELECT current_setting('data_checksums')")) != "on":
        found.not_checked.append(Cause.of("unchecked_pages", _NO_CHECKSUMS))
    failures = connection.scalar(
        text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
    )
    if failures:
        found.damage.append(
            Damage(
                where=Cause.of("damage_server", "the server"),
                problem=Cause.of("damage_checksums", _WRONG_CHECKSUMS, n=failures),
            )
        )


@dataclass(frozen=True, slots=True)
class _Amcheck:
    """The amcheck extension: the quoted schema of its functions, and the checks it supports."""

    schema: str
    checks_unique: bool


_AMCHECK = {
    "amcheck_not_made": "a superuser has to run CREATE EXTENSION amcheck in this database first",
    "amcheck_missing": "this server does not have the extension amcheck, which PostgreSQL's contrib"
    " brings",
    "amcheck_denied": "this role may not run the functions bt_index_check and verify_heapam of the"
    " extension amcheck: check as a superuser, or have one GRANT EXECUTE on them to this role",
    "amcheck_old": "amcheck {version} is too old: a superuser has to ALTER EXTENSION amcheck"
    " UPDATE",
}


def _amcheck(connection: Connection) -> _Amcheck | Cause:
    """The amcheck extension, or the reason why it cannot be used."""
    installed = connection.execute(
        text(
            "SELECT quote_ident(n.nspname), e.extversion,"
            " (SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p"
            "  WHERE p.pronamespace = n.oid AND p.proname IN ('bt_index_check', 'verify_heapam'))"
            " FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'amcheck'"
        )
    ).first()
    if installed is None:
        there = connection.scalar(
            text("SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'")
        )
        code = "amcheck_not_made" if there else "amcheck_missing"
        return Cause.of(code, _AMCHECK[code])
    where, version, may = installed
    if not may:
        return Cause.of("amcheck_denied", _AMCHECK["amcheck_denied"])
    numbers = tuple(int(part) for part in version.split("."))
    if numbers < (1, 3):
        return Cause.of("amcheck_old", _AMCHECK["amcheck_old"], version=version)
    return _Amcheck(where, numbers >= (1, 4))


_Check = tuple[Cause, str, dict[str, Any]]


def _of_indexes(connection: Connection, amcheck: _Amcheck) -> Iterator[_Check]:
    unique = ", checkunique => true" if amcheck.checks_unique else ""
    options = f"heapallindexed => true{unique}"
    statement = f"SELECT {amcheck.schema}.bt_index_check(CAST(:oid AS oid), {options})"
    for oid, name in connection.execute(_INDEXES, {"names": _names()}).all():
        yield _of_kind("index", name), statement, {"oid": oid}


def _of_tables(connection: Connection, amcheck: _Amcheck) -> Iterator[_Check]:
    statement = (
        "SELECT concat_ws(': ', 'block ' || blkno || coalesce(', row ' || offnum, ''), msg) FROM"  # noqa: S608 - a name that the server has quoted
        f" {amcheck.schema}.verify_heapam(CAST(:oid AS oid), check_toast => true) LIMIT {MOST}"
    )
    for oid, name in connection.execute(_TABLES, {"names": _names()}).all():
        yield _of_kind("table", name), statement, {"oid": oid}


_TABLES = text(
    "SELECT t.oid, t.relname FROM pg_class t WHERE t.relname = ANY(:names)"
    " AND t.relnamespace = CAST(current_schema() AS regnamespace) ORDER BY t.relname"
)
_INDEXES = text(
    "SELECT c.oid, c.relname FROM pg_class t JOIN pg_index i ON i.indrelid = t.oid"
    " JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'"
    " WHERE t.relname = ANY(:names) AND i.indisvalid"
    " AND t.relnamespace = CAST(current_schema() AS regnamespace) ORDER BY c.relname"
)


def _names() -> list[str]:
    return [*every_table().tables, "alembic_version"]


def _asked(
    connection: Connection, where: Cause, statement: str, values: dict[str, Any]
) -> Iterator[Damage]:
    try:
        for problem in connection.execute(text(statement), values).scalars():
            if problem:
                yield Damage(where=where, problem=problem)
    except DBAPIError as error:
        if not is_damage(error):
            raise
        diagnosis = getattr(error.orig, "diag", None)
        said = getattr(diagnosis, "message_primary", None) or str(error.orig)
        yield Damage(where=where, problem=said)
