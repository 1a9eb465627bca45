"""The receiver of orders: a process on the loopback that counts, and answers 200 or never.

One client that asks for `GET /figures` is told how many requests came, and the seconds from the
first to the last.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from time import perf_counter, sleep
from typing import Any

_PATIENCE_S = 600.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    """Where it listens, and what it has counted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/orders"

    def figures(self) -> dict[str, Any]:
        """`count`, and `took_s` from the first request to the last."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/figures")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def wait(self, count: int) -> float:
        """Orders a second, when that many have come.

        Raises:
            TimeoutError: if they do not come.
        """
        until = perf_counter() + _PATIENCE_S
        while perf_counter() < until:
            found = self.figures()
            if found["count"] >= count:
                return float((count - 1) / found["took_s"])
            # Seldom, so that the looks cost those who are measured nothing.
            sleep(0.25)
        raise TimeoutError(f"{self.figures()['count']:,} of {count:,} orders have come")


@contextmanager
def receiver(*, answers: bool = True) -> Iterator[Receiver]:
    """A receiver of its own process, which ends with the block; it takes orders, and answers
    each of them or never answers.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, answers), daemon=True)
    process.start()
    try:
        yield Receiver(ours.recv())
    finally:
        process.terminate()
        process.join()


def _serve(told: Connection, answers: bool) -> None:
    asyncio.run(_listen(told, answers))


async def _listen(told: Connection, answers: bool) -> None:
    times: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    took_s = times[-1] - times[0] if times else 0.0
                    body = json.dumps({"count": len(times), "took_s": took_s}).encode()
                    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
                    writer.write(b"HTTP/1.1 200 OK\r\n" + length + body)
                else:
                    await reader.readexactly(_length(head))
                    times.append(perf_counter())
                    if answers:
                        writer.write(_ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
