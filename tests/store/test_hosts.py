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


def test_a_silent_host_costs_its_timeout_once(
    opened: Opener, black_hole: socket.socket, primary: Address
) -> None:
    engine = opened(_url(black_hole.getsockname(), primary, connect_timeout="1"))
    with engine.connect() as one, engine.connect() as two:
        assert one.scalar(text("SELECT 1")) == two.scalar(text("SELECT 1")) == 1
    assert _knocks(black_hole) == 1


def test_a_silent_host_is_not_waited_for_if_another_has_answered(
    opened: Opener, black_hole: socket.socket, standby: Address
) -> None:
    engine = opened(_url(black_hole.getsockname(), standby, connect_timeout="1"))
    for _ in range(3):
        with pytest.raises(DatabaseError), plainly(engine), engine.connect():
            pass
    assert _knocks(black_hole) == 1


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


def test_a_host_answers_whoever_asks(
    primary: Address, black_hole: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "ANSWER_S", 0.2)
    assert hosts.answers(*primary)
    assert not hosts.answers(*black_hole.getsockname())
    assert not hosts.answers(str(tmp_path), 5432)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    assert not hosts.answers(*address)
