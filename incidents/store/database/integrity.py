"""Integrity: whether what a database has stored is whole, by the checks of the database itself.

They see the damage of a disk or a copy: pages, indexes, references. What the record says, and
whether somebody has changed it, is what `audit verify` and `audit replay` check.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from incidents.errors import DatabaseError
from incidents.store.database import amcheck, schema
from incidents.store.database.complaint import MOST, Damage, Integrity, is_damage
from incidents.store.database.engine import plainly, reading
from incidents.store.database.url import place

_BEGINNING = b"SQLite format 3\0"
_TREE = re.compile(r"(?:On tree page|Tree) (?P<root>\d+)\b")
_INDEX = re.compile(r"(?:missing from|entries in|entry in) index (?P<index>\w+)$")
_TABLE = re.compile(r"(?:value|failed) in (?P<table>\w+)\b")


def check(engine: Engine) -> Integrity:
    """Read all that is stored, and judge it; changes nothing. It takes seconds for each GB.

    A file that is there and is no database, or is empty, is damaged: something else was there.

    Raises:
        DatabaseError: if the database is not there, has another schema, or does not answer.
    """
    if engine.dialect.name == "sqlite" and _is_empty(engine):
        return Integrity(damage=[Damage(where="the file", problem="it is empty")], is_other=True)
    try:
        schema.check(engine)
    except DatabaseError as error:
        if not is_damage(error.__cause__):
            raise
    found = Integrity(is_other=_is_other(engine))
    if engine.dialect.name == "sqlite":
        found.damage.extend(_of_file(engine))
    else:
        amcheck.ask(engine, found)
    return found


def _is_empty(engine: Engine) -> bool:
    try:
        return Path(place(engine)).stat().st_size == 0
    except (OSError, ValueError):
        return False


def _is_other(engine: Engine) -> bool:
    if engine.dialect.name != "sqlite":
        return False
    try:
        with Path(place(engine)).open("rb") as file:
            return file.read(len(_BEGINNING)) != _BEGINNING
    except (OSError, ValueError):
        return False


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
                found.append(Damage(where="the file", problem=_said(error)))
    return list(dict.fromkeys(found))


def _pages(connection: Connection) -> Iterator[Damage]:
    roots = _roots(connection)
    for said in connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars():
        for line in said.splitlines():
            if line != "ok" and not line.startswith("*** in database"):
                yield Damage(where=_place(line, roots), problem=line)


def _roots(connection: Connection) -> dict[int, str]:
    """The tables and indexes, by the page that each begins with."""
    asked = "SELECT rootpage, type, name FROM sqlite_schema"
    try:
        return {root: f"{kind} {name}" for root, kind, name in connection.exec_driver_sql(asked)}
    except DBAPIError as error:
        if is_damage(error):
            return {}
        raise


def _place(line: str, roots: dict[int, str]) -> str:
    if found := _TREE.search(line):
        return roots.get(int(found["root"]), "the file")
    if found := _INDEX.search(line):
        return f"index {found['index']}"
    if found := _TABLE.search(line):
        return f"table {found['table']}"
    return "the file"


def _references(connection: Connection) -> Iterator[Damage]:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MOST)
    for table, row, referred, _ in broken:
        yield Damage(
            where=f"table {table}",
            problem=f"row {row} refers to a row of {referred} that is not there",
        )


def _said(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="replace")
    return str(error.orig if isinstance(error, DBAPIError) else error)
