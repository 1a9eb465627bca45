"""The exchange: one connection to a server over HTTP, as cheap as can be.

What asks runs on the machine that is measured: a client that does more would measure itself.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from statistics import median
from time import perf_counter
from typing import Any

_PATIENCE_S = 60.0
_END = b"\r\n\r\n"


def request(
    method: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
) -> bytes:
    """A whole request, ready to be sent."""
    own = {"Host": "127.0.0.1", **headers}
    sent = b""
    if body is not None:
        sent = json.dumps(body).encode()
        own |= {"Content-Type": "application/json", "Content-Length": str(len(sent))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
    return "\r\n".join(lines).encode() + _END + sent


class Exchange:
    """A connection that is kept; one question at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, asked: bytes, status: int = 200) -> bytes:
        """What is answered to a request.

        Raises:
            RuntimeError: if the answer has another status.
        """
        self._socket.sendall(asked)
        found = b""
        while _END not in found:
            found += self._received()
        head, _, body = found.partition(_END)
        length = length_of(head)
        while len(body) < length:
            body += self._received()
        if status_of(head) != status:
            raise RuntimeError(f"answered with {status_of(head)}: {body[:500]!r}")
        return body

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def _received(self) -> bytes:
        found = self._socket.recv(1 << 18)
        if not found:
            raise RuntimeError("the server has hung up")
        return found


def median_ms(port: int, asked: bytes, looks: int) -> float:
    """Milliseconds of the median answer to a request, one after the other on one connection."""
    server, took = Exchange(port), []
    for n in range(looks + looks // 4):
        began = perf_counter()
        server.ask(asked)
        # The first ones plan statements and read pages.
        if n >= looks // 4:
            took.append((perf_counter() - began) * 1_000)
    server.close()
    return median(took)


def status_of(head: bytes) -> int:
    """The status of an answer."""
    return int(head[9:12])


def length_of(head: bytes) -> int:
    """How many bytes of body follow that head."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer without its length")
