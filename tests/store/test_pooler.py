"""pgbouncer in transaction mode: it is recognised, and its clients leave each other nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ProgrammingError

from incidents.machine import commands as c
from incidents.store import entries
from incidents.store.database.engine import create, reading, single_query, writing
from incidents.store.postgresql import pooler
from tests.desk.rehearsal import Rehearsal
from tests.pgbouncer import TRACKED, UNTRACKED, pgbouncer
from tests.store.conftest import Opener

KINDS = pytest.mark.parametrize("tracked", [UNTRACKED, TRACKED])

_SETTINGS = "SELECT name, setting FROM pg_settings ORDER BY name"
_OURS = "SELECT to_regclass('entries') = to_regclass('public.entries')"
_LOCKS = "SELECT objid FROM pg_locks WHERE locktype = 'advisory'"
_LEFT = "SELECT name FROM pg_prepared_statements WHERE name LIKE 'incidents%'"


@contextmanager
def _pooled(url: str, tracked: int, size: int = 1) -> Iterator[tuple[Rehearsal, str]]:
    """A desk behind pgbouncer, by default with a single connection to the server."""
    with pgbouncer(url, size=size, tracked=tracked) as pooled:
        engine = create(pooled)
        try:
            yield Rehearsal(engine), pooled
        finally:
            engine.dispose()


def _client(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)


def _used(engine: Engine) -> None:
    """Let each kind of transaction run statements of both kinds."""
    for opened in (writing, reading, single_query):
        for own_first in (True, False):
            with opened(engine) as connection:
                _both(connection, own_first=own_first)


def _both(connection: Connection, *, own_first: bool) -> None:
    if own_first:
        assert entries.values(connection, ["sha256:0"]) == {}
    assert connection.exec_driver_sql(_OURS).scalar() is True
    if not own_first:
        assert entries.values(connection, ["sha256:0"]) == {}


def _is_named(engine: Engine) -> bool:
    with engine.connect() as connection:
        found: bool = connection.info["pipeline"].is_named
        return found


def _is_pooled(engine: Engine) -> bool:
    with engine.connect() as connection:
        found: bool = connection.info["pipeline"].is_pooled
        return found


def test_a_server_without_a_pooler_keeps_statements_by_name(
    opened: Opener, postgresql_url: str
) -> None:
    engine = opened(postgresql_url)
    assert (_is_pooled(engine), _is_named(engine)) == (False, True)


@KINDS
def test_a_pooler_is_recognised_with_what_it_does_about_statements(
    postgresql_url: str, tracked: int
) -> None:
    with _pooled(postgresql_url, tracked) as (day, _):
        assert (_is_pooled(day.engine), _is_named(day.engine)) == (True, tracked > 0)


@KINDS
def test_nothing_of_ours_is_left_for_other_clients(postgresql_url: str, tracked: int) -> None:
    with _client(postgresql_url) as alone:
        fresh = alone.execute(_SETTINGS).fetchall()
    with _pooled(postgresql_url, tracked) as (day, pooled), _client(pooled) as other:
        day.add()
        day.give(c.Log(by="li"))
        _used(day.engine)
        assert other.execute(_SETTINGS).fetchall() == fresh
        assert other.execute(_LEFT).fetchall() == []
        assert other.execute(_LOCKS).fetchall() == []
        assert other.execute("SELECT pg_my_temp_schema()").fetchall() == [(0,)]


_HOSTILE = (
    "CREATE SCHEMA other",
    "CREATE TABLE other.entries (LIKE public.entries)",
    "CREATE TABLE other.sites (LIKE public.sites)",
    "SET search_path = other, public",
    "CREATE TEMPORARY TABLE incidents (LIKE public.incidents)",
    "SET role = pg_read_all_data",
    "SET TIME ZONE 'Pacific/Kiritimati'",
    "SET statement_timeout = '1h'",
    "SET lock_timeout = '1h'",
    "SET synchronous_commit = local",
    "SET plan_cache_mode = force_custom_plan",
    "SET enable_indexscan = off",
    "SET bytea_output = escape",
    "SET default_transaction_read_only = on",
)
_PINNED = (
    "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
    " current_setting('synchronous_commit'), current_user"
)


@KINDS
def test_no_setting_or_table_that_others_left_changes_what_is_done(
    postgresql_url: str, tracked: int
) -> None:
    with _pooled(postgresql_url, tracked) as (day, pooled), _client(pooled) as other:
        day.add("before.example")
        for each in _HOSTILE:
            other.execute(each)
        for own_first in (True, False):
            with writing(day.engine) as connection:
                _both(connection, own_first=own_first)
                assert connection.exec_driver_sql(_PINNED).one() == ("0", "0", "off", "postgres")
        _used(day.engine)
        day.add("after.example")
        assert [day.refused(c.Log(by="li"), f"{name}.example") for name in ("before", "after")] == [
            None, None,
        ]  # fmt: skip
        day.later(hours=1, seconds=1)
        assert len(day.elapse()) == 2
        assert day.findings() == []
        assert other.execute("SHOW lock_timeout").fetchall() == [("1h",)]
        other.execute("RESET ROLE")
        other.execute("RESET search_path")
        assert other.execute("SELECT count(*) FROM public.incidents").fetchall() == [(2,)]
        assert other.execute("SELECT count(*) FROM other.entries").fetchall() == [(0,)]
        assert other.execute("SELECT count(*) FROM pg_temp.incidents").fetchall() == [(0,)]


@KINDS
def test_statements_of_others_under_our_names_are_not_run(
    opened: Opener, postgresql_url: str, tracked: int
) -> None:
    alone = Rehearsal(opened(postgresql_url))
    alone.add()
    alone.give(c.Log(by="li"))
    known = alone.rows(
        "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"
        " WHERE name LIKE 'incidents%%'"
    )
    assert len(known) > 10
    with _pooled(postgresql_url, tracked) as (day, pooled), _client(pooled) as other:
        day.add("b.example")
        other.execute("DEALLOCATE ALL")
        for name, count in known:
            types = sql.SQL(", ").join([sql.SQL("text")] * int(str(count)))
            of = sql.SQL("({})").format(types) if count else sql.SQL("")
            wrong = sql.SQL("PREPARE {}{} AS DELETE FROM sites")
            other.execute(wrong.format(sql.Identifier(str(name)), of))
            if tracked:
                other.pgconn.prepare(str(name).encode(), b"DELETE FROM sites")
        assert day.add("c.example")[0].refusal is None
        assert day.refused(c.Log(by="li"), "b.example") is None
        day.later(hours=1, seconds=1)
        assert len(day.elapse()) == 2
        assert day.findings() == []


@pytest.mark.parametrize("problem", ["missing", "duplicate"])
def test_an_unrecognised_pooler_costs_no_action(
    opened: Opener, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    monkeypatch.setattr(pooler, "is_pooled", lambda _: False)
    with _pooled(postgresql_url, UNTRACKED) as (day, pooled), _client(pooled) as other:
        day.add()
        second = Rehearsal(opened(pooled))
        if problem == "missing":
            # As on another connection to the server.
            other.execute("DEALLOCATE ALL")
            second = day
        assert _is_named(second.engine)
        assert second.give(c.Log(by="li")).refusal is None
        assert not _is_named(second.engine)
        assert second.give(c.Log(by="li", again=True)).refusal is None
        assert day.rows("SELECT count(*) FROM incidents") == [(2,)]
        assert day.findings() == []


@KINDS
def test_a_statement_that_failed_is_prepared_again(postgresql_url: str, tracked: int) -> None:
    """Such as one whose plan is from before a migration."""
    with _pooled(postgresql_url, tracked) as (day, pooled), _client(pooled) as other:
        day.add()
        _used(day.engine)
        other.execute("ALTER TABLE sealed RENAME value TO old_value")
        for _ in range(3):
            with pytest.raises(ProgrammingError), writing(day.engine) as connection:
                entries.values(connection, ["sha256:0"])
        other.execute("ALTER TABLE sealed RENAME old_value TO value")
        _used(day.engine)
        assert day.refused(c.Log(by="li")) is None
