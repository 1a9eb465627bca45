"""The secure vacuum: after an erasure the words are nowhere in a SQLite file and its log."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, text

from incidents.errors import DatabaseError
from incidents.store import erasable
from incidents.store.database.engine import create
from incidents.store.schema.desk_tables import sealed
from tests.patience import until

WORDS = "the canary sang of 010 5555 0100"
LONG = WORDS + " and on" * 2_000
"""More than a page of the file holds: it has pages of its own."""


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    found = create(sqlite_url)
    yield found
    found.dispose()


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[Engine]:
    found = create(postgresql_url)
    yield found
    found.dispose()


def _seal(engine: Engine, value: str) -> None:
    row = {"ref": f"sha256:{len(value):064d}", "salt": b"s" * 32, "value": value, "site_id": 1,
           "sealed_at": datetime(2026, 3, 1, tzinfo=UTC)}  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(sealed), row)


def _files(engine: Engine) -> list[Path]:
    file = Path(str(engine.url.database))
    return [path for path in file.parent.glob(f"{file.name}*") if path.is_file()]


def _is_somewhere(engine: Engine) -> bool:
    return any(WORDS.encode() in path.read_bytes() for path in _files(engine))


@pytest.mark.parametrize("value", [WORDS, LONG])
def test_deleted_words_are_in_the_log_before_and_nowhere_after(engine: Engine, value: str) -> None:
    _seal(engine, value)
    with engine.begin() as connection:
        connection.execute(delete(sealed))
    assert _is_somewhere(engine)
    erasable.secure_vacuum(engine)
    assert not _is_somewhere(engine)


def test_what_an_older_program_left_lying_in_free_pages_is_gone_too(engine: Engine) -> None:
    _seal(engine, LONG)
    file = str(engine.url.database)
    with closing(sqlite3.connect(file, isolation_level=None)) as older:
        older.execute("PRAGMA secure_delete=OFF")
        older.execute("DELETE FROM sealed")
        older.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert _is_somewhere(engine)
    # Not asked to, it sees that something lies free.
    erasable.secure_vacuum(engine, rewrite=False)
    assert not _is_somewhere(engine)


def test_one_who_reads_all_the_time_is_told_of_and_the_next_run_cuts_the_log(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasable, "PATIENCE_S", 0.2)
    _seal(engine, WORDS)
    with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sealed").fetchall()
        with engine.begin() as connection:
            connection.execute(delete(sealed))
        with pytest.raises(
            DatabaseError, match=r"the text is erased, but .* is being read all the time.*again"
        ):
            erasable.secure_vacuum(engine)
        reader.execute("COMMIT")
    erasable.secure_vacuum(engine, rewrite=False)
    assert not _is_somewhere(engine)


def test_one_who_waits_for_a_reader_does_not_wait_in_vain(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
    erasable.secure_vacuum(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
        assert connection.scalar(text("PRAGMA secure_delete")) == 1


def test_on_postgresql_the_space_of_the_rows_is_made_free(postgresql: Engine) -> None:
    _seal(postgresql, WORDS)
    with postgresql.begin() as connection:
        connection.execute(delete(sealed))
    erasable.secure_vacuum(postgresql)
    asked = text("SELECT count(*) FROM pg_stat_user_tables"
                 " WHERE relname IN ('sealed', 'keys') AND last_vacuum IS NOT NULL")  # fmt: skip

    def both_are_vacuumed() -> bool:
        with postgresql.connect() as connection:
            return bool(connection.scalar(asked) == 2)

    until(both_are_vacuumed, "the tables are vacuumed")
    # The connection is as it was, and can go on in transactions.
    with postgresql.begin() as connection:
        connection.execute(text("SAVEPOINT here"))
