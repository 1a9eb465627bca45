"""Migrations that leave the program before them running: what they may do, and what it sees."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, select, text

from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.store.database import migration, revision, schema
from incidents.store.database.engine import reading, writing
from incidents.store.database.migration import FIRST, Migration, config
from incidents.store.database.schema import Status
from incidents.store.schema.tables import incidents, sites
from tests.desk.rehearsal import Rehearsal
from tests.patience import PATIENCE_S, until
from tests.store.conftest import Opener
from tests.store.expansion import contractions, forms
from tests.store.newer_program import NewerProgram

_LATER = {
    script.revision: script
    for script in ScriptDirectory.from_config(config()).walk_revisions()
    if script.revision > FIRST
}
"""The migrations that must say whether they only expand the schema."""


def _expands(later: str) -> Any:
    return getattr(_LATER[later].module, "expands", None)


@pytest.fixture
def newer(tmp_path: Path) -> NewerProgram:
    return NewerProgram(tmp_path / "alembic")


@pytest.fixture
def postgresql(postgresql_url: str, opened: Opener) -> Engine:
    return opened(postgresql_url)


def test_each_migration_says_whether_the_program_before_it_goes_on() -> None:
    assert [later for later in _LATER if _expands(later) not in (True, False)] == []


def test_a_migration_that_leaves_the_program_before_it_running_only_expands(
    opened: Opener, db_url: str
) -> None:
    engine = opened(db_url)
    for later in filter(_expands, _LATER):
        schema.downgrade(engine, str(_LATER[later].down_revision))
        with engine.connect() as connection:
            before = forms(connection)
        Migration(to=later).run(engine)
        with engine.connect() as connection:
            assert (later, contractions(before, forms(connection))) == (later, [])


CHANGED = ("sites", "desk", "heartbeats")
CONTRACTIONS = {
    "DROP TABLE heartbeats": "heartbeats: it is gone",
    "ALTER TABLE sites RENAME COLUMN name TO site": "sites: its column name is gone",
    "ALTER TABLE heartbeats ADD x INTEGER NOT NULL": "which an older program leaves out",
    "CREATE UNIQUE INDEX ux ON sites (state)": "must now fulfil the unique index ux",
    "ALTER TABLE heartbeats ALTER standing_aside SET NOT NULL": "must now have a value",
    "ALTER TABLE desk ALTER seq TYPE numeric": "desk: its column seq has another type",
    "ALTER TABLE sites ADD CONSTRAINT x CHECK (id > 0)": "must now fulfil the check x",
    "ALTER TABLE sites DROP CONSTRAINT pk_sites CASCADE": "sites: its primary key pk_sites is gone",
}


@pytest.mark.parametrize("change", CONTRACTIONS)
def test_what_an_older_program_cannot_go_on_with_is_found(postgresql: Engine, change: str) -> None:
    with postgresql.connect() as connection:
        before = forms(connection, *CHANGED)
        connection.execute(text(change))
        found = contractions(before, forms(connection, *CHANGED))
    assert any(CONTRACTIONS[change] in each for each in found), found


def test_what_only_expands_is_left_alone(opened: Opener, db_url: str) -> None:
    with opened(db_url).connect() as connection:
        before = forms(connection, *CHANGED)
        for change in (
            "ALTER TABLE sites ADD COLUMN x INTEGER",
            "ALTER TABLE sites ADD COLUMN y INTEGER NOT NULL DEFAULT 0",
            "CREATE INDEX ix ON sites (state)",
            "CREATE TABLE later (id INTEGER PRIMARY KEY)",
        ):
            connection.execute(text(change))
        assert contractions(before, forms(connection, *CHANGED)) == []


def _upgrade(day: Rehearsal, opened: Opener) -> None:
    """Upgrade as another process does, by connections of its own."""
    schema.upgrade(opened(day.engine.url.render_as_string()))


def _work(day: Rehearsal) -> None:
    for site in ("a.example", "b.example"):
        given = day.give(c.Log(by="li", urls=(f"https://{site}/{day.now:%j}",)), site)
        assert given.refusal is None
        day.later(hours=80)
        day.desk.elapse()


def test_the_program_before_goes_on_with_its_prepared_statements(
    day: Rehearsal, newer: NewerProgram, opened: Opener
) -> None:
    """Each table has one more column, beneath a connection that has used it."""
    _work(day)
    with newer.runs():
        _upgrade(day, opened)
    _work(day)
    assert schema.status(day.engine) is Status.EXPANDED
    with newer.runs():
        assert schema.status(day.engine) is Status.CURRENT


def test_the_program_before_a_contracting_migration_stops(
    day: Rehearsal, newer: NewerProgram, opened: Opener
) -> None:
    _work(day)
    with newer.runs(expands=False):
        _upgrade(day, opened)
    with pytest.raises(DatabaseError, match="newer than this program: upgrade the program"):
        _work(day)
    assert schema.status(day.engine) is Status.NEWER


def test_going_back_takes_the_older_programs_permission_back(
    day: Rehearsal, newer: NewerProgram
) -> None:
    here = revision.head()
    with newer.runs():
        schema.upgrade(day.engine)
        assert _oldest(day.engine) is not None
        schema.downgrade(day.engine, here)
        schema.downgrade(day.engine, FIRST)
        assert _oldest(day.engine) is None


def _oldest(engine: Engine) -> Any:
    with reading(engine) as connection:
        return connection.scalar(text(revision.OLDEST))


def test_a_migration_waits_until_a_writer_has_ended_and_says_so_once(
    postgresql: Engine, newer: NewerProgram, opened: Opener
) -> None:
    said: list[str] = []
    with writing(postgresql) as connection:
        connection.execute(select(sites))

        def waits() -> None:
            said.append("it waits")
            connection.commit()

        with newer.runs():
            schema.upgrade(opened(postgresql.url.render_as_string()), waits=waits)
    assert said == ["it waits"]
    assert schema.status(postgresql) is Status.EXPANDED


def test_a_reader_keeps_a_migration_from_the_tables_that_it_changes_alone(
    postgresql: Engine, newer: NewerProgram, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "LIMIT_S", 0.0)
    other = opened(postgresql.url.render_as_string())
    with reading(postgresql) as connection:
        connection.execute(select(sites))
        with newer.runs(), pytest.raises(DatabaseError, match="kept its tables in use for 0 s"):
            schema.upgrade(other)
        assert schema.status(other) is Status.CURRENT
        with newer.runs(locks=["heartbeats"]):
            schema.upgrade(other)
    assert schema.status(other) is Status.EXPANDED


def test_a_migration_does_not_wait_for_another_without_end(
    postgresql: Engine, newer: NewerProgram, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "LIMIT_S", 0.0)
    monkeypatch.setattr(migration, "_OTHER_MS", 50)
    other = opened(postgresql.url.render_as_string())
    with postgresql.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": migration.LOCK})
        with newer.runs(), pytest.raises(DatabaseError, match="kept its tables in use for 0 s"):
            schema.upgrade(other)
    with newer.runs():
        schema.upgrade(other)
    assert schema.status(other) is Status.EXPANDED


def test_who_crosses_a_migrations_locks_waits_for_a_moment_and_never_fails(
    postgresql: Engine, newer: NewerProgram, opened: Opener
) -> None:
    """A reader of the last table asks for the first, which the migration has, and waits for it."""
    other, watch = (opened(postgresql.url.render_as_string()) for _ in range(2))
    with ThreadPoolExecutor(1) as threads, newer.runs():
        with reading(postgresql) as connection:
            connection.execute(select(sites)).all()
            upgraded = threads.submit(schema.upgrade, other)
            with watch.connect() as watching:
                until(lambda: _is_waited_for("sites", watching), "the migration has begun to lock")
            connection.execute(select(incidents)).all()
        upgraded.result(timeout=PATIENCE_S)
    with watch.connect() as watching:
        assert watching.scalar(text("SELECT sum(deadlocks) FROM pg_stat_database")) == 0
    assert schema.status(postgresql) is Status.EXPANDED


def _is_waited_for(table: str, connection: Connection) -> bool:
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = :table ::regclass")
    return bool(connection.scalar(waits, {"table": table}))


def test_readers_of_a_file_go_on_while_it_is_migrated(
    sqlite_url: str, newer: NewerProgram, opened: Opener
) -> None:
    day = Rehearsal(opened(sqlite_url))
    day.add("a.example")
    with reading(day.engine) as connection:
        assert connection.execute(select(sites.c.name)).all() == [("a.example",)]
        with newer.runs():
            _upgrade(day, opened)
        assert connection.execute(select(sites.c.name)).all() == [("a.example",)]
    assert day.give(c.Log(by="li")).refusal is None
