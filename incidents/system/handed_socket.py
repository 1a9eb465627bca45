"""The handed socket: what a worker accepts from, whose parent accepts and hands connections on."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any


class Handed(socket.socket):
    """A worker's end of the channel on which it gets connections, in place of a listening socket.

    The end of the channel is the end of the parent: then the worker ends, too.
    """

    _is_over = False

    def listen(self, _backlog: int = 0, /) -> None:
        """Do nothing: the parent listens."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection and its peer's address; raises BlockingIOError."""
        given, files, *_ = socket.recv_fds(self, 1, 1)
        if not given and not self._is_over:
            self._is_over = True
            os.kill(os.getpid(), signal.SIGTERM)
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
