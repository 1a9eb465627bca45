"""Connections: how long one may keep the server waiting, and how many a peer may have.

Each test moves a clock of its own and looks, as the server does each second; nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from incidents.system.web_connection import (
    BODY_BYTES_A_S,
    BODY_S,
    HEAD_S,
    MAX_OF_A_PEER,
    UNREAD_S,
    Connection,
    of,
)

FAR, OTHER = "192.0.2.1", "192.0.2.2"
AT_ONCE = 400
GET = b"GET / HTTP/1.1\r\nHost: desk.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: desk.example\r\nContent-Length: 1000000\r\n\r\n"


class Wire(asyncio.Transport):
    """The other end of a connection: what came there, and what it has not taken."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 50_000), "sockname": ("192.0.2.9", 7390)})
        self.sent, self.unread = b"", 0
        self._lose: Callable[[], object] = lambda: None
        self._is_closing = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, Connection)
        self._lose = lambda: protocol.loop.call_soon(protocol.connection_lost, None)

    def write(self, data: Any) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """What is unread is sent first."""
        if not self._is_closing and not self.unread:
            self._lose()
        self._is_closing = True

    def abort(self) -> None:
        if not self._is_closing or self.unread:
            self._lose()
        self._is_closing, self.unread = True, 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Server:
    """A server whose application does `answer`, and whose time is `now`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.now, self.state = loop, loop.time(), ServerState()
        self.answer: Callable[..., Any] = at_once
        self.made = of(AT_ONCE, [ip_network("198.51.100.0/24")])

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self.answer(receive, send)

        self.config = uvicorn.Config(
            app, lifespan="off", ws="none", http=self.made, log_config=None,
            interface="asgi3", limit_concurrency=AT_ONCE,
        )  # fmt: skip
        self.config.load()

    def connect(self, peer: str = FAR) -> tuple[Connection, Wire]:
        wire = Wire(peer)
        connection = self.made(self.config, self.state, {}, self.loop)
        wire.set_protocol(connection)
        connection.connection_made(wire)
        return connection, wire

    def later(self, seconds: float) -> None:
        """Let that many seconds pass, with a check of all connections in each."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1)
            self.made.peers.check_deadlines(self.state.connections, self.now)
            self.run()

    def run(self) -> None:
        """Whatever the application can do by now is done."""
        for _ in range(5):
            self.loop.run_until_complete(asyncio.sleep(0))


