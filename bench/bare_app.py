"""The bare app: FastAPI with one endpoint, which inserts by the bare driver what a logging writes.

It asks nobody who they are, decides nothing and answers with a number; it is served as ours is.
"""

from __future__ import annotations

import multiprocessing
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

from bench.floor import Floor, Pattern


class Finding(BaseModel):
    """What is logged: of a length that it may have."""

    urls: list[str] = Field([], max_length=100)
    note: str | None = Field(None, max_length=10_000)


@contextmanager
def serving(url: str, pattern: Pattern) -> Iterator[int]:
    """While it lasts, the app listens on the port, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, url, pattern), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(told: Connection, url: str, pattern: Pattern) -> None:
    app, of_thread = FastAPI(), threading.local()

    @app.post("/sites/{site}/incidents", status_code=201)
    def log(site: int, finding: Finding) -> dict[str, int]:
        if not hasattr(of_thread, "floor"):
            of_thread.floor = Floor(url, pattern)
        of_thread.floor.log(site)
        return {"site": site, "urls": len(finding.urls)}

    with socket.create_server(("127.0.0.1", 0)) as opened:
        # As a server has it that opens its sockets itself.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        told.send(opened.getsockname()[1])
        config = uvicorn.Config(
            app, lifespan="off", ws="none", http="h11", loop="asyncio", log_config=None,
            access_log=False,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[opened])
