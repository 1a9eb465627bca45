"""Integrity: whether the stored data is undamaged, by the database's own checks.

The checks find damage to pages, indexes and references, for example by a disk or a faulty copy.
Whether the record is true and unchanged is checked by `audit verify` and `audit replay`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause, DatabaseError, DeniedError
from incidents.store.archive import parts
from incidents.store.archive.part import PartAlteredError, PartMissingError
from incidents.store.database import schema
from incidents.store.database.address import display_address
from incidents.store.database.damage import (
    MOST,
    Damage,
    Integrity,
    driver_text,
    is_damage,
    place_of,
)
from incidents.store.database.engine import plainly, reading
from incidents.store.database.server_integrity import check_server

_SQLITE_HEADER = b"SQLite format 3\0"
_TREE = re.compile(r"(?:On tree page|Tree) (?P<root>\d+)\b")
_INDEX = re.compile(r"(?:missing from|entries in|entry in) index (?P<index>\w+)$")
_TABLE = re.compile(r"(?:value|failed) in (?P<table>\w+)\b")
_FILE = Cause.of("damage_file", "the file")


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
                found.append(Damage(where=_FILE, problem=driver_text(error)))
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
        return {root: place_of(kind, name) for root, kind, name in found}
    except DBAPIError as error:
        if is_damage(error):
            return {}
        raise


def _place(line: str, roots: dict[int, Cause]) -> Cause:
    if found := _TREE.search(line):
        return roots.get(int(found["root"]), _FILE)
    if found := _INDEX.search(line):
        return place_of("index", found["index"])
    if found := _TABLE.search(line):
        return place_of("table", found["table"])
    return _FILE


def _references(connection: Connection) -> Iterator[Damage]:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MOST)
    for table, row, referred, _ in broken:
        sentence = "row {row} refers to a row of {referred} that is not there"
        yield Damage(
            where=place_of("table", table),
            problem=Cause.of("damage_reference", sentence, row=row, referred=referred),
        )