async def at_once(_receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": b"done"})


async def after_the_body(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    await at_once(receive, send)


async def without_an_end(receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    loop = asyncio.new_event_loop()
    made = Server(loop)
    yield made
    for connection in list(made.state.connections):
        connection.transport.abort()
    made.run()
    assert not asyncio.all_tasks(loop)
    loop.close()


def test_whoever_says_nothing_is_cut_off_without_a_word(server: Server) -> None:
    _, wire = server.connect()

    server.later(HEAD_S)
    assert not wire.is_closing()
    server.later(2)

    assert (wire.is_closing(), wire.sent) == (True, b"")


def test_a_head_that_comes_byte_by_byte_is_not_in_time(server: Server) -> None:
    connection, wire = server.connect()
    for byte in GET[: int(HEAD_S) + 2]:
        connection.data_received(bytes([byte]))
        server.later(1)

    assert wire.is_closing()
    assert wire.sent.startswith(b"HTTP/1.1 408 ")
    assert b"frame-ancestors 'none'" in wire.sent


def test_between_two_requests_a_connection_rests_but_the_next_head_has_a_deadline_again(
    server: Server,
) -> None:
    connection, wire = server.connect()
    connection.data_received(GET)
    server.later(5 * HEAD_S)
    assert (wire.is_closing(), wire.sent.count(b"200 OK")) == (False, 1)

    connection.data_received(GET[:5])
    server.later(HEAD_S + 2)

    assert wire.is_closing()


def test_a_body_that_stops_is_answered_with_408_and_its_reader_hears_that_there_is_no_more(
    server: Server,
) -> None:
    heard: list[str] = []

    async def listen(receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            heard.append(message["type"])
            if message["type"] == "http.disconnect":
                break
        await at_once(receive, send)

    server.answer = listen
    connection, wire = server.connect()
    connection.data_received(POST + b"x")
    server.later(BODY_S)
    assert not wire.is_closing()

    server.later(2)

    assert wire.is_closing()
    assert wire.sent.startswith(b"HTTP/1.1 408 ")
    assert b"200" not in wire.sent
    assert heard[-1] == "http.disconnect"


@pytest.mark.parametrize(("rate", "arrives"), [(2 * BODY_BYTES_A_S, True), (100, False)])
def test_a_body_may_take_long_as_long_as_it_comes_fast_enough(
    server: Server, rate: int, arrives: bool
) -> None:
    server.answer = after_the_body
    connection, wire = server.connect()
    connection.data_received(POST)
    for _ in range(1_000_000 // rate):
        if wire.is_closing():
            break
        server.later(1)
        connection.data_received(b"x" * rate)
        server.run()

    assert (b"200 OK" in wire.sent) is arrives
    assert wire.is_closing() is not arrives


def test_a_body_that_nobody_has_asked_for_yet_is_not_late(server: Server) -> None:
    begin = asyncio.Event()

    async def busy_at_first(receive: Any, send: Any) -> None:
        await begin.wait()
        await after_the_body(receive, send)

    server.answer = busy_at_first
    full, wire = server.connect()
    full.data_received(POST + b"x" * 70_000)  # more than is taken in advance
    asking, patient = server.connect()
    asking.data_received(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    server.later(3 * BODY_S)
    assert not wire.is_closing()
    assert not patient.is_closing()

    begin.set()
    server.run()

    assert b"100 Continue" in patient.sent
    server.later(BODY_S + 2)
    assert wire.is_closing()
    assert patient.is_closing()


def test_a_body_is_awaited_no_longer_when_the_answer_does_not_need_it(server: Server) -> None:
    connection, wire = server.connect()
    connection.data_received(POST + b"x")
    server.later(1)
    assert b"200 OK" in wire.sent
    connection.data_received(b"x")

    server.later(BODY_S + 2)

    assert wire.is_closing()


def test_a_stream_without_an_end_has_no_deadline(server: Server) -> None:
    server.answer = without_an_end
    connection, wire = server.connect()
    connection.data_received(GET)

    server.later(600)

    assert not wire.is_closing()


def test_but_who_does_not_read_it_is_cut_off(server: Server) -> None:
    server.answer = without_an_end
    connection, wire = server.connect()
    connection.data_received(GET)
    wire.unread = 10_000
    server.later(UNREAD_S / 2)
    wire.unread = 9_000
    server.later(UNREAD_S)
    assert not wire.is_closing()

    server.later(2)

    assert wire.is_closing()


def test_so_is_who_is_being_closed_and_does_not_take_the_rest(server: Server) -> None:
    connection, wire = server.connect()
    connection.data_received(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    server.run()
    wire.unread = 10_000
    assert wire.is_closing()

    server.later(UNREAD_S + 2)

    assert server.state.connections == set()


def test_beyond_its_share_the_connection_of_a_peer_that_is_silent_for_longest_makes_room(
    server: Server,
) -> None:
    others = server.connect(OTHER)[1]
    wires = [server.connect()[1] for _ in range(MAX_OF_A_PEER + 2)]

    assert [wire.is_closing() for wire in wires] == [True, True] + [False] * MAX_OF_A_PEER
    assert not others.is_closing()


def test_if_all_of_them_are_at_work_a_new_one_is_told_that_there_are_too_many(
    server: Server,
) -> None:
    server.answer = without_an_end
    at_work = [server.connect() for _ in range(MAX_OF_A_PEER)]
    for connection, _ in at_work:
        connection.data_received(GET)

    _, wire = server.connect()

    assert wire.is_closing()
    assert wire.sent.startswith(b"HTTP/1.1 429 ")
    assert not any(each.is_closing() for _, each in at_work)
    assert not server.connect(OTHER)[1].is_closing()
    # Who has gone is not counted, nor who was refused.
    at_work[0][1].abort()
    server.run()
    again, wire = server.connect()
    again.data_received(GET)
    assert not wire.is_closing()
    assert server.connect()[1].is_closing()


@pytest.mark.parametrize(
    ("peer", "kept"), [("::ffff:192.0.2.1", False), ("2001:db8::1", False), ("127.0.0.1", True),
                       ("198.51.100.7", True)],
)  # fmt: skip
def test_an_address_however_written_a_network_of_ipv6_and_not_a_proxy_is_one_peer(
    server: Server, peer: str, kept: bool
) -> None:
    server.answer = without_an_end
    for n in range(MAX_OF_A_PEER):
        connection, _ = server.connect(f"2001:db8::{n:x}" if "db8" in peer else peer)
        connection.data_received(GET)

    assert server.connect(peer.removeprefix("::ffff:"))[1].is_closing() is not kept


def test_a_server_that_is_full_lets_go_of_whoever_is_silent_for_longest(server: Server) -> None:
    # So many addresses, and proxies, as it takes.
    silent = [server.connect(f"198.51.100.{n % 250}")[1] for n in range(AT_ONCE + 4)]

    connection, wire = server.connect(FAR)
    connection.data_received(GET)
    server.run()

    assert b"200 OK" in wire.sent
    assert [each.is_closing() for each in silent].index(False) == 6
