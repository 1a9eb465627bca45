"""The wire: a proxy before PostgreSQL that knows the protocol's messages, and cuts at one of them.

A fault on the way to the server is the client's to survive: the connection is gone before a
message, within it, or because the server has ended the session.
"""

import contextlib
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TO_SERVER, TO_CLIENT = "to the server", "to the client"
BEFORE, WITHIN, TERMINATED, KILLED = "before", "within", "terminated at", "killed at"
PORT = 5432
_PIECE = 65_536
# Four bytes of length, the request's code, the process, the secret: no type comes before them.
_BACKEND_KEY = ord("K")


@dataclass(frozen=True, slots=True)
class Message:
    """The `n`th message in that direction, counted over all connections from 1; its type's letter.

    A client's first message has no type, and is `-`.
    """

    direction: str
    n: int
    kind: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The place at which the connection ends, and the way."""

    how: str
    message: Message

    def __str__(self) -> str:
        message = self.message
        return f"{self.how} message no. {message.n} ({message.kind}) {message.direction}"


class Wire:
    """A server's socket in a folder of its own; every connection is passed on to the real one."""

    def __init__(self, upstream: Path, folder: Path, terminate: Callable[[int], object]) -> None:
        self.folder = folder
        self.messages: list[Message] = []
        self.was_cut = False
        self._upstream = upstream
        self._terminate = terminate
        self._cut: Cut | None = None
        self._counted = Counter[str]()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{PORT}"))
        self._listener.listen()
        self._start(self._accept)

    @contextmanager
    def cutting(self, cut: Cut | None) -> Iterator[None]:
        """Count again from zero, and cut at that message; within the block there is one command."""
        with self._lock:
            self.messages, self._counted, self._cut = [], Counter(), cut
            self.was_cut = False
        yield
        with self._lock:
            self._cut = None

    def close(self) -> None:
        """End all connections, and stop listening."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            _end(end)
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            self._open += [client, server]
            try:
                server.connect(str(self._upstream))
            except OSError:
                _end(client)
                continue
            session = _Session(self._passes, client, server)
            self._start(session.pass_on, TO_SERVER)
            self._start(session.pass_on, TO_CLIENT)

    def _passes(self, session: "_Session", direction: str, kind: str, data: bytes) -> bytes | None:
        """The part of the message that passes; None if the connection ends here."""
        with self._lock:
            self._counted[direction] += 1
            message = Message(direction, self._counted[direction], kind)
            self.messages.append(message)
            cut = self._cut
            if cut is None or (cut.message.direction, cut.message.n) != (direction, message.n):
                return data
            self._cut, self.was_cut = None, True
        if cut.how == TERMINATED:
            self._terminate(session.backend)
            return data
        if cut.how == KILLED:
            os.kill(session.backend, signal.SIGKILL)
            return data
        session.last_words = data[: len(data) // 2] if cut.how == WITHIN else b""
        return None


class _Session:
    def __init__(
        self,
        passes: Callable[["_Session", str, str, bytes], bytes | None],
        client: socket.socket,
        server: socket.socket,
    ) -> None:
        self.backend = 0
        self.last_words = b""
        self._passes = passes
        self._client, self._server = client, server

    def pass_on(self, direction: str) -> None:
        """Pass on all that comes in one direction, message by message, until an end."""
        ends = self._client, self._server
        source, target = ends if direction == TO_SERVER else reversed(ends)
        reader = _Reader(starts_untyped=direction == TO_SERVER)
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                for kind, message in reader.messages(data):
                    if kind == chr(_BACKEND_KEY) and direction == TO_CLIENT:
                        self.backend = int.from_bytes(message[5:9], "big")
                    going = self._passes(self, direction, kind, message)
                    if going is None:
                        target.sendall(self.last_words)
                        raise ConnectionError
                    target.sendall(going)
        for end in ends:
            _end(end)


class _Reader:
    def __init__(self, *, starts_untyped: bool) -> None:
        self._rest = b""
        self._typed = not starts_untyped

    def messages(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The whole messages so far, with their types."""
        self._rest += data
        while True:
            head = 1 if self._typed else 0
            if len(self._rest) < head + 4:
                return
            size = head + int.from_bytes(self._rest[head : head + 4], "big")
            if len(self._rest) < size:
                return
            message, self._rest = self._rest[:size], self._rest[size:]
            kind = chr(message[0]) if self._typed else "-"
            self._typed = True
            yield kind, message


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def wire(upstream: Path, folder: Path, terminate: Callable[[int], object]) -> Iterator[Wire]:
    """A wire in `folder` to the server's socket `upstream`, until the `with` block ends."""
    made = Wire(upstream, folder, terminate)
    try:
        yield made
    finally:
        made.close()
