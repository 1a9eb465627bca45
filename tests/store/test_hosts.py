"""The hosts of a database: which one is connected to, and which are passed over."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from incidents.errors import DatabaseError
from incidents.store.database import hosts
from incidents.store.database.engine import plainly
from incidents.store.postgresql.server_connection import ServerConnection
from tests.databases import PostgresqlDatabases, postgresql_server
from tests.store.conftest import Opener

Address = tuple[str, int]


def _url(*addresses: Address, **query: str) -> str:
    """The URL of the database `postgres` on those hosts; a Unix socket is given by its folder."""
    given = {
        "user": "postgres",
        "host": ",".join(host for host, _ in addresses),
        "port": ",".join(str(port) for _, port in addresses),
    } | query
    return "postgresql:///postgres?" + "&".join(f"{k}={v}" for k, v in given.items())


def _address(databases: PostgresqlDatabases) -> Address:
    with psycopg.connect(databases.url("postgres")) as connection:
        return connection.info.host, connection.info.port


@pytest.fixture(scope="module")
def primary(postgresql_databases: PostgresqlDatabases) -> Address:
    return _address(postgresql_databases)


@pytest.fixture(scope="module")
def standby() -> Iterator[Address]:
    """A server that cannot be written to."""
    with postgresql_server() as databases:
        with psycopg.connect(databases.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            connection.execute("SELECT pg_reload_conf()")
        yield _address(databases)


@pytest.fixture
def black_hole() -> Iterator[socket.socket]:
    """A host that accepts connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def _knocks(server: socket.socket) -> int:
    """How many connections were made since the last call."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_of_several_hosts_the_one_that_can_be_written_to_is_taken(
    opened: Opener, standby: Address, primary: Address
) -> None:
    with opened(_url(standby, primary)).connect() as connection:
        assert connection.scalar(text("SHOW transaction_read_only")) == "off"


def test_a_single_host_is_taken_as_it_is(opened: Opener, standby: Address) -> None:
    with opened(_url(standby)).connect() as connection:
        assert connection.scalar(text("SHOW transaction_read_only")) == "on"


@pytest.mark.parametrize(("wanted", "is_read_only"), [("any", "on"), ("prefer-standby", "off")])
def test_the_url_can_ask_for_another_kind_of_host(
    opened: Opener, standby: Address, primary: Address, wanted: str, is_read_only: str
) -> None:
    # Neither of the two is a real standby: the preference falls to the first that answers.
    order = (standby, primary) if wanted == "any" else (primary, standby)
    with opened(_url(*order, target_session_attrs=wanted)).connect() as connection:
        assert connection.scalar(text("SHOW transaction_read_only")) == is_read_only


def test_a_silent_host_is_asked_and_not_waited_for(
    opened: Opener, black_hole: socket.socket, primary: Address
) -> None:
    # A wait for the first host would outlast the test.
    engine = opened(_url(black_hole.getsockname(), primary, connect_timeout="3600"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    assert _knocks(black_hole) == 1


def test_a_silent_host_is_tried_once_while_another_answers(
    opened: Opener, black_hole: socket.socket, standby: Address
) -> None:
    engine = opened(_url(black_hole.getsockname(), standby, connect_timeout="1"))
    tries = 3
    for _ in range(tries):
        with pytest.raises(DatabaseError), plainly(engine), engine.connect():
            pass
    questions = tries
    assert _knocks(black_hole) == questions + 1


def test_silent_hosts_are_tried_again_if_no_other_is_left(
    opened: Opener, black_hole: socket.socket
) -> None:
    engine = opened(_url(black_hole.getsockname(), connect_timeout="1"))
    for _ in range(2):
        with pytest.raises(DatabaseError, match="connection timeout"), plainly(engine):
            engine.connect()
    assert _knocks(black_hole) == 2


def test_a_failure_names_each_host_and_its_answer(
    opened: Opener, black_hole: socket.socket, standby: Address, tmp_path: Path
) -> None:
    silent, gone = black_hole.getsockname(), (str(tmp_path), 5432)
    with (
        pytest.raises(DatabaseError) as refused,
        plainly(engine := opened(_url(silent, standby, gone, connect_timeout="1"))),
    ):
        engine.connect()
    told = refused.value.message
    assert f"127.0.0.1:{silent[1]}: connection timeout expired" in told
    assert f"{standby[0]}:{standby[1]}: " in told
    assert "session is read-only" in told
    assert f"{tmp_path}:5432: " in told


def test_all_hosts_are_asked_at_once(
    primary: Address, black_hole: socket.socket, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refuses: Address = closed.getsockname()
    silent: Address = black_hole.getsockname()
    assert hosts.answering([silent, (str(tmp_path), 5432), refuses, primary]) == [primary]


def test_where_nobody_answers_the_question_has_an_end(
    black_hole: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "ANSWER_S", 0.2)
    assert hosts.answering([black_hole.getsockname()]) == []


def test_a_host_that_was_silent_and_answers_again_is_tried_at_once(
    opened: Opener, primary: Address, tmp_path: Path
) -> None:
    engine = opened(_url((str(tmp_path), 5432), primary))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hosts, "_LATE_S", 0.0)
        patched.setattr(ServerConnection, "connect", _refuse)
        with pytest.raises(DatabaseError), plainly(engine):
            engine.connect()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def _refuse(**_: object) -> None:
    raise psycopg.OperationalError("slowly refused")
