"""The schema: made whole or not at all, on both databases, and never over somebody else's."""

import hashlib
import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text, update
from sqlalchemy.exc import IntegrityError

from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED
from incidents.store.database import migration, revision, schema
from incidents.store.database.engine import reading, writing
from incidents.store.database.schema import Status
from incidents.store.log import lineage
from incidents.store.schema.catalogue import every_table
from incidents.store.schema.desk_tables import desk
from incidents.store.schema.types import UTCDateTime
from tests.desk.rehearsal import TEN, rehearsal
from tests.store.conftest import Opener
from tests.store.migrations import move


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def _execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _use_write_ahead_log(engine: Engine) -> None:
    """Its file can then be written while another connection reads it."""
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA journal_mode=WAL")


@contextmanager
def _before_statement(n: int, engine: Engine, act: Callable[[], None]) -> Iterator[None]:
    """Do that act just before the `n`th statement that is sent through the engine meanwhile."""
    numbers = count(1)

    def note(*_: object) -> None:
        if next(numbers) == n:
            act()

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert next(numbers) > n, f"fewer than {n} statements were sent"


def test_the_head_that_is_checked_for_is_the_last_migration() -> None:
    scripts = ScriptDirectory.from_config(migration.config())
    assert scripts.get_heads() == [revision.head()]
    assert all(not script.is_branch_point for script in scripts.walk_revisions())


def test_a_process_that_imports_the_catalogue_alone_knows_every_table() -> None:
    code = "from incidents.store.schema import catalogue; print(*catalogue.every_table().tables)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(told.stdout.split())
    assert found == set(every_table().tables)
    assert {"sites", "accounts", "leaves"} <= found


def test_the_migrations_make_what_the_tables_say(opened: Opener, db_url: str) -> None:
    engine = opened(db_url)
    with engine.connect() as connection:
        command.check(migration.config(connection))


def test_the_migration_activates_the_documented_policy(db_url: str) -> None:
    with rehearsal(db_url) as day:
        assert day.rows("SELECT digest, toml FROM policies") == [
            (DOCUMENTED.digest, DOCUMENTED.toml())
        ]
        assert day.rows("SELECT id, policy, seq FROM desk") == [(1, DOCUMENTED.digest, 0)]


def test_up_down_and_up_again_with_data_in_it(empty_db_url: str) -> None:
    schema.upgrade(empty_db_url, rehearsal=True)
    with rehearsal(empty_db_url) as day:
        day.add()
        assert day.refused(c.Log(by="li", urls=("https://a.example/",), note="seen")) is None
        day.later(hours=2)
        day.elapse()
        schema.downgrade(day.engine, "base")
        assert schema.status(day.engine) is Status.EMPTY
        assert _tables(day.engine) <= {"alembic_version"}
        schema.upgrade(day.engine)
        schema.check(day.engine)
        assert day.give(c.Log(by="li")).refusal is not None


def test_going_back_derives_the_keys_of_addresses_anew(db_url: str) -> None:
    with rehearsal(db_url) as day:
        day.add()
        day.give(c.Log(by="li", urls=("https://a.example/1", "https://a.example/2")))
        schema.downgrade(day.engine, "0001")
        kept = day.rows("SELECT url, url_key FROM incident_urls ORDER BY position")
        schema.upgrade(day.engine)
        again = day.rows("SELECT url FROM incident_urls ORDER BY position")
    urls = ["https://a.example/1", "https://a.example/2"]
    assert kept == [(url, hashlib.sha256(url.encode()).hexdigest()) for url in urls]
    assert again == [(url,) for url in urls]


def test_an_empty_database_is_said_to_be_empty(opened: Opener, empty_db_url: str) -> None:
    engine = opened(empty_db_url, make=True)
    with pytest.raises(DatabaseError, match="is empty: run incidents db upgrade"):
        schema.check(engine)


def test_a_file_is_made_where_that_is_asked_for_and_a_server_is_not(
    opened: Opener, empty_db_url: str
) -> None:
    engine = opened(empty_db_url, make=True)
    if engine.dialect.name == "sqlite":
        with pytest.raises(DatabaseError, match="is empty: run incidents db upgrade"):
            schema.ensure(engine)
        schema.ensure(engine, make=True)
        schema.check(engine)
        schema.ensure(engine)
    else:
        with pytest.raises(DatabaseError, match="is empty: run incidents db upgrade"):
            schema.ensure(engine, make=True)


