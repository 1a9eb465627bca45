"""The integrity of a database on a PostgreSQL server: its checksums, and the extension amcheck."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause
from incidents.store.database.damage import MOST, Damage, Integrity, is_damage, place_of
from incidents.store.database.engine import plainly
from incidents.store.schema.catalogue import every_table


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
        yield place_of("index", name), statement, {"oid": oid}


def _of_tables(connection: Connection, amcheck: _Amcheck) -> Iterator[_Check]:
    statement = (
        "SELECT concat_ws(': ', 'block ' || blkno || coalesce(', row ' || offnum, ''), msg) FROM"  # noqa: S608 - a name that the server has quoted
        f" {amcheck.schema}.verify_heapam(CAST(:oid AS oid), check_toast => true) LIMIT {MOST}"
    )
    for oid, name in connection.execute(_TABLES, {"names": _names()}).all():
        yield place_of("table", name), statement, {"oid": oid}


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
