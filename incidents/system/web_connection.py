"""The connections of the web server: their number for each peer, and their time limits.

uvicorn itself waits forever for a request's head, for its body, and for a peer that does not read
the response. Here every connection is checked each second, and slow connections are cut off. An
endless response, such as a stream of changes, has no deadline.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from math import inf
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from incidents import log
from incidents.values import peer_address
from incidents.values.peer_address import Network

HEAD_S = 10.0
"""The deadline for the whole head of a request; an idle connection may stay open for longer."""

BODY_S, BODY_BYTES_A_S = 30.0, 10_000
"""The deadline for a body, with one more second for each `BODY_BYTES_A_S` bytes received."""

UNREAD_S = 60.0
"""The maximum number of seconds for which a peer may read nothing of its response."""

MAX_OF_A_PEER = 100
"""The maximum number of connections from one address (IPv6: one network)."""

_LOG_EVERY_S = 60.0
_TOO_MANY = "too many connections from your address: close some, and try again"
_TOO_SLOW = "the request did not come in time"

_log = log.logger("web")


class Peers:
    """The connected peers of a server that accepts `at_once` connections.

    An address may have 100 connections, or half of all if there are fewer than 200. Beyond that,
    its connection that has waited longest for a request is dropped; if none waits, the new
    connection is refused. On the loopback, where a proxy may represent everybody, only a connection
    that never sent a request is dropped, and none is refused. Connections from `trusted` proxies
    are not counted. When all connections are in use, the connection that has waited longest is
    dropped, whatever its peer.
    """

    def __init__(self, at_once: int, trusted: Sequence[Network]) -> None:
        self._at_once, self._most = at_once, min(MAX_OF_A_PEER, at_once // 2)
        self._trusted = trusted
        self._count: Counter[str] = Counter()
        self._waiting: dict[Connection, None] = {}
        self._refused, self._logged_at = 0, -inf

    def admit(self, new: Connection) -> bool:
        """Return whether a connection may stay, after dropping the longest waiting if needed."""
        address = peer_address.read(new.client[0]) if new.client else None
        if address is not None and not any(address in network for network in self._trusted):
            owner = peer_address.owner(address)
            if self._count[owner] >= self._most:
                idle = self._idle(owner, silent=address.is_loopback)
                if idle is not None:
                    idle.abort()
                elif not address.is_loopback:
                    self._refused += 1
                    return False
            self._count[owner] += 1
            new.owner = owner
        if len(new.connections) >= self._at_once and self._waiting:
            next(iter(self._waiting)).abort()
        self.on_idle(new)
        return True

    def _idle(self, owner: str, *, silent: bool) -> Connection | None:
        for each in self._waiting:
            if each.owner == owner and not (silent and each.cycle is not None):
                return each
        return None

    def on_idle(self, connection: Connection) -> None:
        """Note that a connection now waits for a request."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def on_request(self, connection: Connection) -> None:
        """Note that a request has come."""
        self._waiting.pop(connection, None)

    def on_close(self, connection: Connection) -> None:
        """Forget a closed connection."""
        self.on_request(connection)
        if connection.owner is not None:
            self._count[connection.owner] -= 1
            if not self._count[connection.owner]:
                del self._count[connection.owner]
            connection.owner = None

    def check_deadlines(self, connections: Iterable[object], now: float) -> None:
        """Cut off slow connections at that time of the event loop; called every second.

        Refused connections are logged, at most once a minute.
        """
        for each in list(connections):
            if isinstance(each, Connection):
                each.check_deadlines(now)
        if self._refused and now - self._logged_at >= _LOG_EVERY_S:
            _log.warning(
                "connections refused: an address reached its limit",
                n=self._refused, limit=self._most,
            )  # fmt: skip
            self._refused, self._logged_at = 0, now


class Connection(H11Protocol):
    """One connection of `peers`; see `of`."""

    peers: ClassVar[Peers]

    owner: str | None = None
    """The address or network that the connection counts for, if it is counted."""

    _awaited: tuple[str | None, object] = (None, None)
    _since = 0.0
    _bytes = 0
    _unread, _unread_since = 0.0, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a new connection, or refuse it."""
        super().connection_made(transport)
        self._since = self._unread_since = self.loop.time()
        if not self.peers.admit(self):
            self._answer(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.peers.on_close(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive a part of a request."""
        self._bytes += len(data)
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self.peers.on_request(self)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.peers.on_idle(self)

    def resume_writing(self) -> None:
        """Note that the peer has read most of its response."""
        super().resume_writing()
        self._unread = inf

    def check_deadlines(self, now: float) -> None:
        """Cut the connection off if the server has waited too long, by the loop's time."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread < self._unread:
            self._unread_since = now
        elif now - self._unread_since > UNREAD_S:
            self.abort()
            return
        self._unread = unread
        awaited = (self._awaits(), self.cycle)
        if awaited != self._awaited:
            self._awaited, self._since, self._bytes = awaited, now, 0
        elif awaited[0] is not None and now - self._since > self._allowed(awaited[0]):
            self._cut_off()

    def abort(self) -> None:
        """End the connection at once, without sending the rest of the response."""
        self.peers.on_close(self)
        self.connections.discard(self)
        self.transport.abort()

    def _awaits(self) -> str | None:
        """The part of a request that the server waits for, if the peer causes the delay."""
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.IDLE:
            return "head" if self.timeout_keep_alive_task is None else None
        if self.conn.their_state is not h11.SEND_BODY or self.flow.read_paused:
            return None
        return None if self.cycle.waiting_for_100_continue else "body"

    def _allowed(self, part: str) -> float:
        return HEAD_S if part == "head" else BODY_S + self._bytes / BODY_BYTES_A_S

    def _cut_off(self) -> None:
        has_begun = self.conn.their_state is not h11.IDLE or bool(self.conn.trailing_data[0])
        if self.cycle is not None:
            # The body's reader learns that no more comes, and its answer is dropped.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if has_begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)
        else:
            self.transport.close()

    def _answer(self, status: HTTPStatus, why: str) -> None:
        """The last response on this connection."""
        body = f"{why}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"),
            (b"content-length", str(len(body)).encode()), (b"retry-after", b"10"),
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        ]  # fmt: skip
        head = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        for part in (head, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(part) or b"")
        self.transport.close()


def of(at_once: int, trusted: Sequence[Network]) -> type[Connection]:
    """Make the connection class for one server; `trusted`: the networks of its proxies."""
    made: Any = type("Connection", (Connection,), {"peers": Peers(at_once, trusted)})
    return made  # type: ignore[no-any-return]
