"""The handed socket: what a worker accepts from, whose parent accepts and hands connections on."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any


class Handed(socket.socket):
    """A worker's end of its channel, on which it gets connections: it has no listening socket."""

    def listen(self, _backlog: int = 0, /) -> None:
        """Do nothing: the parent listens."""

    def beat(self) -> None:
        """Say that the worker goes on."""
        # The parent has been stopped for long, or is about to end.
        with suppress(OSError):
            self.send(b".", socket.MSG_DONTWAIT)

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection and its peer's address; raises BlockingIOError."""
        _, files, *_ = socket.recv_fds(self, 1, 1)
        if not files:
            raise BlockingIOError
        connection = socket.socket(fileno=files[0])
        # Unlike one that was accepted: a program that the worker starts would keep it open.
        connection.set_inheritable(False)
        try:
            return connection, connection.getpeername()
        except OSError:
            # The peer has gone meanwhile.
            connection.close()
            raise BlockingIOError from None