def test_a_new_file_that_somebody_holds_is_said_to_be_held(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.store.database.engine.BUSY_TIMEOUT_S", 0.2)
    engine = opened(f"sqlite:///{tmp_path / 'new.db'}", make=True)
    with closing(sqlite3.connect(tmp_path / "new.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="held by another process"):
            schema.ensure(engine, make=True)
    schema.ensure(engine, make=True)


def test_an_older_database_is_told_to_upgrade(
    opened: Opener, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(db_url)
    monkeypatch.setattr(schema, "head", lambda: "9999")
    for look in (schema.check, schema.ensure):
        with pytest.raises(DatabaseError, match="older than this program: run incidents db"):
            look(engine)


def test_a_newer_database_asks_for_a_newer_program(opened: Opener, db_url: str) -> None:
    engine = opened(db_url)
    with engine.begin() as connection:
        move(connection, "9999", oldest=None)
    before = _tables(engine)
    for touch in (schema.check, schema.ensure, schema.upgrade):
        with pytest.raises(DatabaseError, match="newer than this program: upgrade the program"):
            touch(engine)
    with pytest.raises(DatabaseError, match="newer"):
        schema.downgrade(engine, "base")
    assert _tables(engine) == before


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE customers (id INTEGER)"],
        ["CREATE TABLE sites (id INTEGER)"],
        [
            "CREATE TABLE alembic_version (version_num VARCHAR(32))",
            "INSERT INTO alembic_version VALUES ('ab12')",
            "CREATE TABLE customers (id INTEGER)",
        ],
        ["CREATE TABLE alembic_version (other INTEGER)", "CREATE TABLE customers (id INTEGER)"],
    ],
)
def test_the_tables_of_another_program_are_left_alone(
    opened: Opener, empty_db_url: str, statements: list[str]
) -> None:
    engine = opened(empty_db_url, make=True)
    _execute(engine, *statements)
    before = _tables(engine)
    for touch in (schema.check, schema.ensure, schema.upgrade):
        with pytest.raises(DatabaseError, match="another program's tables and was not changed"):
            touch(engine)
    assert _tables(engine) == before
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        assert mode == "delete"


def test_an_upgrade_that_breaks_off_leaves_nothing_behind(
    opened: Opener, empty_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(empty_db_url, make=True)
    real = command.upgrade

    def killed(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]  # as it was called
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "upgrade", killed)
    with pytest.raises(KeyboardInterrupt):
        schema.upgrade(engine)
    monkeypatch.undo()
    assert _tables(engine) == set()
    schema.upgrade(engine)
    schema.check(engine)


def test_four_processes_may_make_one_schema_at_once(opened: Opener, empty_db_url: str) -> None:
    processes = multiprocessing.get_context("forkserver")
    # What each of them would load for itself.
    loaded = ("alembic.command", "alembic.runtime.migration", "sqlalchemy.dialects.sqlite",
              "sqlalchemy.dialects.postgresql.psycopg")  # fmt: skip
    processes.set_forkserver_preload([schema.__name__, *loaded])
    with closing(processes.Pool(4)) as pool:
        pool.map(schema.upgrade, [empty_db_url] * 4)
    schema.check(opened(empty_db_url))


def test_a_schema_that_is_made_meanwhile_is_not_taken_for_another_programs(
    opened: Opener, empty_db_url: str
) -> None:
    looking, other = (opened(empty_db_url, make=True) for _ in range(2))
    if other.dialect.name == "sqlite":
        _use_write_ahead_log(other)
    with _before_statement(2, looking, lambda: schema.upgrade(other)):
        assert schema.status(looking) in {Status.EMPTY, Status.CURRENT}
    schema.check(looking)


def test_a_schema_that_is_taken_back_meanwhile_is_not_taken_for_another_programs(
    opened: Opener, db_url: str
) -> None:
    looking, other = opened(db_url), opened(db_url)
    schema.downgrade(other, "0001")
    with _before_statement(3, looking, lambda: schema.downgrade(other, "base")):
        assert schema.status(looking) in {Status.OLDER, Status.EMPTY}
    assert schema.status(looking) is Status.EMPTY


def test_a_time_without_a_zone_never_reaches_the_database(opened: Opener, db_url: str) -> None:
    engine = opened(db_url)
    with pytest.raises(ValueError, match="without a zone"):
        UTCDateTime().process_bind_param(TEN.replace(tzinfo=None), engine.dialect)


def test_a_time_is_kept_to_the_microsecond_and_comes_back_in_utc(db_url: str) -> None:
    with rehearsal(db_url, TEN + timedelta(microseconds=123_457)) as day:
        day.add()
        answer = day.give(c.Log(by="li"))
        assert answer.incident_document["occurred_at"] == "2026-03-01T10:00:00.123457Z"
        again = day.give(c.RecordContact(by="li", incident=1, outcome="no-answer"))
        assert again.incident_document["occurred_at"] == "2026-03-01T10:00:00.123457Z"


def test_foreign_keys_and_states_are_held_by_the_schema(opened: Opener, db_url: str) -> None:
    engine = opened(db_url)
    for statement in (
        *(["INSERT INTO claims VALUES (99, '1', 'li', %s)"] * (engine.dialect.name == "sqlite")),
        "UPDATE desk SET id = 2",
        "UPDATE desk SET policy = 'sha256:none'",
    ):
        moment = "1" if engine.dialect.name == "sqlite" else "now()"
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.exec_driver_sql(statement.replace("%s", moment))


def test_on_postgresql_no_row_is_checked_for_its_site_or_incident(
    opened: Opener, postgresql_url: str
) -> None:
    found = inspect(opened(postgresql_url)).get_multi_foreign_keys()
    referred = {key["referred_table"] for keys in found.values() for key in keys}
    assert referred == {"accounts", "checkpoints", "policies"}


def test_nobody_goes_back_from_an_epoch_that_has_begun(db_url: str) -> None:
    """Receivers would take what an older program orders for old."""
    with rehearsal(db_url) as day:
        day.add()
        with writing(day.engine) as connection:
            connection.execute(update(desk).values(epoch=332))
        with pytest.raises(DatabaseError, match="was not changed: the history is in epoch 332"):
            schema.downgrade(day.engine, "0015")
        schema.check(day.engine)


def test_an_upgrade_gives_each_database_an_identity_of_its_own(db_url: str) -> None:
    with rehearsal(db_url) as day:
        drawn = set()
        for _ in range(2):
            schema.downgrade(day.engine, "0015")
            schema.upgrade(day.engine)
            with reading(day.engine) as connection:
                drawn.add(lineage.read(connection).identity)
    assert len(drawn) == 2
    assert all(len(each) == 16 for each in drawn)


def test_a_program_without_its_migrations_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(revision, "scripts", lambda: tmp_path)
    revision.head.cache_clear()
    try:
        with pytest.raises(DatabaseError, match="has no migrations: install the program again"):
            revision.head()
    finally:
        revision.head.cache_clear()
