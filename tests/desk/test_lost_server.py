"""A server that goes away, and acts that are interrupted: nothing is done that was not said."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.patience import until


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, also where the runner was started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def day(postgresql_url: str) -> Iterator[Rehearsal]:
    with rehearsal(postgresql_url) as day:
        day.add()
        yield day


def _backend(day: Rehearsal) -> int:
    """The server's process behind the connection that the desk used last."""
    with day.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return driver.info.backend_pid


def _outside(day: Rehearsal) -> psycopg.Connection:
    url = day.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def test_an_act_after_the_server_went_away_is_taken_on_a_new_connection(day: Rehearsal) -> None:
    with _outside(day) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [_backend(day)])
    assert day.give(c.Log(by="li")).refusal is None
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupted_act_is_not_done(day: Rehearsal) -> None:
    """It waits for somebody who holds its key, when a person types Ctrl-C; then the way is free."""
    with _outside(day) as other, _outside(day) as watch, ThreadPoolExecutor(1) as thread:
        other.execute("BEGIN")
        other.execute("INSERT INTO keys VALUES ('k', 'f', '{}', now(), 'li')")
        interrupt = thread.submit(_interrupt_who_waits, watch, threading.get_ident())
        with pytest.raises(KeyboardInterrupt):
            day.give(c.Log(by="li"), key="k")
        interrupt.result()
        other.execute("ROLLBACK")
    assert day.rows("SELECT count(*) FROM incidents") == [(0,)]


def _interrupt_who_waits(watch: psycopg.Connection, person: int) -> None:
    """Ctrl-C, and once more if it came just before the wait, as a person would type it."""
    until(lambda: _waits(watch), "the act waits")
    while _waits(watch):
        signal.pthread_kill(person, signal.SIGINT)
        with suppress(AssertionError):
            until(lambda: not _waits(watch), "the act gives up", looks=100)


def _commit_while_it_waits(other: psycopg.Connection, watch: psycopg.Connection) -> None:
    until(lambda: _waits(watch), "the act waits")
    other.execute("COMMIT")


def _waits(watch: psycopg.Connection) -> bool:
    found = watch.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return found.fetchall() != [(0,)]


def test_a_statement_that_was_not_prepared_after_all_is_prepared_the_next_time(
    day: Rehearsal,
) -> None:
    """An act fails on its key, and what comes after the key was never prepared."""
    with _outside(day) as other, _outside(day) as watch, ThreadPoolExecutor(1) as thread:
        other.execute("BEGIN")
        other.execute("INSERT INTO keys VALUES ('k', 'f', '{}', now(), 'li')")
        commit = thread.submit(_commit_while_it_waits, other, watch)
        refusal = day.give(c.Log(by="li"), key="k").refusal
        commit.result()
    assert refusal is not None
    assert refusal.name == "key_reused"
    assert day.give(c.Log(by="li"), key="other").refusal is None


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_a_name_or_a_key_that_no_database_could_look_up_refuses_itself_alone(
    db_url: str, bad: str
) -> None:
    with rehearsal(db_url) as day:
        day.add()
        log = c.Log(by="li")
        answers = day.desk.submit(
            [
                Envelope(site=f"a{bad}.example", command=log),
                Envelope(site="a.example", command=log, key=f"k{bad}"),
                Envelope(site="a.example", command=log),
            ]
        )
    refusals = [answer.refusal and answer.refusal.name for answer in answers]
    assert refusals == ["bad_text", "bad_text", None]
