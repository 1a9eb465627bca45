"""The revision of the schema, while it moves beneath programs that run.

A newer schema is made here by its revision alone: whether an older program can really use it is
asked by the test of the migrations, and by upgrades beside running programs (tests/fire/upgrades).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.store import monitoring
from incidents.store.database import schema
from incidents.store.database.engine import reading, writing
from incidents.store.database.revision import head
from incidents.store.database.schema import Status
from incidents.store.round_trip import pipelined, send
from incidents.store.schema.desk_tables import entries, heartbeats
from tests.desk.rehearsal import TEN, Rehearsal
from tests.patience import PATIENCE_S, until
from tests.statements import sent
from tests.store.conftest import Opener
from tests.store.migrations import move
from tests.store.test_write_lock import can_be_taken

NEWER = "newer than this program: upgrade the program"


def _moves(engine: Engine, to: str, oldest: str | None) -> None:
    """What a migration of a newer program leaves in Alembic's table."""
    with engine.begin() as connection:
        move(connection, to, oldest)


def _rows(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        counts = (select(func.count()).select_from(table) for table in (entries, heartbeats))
        return [connection.scalars(count).one() for count in counts]


def _by_core(engine: Engine) -> None:
    beaten = monitoring.Heartbeat(
        daemon="a", host="a", pid=1, started_at=TEN, beat_at=TEN
    )  # fmt: skip
    with writing(engine) as connection:
        monitoring.beat(connection, beaten)


def _at_once(engine: Engine) -> None:
    """A transaction that would end with its first round trip."""
    with writing(engine) as connection, pipelined(connection, commit=True):
        send(connection, "DELETE FROM heartbeats", ())


def _by_the_desk(engine: Engine) -> None:
    assert Rehearsal(engine).give(c.Log(by="li"), "b.example").refusal is None


def _somebody_waits(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return not can_be_taken(connection.engine.url.database or "")
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND database <> 0")
    return bool(connection.scalar(waits))


WRITERS = (_by_core, _at_once, _by_the_desk)


def test_a_program_goes_on_beside_a_schema_that_was_only_expanded(
    day: Rehearsal, opened: Opener
) -> None:
    for write in WRITERS:
        write(day.engine)
    _moves(opened(day.engine.url.render_as_string()), "9999", oldest=head())
    for write in WRITERS * 2:
        write(day.engine)
    assert schema.status(day.engine) is Status.EXPANDED
    schema.check(day.engine)
    schema.ensure(day.engine, make=True)


def test_a_program_that_starts_beside_an_expanded_schema_can_use_it(
    day: Rehearsal, opened: Opener
) -> None:
    url = day.engine.url.render_as_string()
    _moves(opened(url), "9999", oldest="0001")
    schema.ensure(opened(url))
    for write in WRITERS:
        write(opened(url))


def test_it_does_not_migrate_a_schema_that_it_does_not_know(day: Rehearsal) -> None:
    _moves(day.engine, "9999", oldest=head())
    with pytest.raises(DatabaseError, match=NEWER):
        schema.upgrade(day.engine)
    with pytest.raises(DatabaseError, match=NEWER):
        schema.downgrade(day.engine, "base")
    assert schema.status(day.engine) is Status.EXPANDED


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("oldest", ["9998", None])
def test_a_program_that_the_schema_left_behind_writes_nothing_more(
    day: Rehearsal, write: Callable[[Engine], None], oldest: str | None
) -> None:
    write(day.engine)
    _by_core(day.engine)
    before = _rows(day.engine)
    _moves(day.engine, "9999", oldest)
    for _ in range(2):
        with pytest.raises(DatabaseError, match=NEWER):
            write(day.engine)
    assert _rows(day.engine) == before
    assert schema.status(day.engine) is Status.NEWER


@pytest.mark.parametrize("write", WRITERS)
def test_a_program_notices_that_it_became_too_old_without_another_revision(
    day: Rehearsal, write: Callable[[Engine], None]
) -> None:
    _moves(day.engine, "9999", oldest=head())
    write(day.engine)
    _moves(day.engine, "9999", oldest="9998")
    with pytest.raises(DatabaseError, match=NEWER):
        write(day.engine)


def test_a_program_is_told_that_the_schema_is_from_before_the_oldest_program_was_named(
    day: Rehearsal,
) -> None:
    with day.engine.begin() as connection:
        connection.execute(text("ALTER TABLE alembic_version DROP COLUMN oldest"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    for write in WRITERS:
        with pytest.raises(DatabaseError, match="older than this program"):
            write(day.engine)


def test_a_program_is_told_that_the_schema_was_taken_back_or_away(day: Rehearsal) -> None:
    for left, said in (("'0001'", "older than this program"), (None, "is empty")):
        with day.engine.begin() as connection:
            change = f"UPDATE alembic_version SET version_num = {left}"
            connection.execute(text(change if left else "DELETE FROM alembic_version"))
        for write in WRITERS:
            with pytest.raises(DatabaseError, match=said):
                write(day.engine)


@pytest.mark.parametrize("write", WRITERS)
def test_a_program_that_waited_for_the_migration_sees_what_it_has_left(
    day: Rehearsal, opened: Opener, write: Callable[[Engine], None]
) -> None:
    write(day.engine)
    before = _rows(day.engine)
    other = opened(day.engine.url.render_as_string())
    with ThreadPoolExecutor(1) as threads:
        with other.connect() as connection:
            connection.execution_options(incidents_writes=True, incidents_migrates=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    # Locked first, as by each migration.
                    connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
                move(connection, "9999", None)
                waiting = threads.submit(write, day.engine)
                until(lambda: _somebody_waits(connection), "the writer waits for the migration")
        with pytest.raises(DatabaseError, match=NEWER):
            waiting.result(timeout=PATIENCE_S)
    assert _rows(day.engine) == before


def test_who_only_reads_is_not_asked_for_the_revision(day: Rehearsal) -> None:
    _moves(day.engine, "9999", None)
    with sent(day.engine) as statements:
        assert _rows(day.engine)
    assert len(statements) == 2
