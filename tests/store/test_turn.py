"""Whose turn it is to write to a SQLite file."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, text

from incidents.store import turn
from incidents.store.engine import writing
from tests.store.conftest import Opener

ASKS = 20


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


@pytest.mark.usefixtures("file")
def test_who_waits_is_next_although_another_writes_one_act_after_the_other(
    sqlite_url: str, opened: Opener
) -> None:
    busy, patient = opened(sqlite_url), opened(sqlite_url)
    written, stop = [0], Event()

    def write_on() -> None:
        while not stop.is_set():
            with writing(busy):
                time.sleep(0.002)
                written[0] += 1

    writer = Thread(target=write_on)
    writer.start()
    try:
        overtaken = sum(_overtaken(patient, lambda: written[0]) for _ in range(ASKS))
    finally:
        stop.set()
        writer.join()
    # The act at work when it was asked, and now and then one that had the turn already.
    assert overtaken <= 3 * ASKS


def _overtaken(engine: Engine, written: Callable[[], int]) -> int:
    """How many acts of others were done between asking and coming to it."""
    at_work = written()
    while written() == at_work:
        time.sleep(0.0001)
    asked = written()
    with writing(engine):
        return written() - asked


def test_a_turn_that_nobody_lets_go_of_keeps_nobody_out(file: str) -> None:
    stopped = os.open(f"{file}-wal", os.O_RDONLY)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    try:
        with closing(connected(file)) as connection:
            assert turn.begin(connection, file, wait_s=30)
            assert connection.in_transaction
    finally:
        os.close(stopped)


def test_the_turn_passes_on_when_the_file_is_locked_and_not_when_it_is_let_go(file: str) -> None:
    with closing(connected(file)) as connection:
        assert turn.begin(connection, file, wait_s=30)
        next_one = os.open(f"{file}-wal", os.O_RDONLY)
        try:
            fcntl.flock(next_one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(next_one)


def test_where_the_file_stays_locked_it_says_so(file: str) -> None:
    with closing(connected(file)) as holder, closing(connected(file)) as connection:
        holder.execute("BEGIN IMMEDIATE")
        assert not turn.begin(connection, file, wait_s=0.05)


def test_what_is_the_matter_but_a_lock_is_not_waited_out(file: str) -> None:
    with closing(connected(file)) as connection:
        connection.execute("BEGIN")
        # Within a transaction none can begin; waited for, it would be a day.
        assert not turn.begin(connection, file, wait_s=86_400)


def test_without_a_write_ahead_log_it_goes_without_turns(tmp_path: Path) -> None:
    file = str(tmp_path / "x.db")
    with closing(connected(file)) as connection:
        assert turn.begin(connection, file, wait_s=30)
