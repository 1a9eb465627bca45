"""The advice after a failed connection, by libpq's real messages."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from incidents.errors import Cause, DatabaseError
from incidents.locale.language import language
from incidents.store.database.address import NAME_ANOTHER
from incidents.store.database.engine import create, plainly

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_ASKS_FOR_A_PASSWORD = struct.pack("!cii", b"R", 8, 3)


def _fatal(message: str, code: str = "28000") -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return struct.pack("!ci", b"E", len(fields) + 4) + fields


class Server:
    """A server without SSL that answers each attempt to sign in with the same bytes."""

    answer = b""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.port = listening.getsockname()[1]

    def run(self) -> None:
        """Serve one connection after another until the socket is shut down."""
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        while len(head := connection.recv(8)) == 8:
            length, code = struct.unpack("!ii", head)
            if code in (_SSL_REQUEST, _GSS_REQUEST):
                connection.sendall(b"N")
                continue
            connection.recv(length - 8)
            connection.sendall(self.answer)
            connection.recv(1_000)
            return


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Server(listening)
        thread = Thread(target=made.run)
        thread.start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(autouse=True)
def _no_password_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))


def failure(url: str) -> DatabaseError:
    engine = create(url)
    try:
        with pytest.raises(DatabaseError) as raised, plainly(engine), engine.connect():
            pass
    finally:
        engine.dispose()
    return raised.value


def test_a_server_without_ssl_is_not_to_be_started(server: Server) -> None:
    error = failure(f"postgresql://li@127.0.0.1:{server.port}/x?sslmode=require")

    assert error.message.endswith(
        "server does not support SSL, but SSL was required; set ssl = on in the server's"
        " postgresql.conf, or change sslmode in the URL"
    )
    assert isinstance(error.message, Cause)
    assert (
        language("zh_CN")
        .cause(error.message)
        .endswith("；请在服务器的 postgresql.conf 中设 ssl = on，或修改 URL 中的 sslmode")
    )


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (
            _ASKS_FOR_A_PASSWORD,
            "with mode 0600, or into the file that PGPASSFILE names",
        ),
        (
            _fatal('password authentication failed for user "li"', "28P01"),
            "; check the user in the URL and its password in ~/.pgpass",
        ),
        (
            _fatal('no pg_hba.conf entry for host "127.0.0.1", user "li", database "x"'),
            f"; allow this user and machine in the server's pg_hba.conf, or {NAME_ANOTHER}",
        ),
        (
            _fatal("the database system is starting up", "57P03"),
            "the database system is starting up; try again in a minute",
        ),
        (_fatal("something else"), "; name another one with --db or INCIDENTS_DB"),
    ],
)
def test_a_server_that_answers_is_not_to_be_started(
    server: Server, answer: bytes, remedy: str
) -> None:
    server.answer = answer
    error = failure(f"postgresql://li@127.0.0.1:{server.port}/x")
    assert error.message.endswith(remedy)
    assert "start it" not in error.message


def test_of_several_servers_the_one_that_answers_has_the_remedy(server: Server) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{server.port}"
    error = failure(f"postgresql://li@{hosts}/x?sslmode=require")
    assert "Connection refused" in error.message
    assert error.message.endswith("or change sslmode in the URL")


@pytest.mark.parametrize("where", ["127.0.0.1:1/x", "/x?host=/no/such/folder"])
def test_a_server_is_to_be_started_where_nothing_listens(where: str) -> None:
    error = failure(f"postgresql://li@{where}")
    assert error.message.endswith("; start it, or name another one with --db or INCIDENTS_DB")


def test_a_server_that_is_silent_may_be_out_of_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        # The shortest time that libpq waits.
        error = failure(f"postgresql://li@127.0.0.1:{port}/x?connect_timeout=2")
    assert "; check that it is running and can be reached from here, or name" in error.message


def test_a_host_without_an_address_is_to_be_checked() -> None:
    error = failure("postgresql://li@nosuch.invalid/x")
    assert error.message.endswith("; check the host in the URL")
