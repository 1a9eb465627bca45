"""A PostgreSQL server that says nothing: whoever waits for it notices, and looks for another."""

import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from incidents.errors import DatabaseError
from incidents.store.database import hosts, postgresql_engine
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.postgresql import server_connection
from incidents.store.round_trip import pipelined, send
from tests.patience import until
from tests.store.conftest import Opener
from tests.store.server_setting import setting

_PID = text("SELECT pg_backend_pid()")
_STOPPED = "connection lost: the server has stopped answering"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look soon, and at every connection that is taken from the pool."""
    monkeypatch.setattr(server_connection, "LOOK_S", 0.2)
    monkeypatch.setattr(hosts, "ANSWER_S", 0.5)
    monkeypatch.setattr(postgresql_engine, "_IDLE_S", 0.0)


@contextmanager
def _frozen(url: str) -> Iterator[None]:
    """Stop all processes of the server, as when its disk hangs; its kernel goes on."""
    with psycopg.connect(url) as connection:
        [folder] = connection.execute("SHOW data_directory").fetchone() or [""]
    main = int(Path(str(folder), "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text()
    everyone = [main, *map(int, children.split())]
    try:
        for pid in everyone:
            # One of them may have ended since, such as that of the connection above.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in everyone:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_a_query_on_a_frozen_server_ends(postgresql_url: str, opened: Opener) -> None:
    engine = opened(postgresql_url)
    with engine.connect() as connection:
        connection.execute(_PID)
        raised = pytest.raises(DatabaseError, match=_STOPPED)
        with _frozen(postgresql_url), raised, plainly(engine):
            connection.execute(_PID)
        assert connection.invalidated


def test_statements_in_one_round_trip_to_a_frozen_server_end(
    postgresql_url: str, opened: Opener
) -> None:
    engine = opened(postgresql_url)
    raised = pytest.raises(DatabaseError, match=_STOPPED)
    with raised, plainly(engine), engine.begin() as connection, ExitStack() as frozen:
        frozen.enter_context(_frozen(postgresql_url))
        frozen.enter_context(pipelined(connection))
        send(connection, "SELECT 1", ())


def test_a_frozen_server_costs_every_connection_of_the_pool(
    postgresql_url: str, opened: Opener
) -> None:
    engine = opened(postgresql_url)
    with engine.connect() as one, engine.connect() as two:
        before = {one.scalar(_PID), two.scalar(_PID)}
    raised = pytest.raises(DatabaseError)
    with _frozen(postgresql_url), raised, plainly(engine), reading(engine) as connection:
        connection.scalar(_PID)
    with engine.connect() as one, engine.connect() as two:
        assert not {one.scalar(_PID), two.scalar(_PID)} & before


def test_a_lost_connection_makes_the_others_prove_themselves(
    postgresql_url: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_engine, "_IDLE_S", 3_600.0)
    engine = opened(postgresql_url)
    with engine.connect() as one, engine.connect() as two:
        pids = [one.scalar(_PID), two.scalar(_PID)]
    ended = text("SELECT pg_terminate_backend(pid, 5000) FROM unnest(:pids) AS of (pid)")
    with opened(postgresql_url).connect() as other:
        other.execute(ended, {"pids": pids})
    with pytest.raises(DatabaseError), plainly(engine), engine.connect() as connection:
        connection.scalar(_PID)
    with engine.connect() as connection:
        assert connection.scalar(_PID) not in pids


def test_a_long_query_goes_on_while_the_server_answers_others(
    postgresql_url: str, opened: Opener
) -> None:
    with reading(opened(postgresql_url)) as connection:
        assert connection.scalar(text("SELECT 7 FROM pg_sleep(1)")) == 7


def test_a_question_that_is_lost_is_asked_again() -> None:
    """Of all questions only the first has no answer: the connection goes on."""
    asked: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while len(asked) < 3:
                asked.append(server.accept()[0])
                if len(asked) > 1:
                    asked[-1].sendall(b"N")

        Thread(target=answer, daemon=True).start()
        host, port = server.getsockname()
        found = hosts.Hosts()
        answers = [
            found._answers({"host": host, "port": str(port)}, (host, port)) for _ in range(3)
        ]
    for each in asked:
        each.close()
    assert answers == [False, True, True]


def test_an_answer_that_comes_with_the_doubt_is_taken(
    postgresql_url: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(postgresql_url).connect() as connection:
        driver: Any = connection.connection.driver_connection
        doubts: list[bool] = []

        def doubt() -> bool:
            doubts.append(True)
            if len(doubts) == 2:
                select.select([driver.pgconn.socket], [], [])
            return False

        driver.answers = doubt
        assert connection.scalar(text("SELECT 7 FROM pg_sleep(1)")) == 7
        assert len(doubts) == 2


def test_a_write_that_waits_beyond_its_limit_is_cancelled(
    postgresql_url: str, opened: Opener
) -> None:
    engine = opened(postgresql_url)
    locked = "SELECT id FROM desk FOR UPDATE"
    with writing(engine) as holder:
        holder.execute(text(locked))
        raised = pytest.raises(DatabaseError, match=r"the server said nothing for 0\.3 s")
        with raised, plainly(engine), writing(engine, limit_s=0.3) as connection:
            send(connection, locked, ())
        granted = text("SELECT bool_and(granted) FROM pg_locks")
        until(lambda: holder.scalar(granted), "nobody waits for the lock")


def test_a_statement_of_ones_own_has_no_limit_left_over(
    postgresql_url: str, opened: Opener
) -> None:
    engine = opened(postgresql_url)
    with writing(engine, limit_s=0.1) as connection:
        connection.execute(_PID)
    # The second time, the connection is asked first.
    for _ in range(2):
        own = engine.raw_connection()
        driver: Any = own.driver_connection
        assert driver.limit_s is None
        own.close()


def test_a_server_that_became_a_standby_is_left(postgresql_url: str, opened: Opener) -> None:
    engine = opened(postgresql_url)
    raised = pytest.raises(DatabaseError, match="this server is a standby: try again, or name all")
    with raised, plainly(engine), writing(engine) as connection:
        before = connection.scalar(_PID)
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text("UPDATE desk SET epoch = epoch"))
    with engine.connect() as connection:
        assert connection.scalar(_PID) != before


def test_who_lets_go_of_a_silent_server_does_not_wait_for_its_cancellation(
    postgresql_url: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[object] = []
    monkeypatch.setattr(
        server_connection.ServerConnection, "cancel_safe", lambda *_, **__: cancelled.append(1)
    )
    engine = opened(postgresql_url)
    with engine.connect() as connection:
        raised = pytest.raises(DatabaseError, match=_STOPPED)
        with _frozen(postgresql_url), raised, plainly(engine):
            connection.execute(_PID)
    assert not cancelled


def test_a_commit_that_waits_for_a_standby_is_left_to_wait(
    postgresql_url: str, opened: Opener
) -> None:
    engine, other = opened(postgresql_url), opened(postgresql_url)

    def epoch() -> int:
        with other.connect() as connection:
            found: int = connection.scalar(text("SELECT epoch FROM desk"))
            return found

    with (
        setting(postgresql_url, "ALTER DATABASE {} SET synchronous_commit = on"),
        setting(postgresql_url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"),
    ):
        raised = pytest.raises(DatabaseError, match="the server said nothing")
        with raised, plainly(engine), writing(engine, limit_s=0.3) as connection:
            connection.execute(text("UPDATE desk SET epoch = 7"))
        # Done without the standby, it could be lost after all.
        assert epoch() == 0
    until(lambda: epoch() == 7, "the commit is done")
