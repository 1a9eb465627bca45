"""The write lock: who writes to a SQLite file next."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from incidents.store.database import sqlite_file
from tests.patience import PATIENCE_S, until
from tests.store.conftest import Opener


@pytest.fixture
def file(sqlite_url: str, opened: Opener) -> Iterator[str]:
    """A database in use: it has its write-ahead log beside it."""
    engine = opened(sqlite_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM sites")).all()
        assert Path(f"{engine.url.database}-wal").exists()
        yield str(engine.url.database)


def connected(file: str) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)


def test_who_waits_is_next_although_another_comes_for_it(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_MAX_TURN_S", PATIENCE_S)
    came: list[str] = []

    def write(name: str) -> None:
        with closing(connected(file)) as connection:
            assert sqlite_file.begin_write(connection, file, wait_s=PATIENCE_S)
            came.append(name)

    with closing(connected(file)) as holder, ThreadPoolExecutor(2) as threads:
        holder.execute("BEGIN IMMEDIATE")
        first = threads.submit(write, "first")
        until(lambda: not can_be_taken(file), "the first one waits, and has the turn")
        second = threads.submit(write, "second")
        holder.execute("COMMIT")
        for each in (first, second):
            each.result(PATIENCE_S)
    assert came == ["first", "second"]


def can_be_taken(file: str) -> bool:
    """Whether nobody has the turn."""
    asked = os.open(f"{file}-wal", os.O_RDONLY)
    try:
        fcntl.flock(asked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(asked)
    return True


def test_a_turn_that_nobody_lets_go_of_keeps_nobody_out(file: str) -> None:
    stopped = os.open(f"{file}-wal", os.O_RDONLY)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    try:
        with closing(connected(file)) as connection:
            assert sqlite_file.begin_write(connection, file, wait_s=PATIENCE_S)
            assert connection.in_transaction
    finally:
        os.close(stopped)


def test_the_turn_passes_on_when_the_file_is_locked_and_not_when_it_is_let_go(file: str) -> None:
    with closing(connected(file)) as connection:
        assert sqlite_file.begin_write(connection, file, wait_s=PATIENCE_S)
        assert can_be_taken(file)


def test_where_the_file_stays_locked_it_says_so(file: str) -> None:
    with closing(connected(file)) as holder, closing(connected(file)) as connection:
        holder.execute("BEGIN IMMEDIATE")
        assert not sqlite_file.begin_write(connection, file, wait_s=0.05)


def test_what_is_the_matter_but_a_lock_is_not_waited_out(file: str) -> None:
    with closing(connected(file)) as connection:
        connection.execute("BEGIN")
        # Within a transaction none can begin; waited for, it would be a day.
        assert not sqlite_file.begin_write(connection, file, wait_s=86_400)


def test_without_a_write_ahead_log_it_goes_without_turns(tmp_path: Path) -> None:
    file = str(tmp_path / "x.db")
    with closing(connected(file)) as connection:
        assert sqlite_file.begin_write(connection, file, wait_s=PATIENCE_S)
