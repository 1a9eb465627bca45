"""The API of a rig as a real server on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from tests.api.rig import Rig
from tests.patience import until


@contextmanager
def serving(api: Rig, *, certificate: Path | None = None) -> Iterator[str]:
    """Serve it by a thread and yield the address; with a `certificate` and its key by TLS."""
    config = uvicorn.Config(
        api.asgi_app, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none",
        ssl_certfile=certificate,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "a server")
    [listening] = server.servers[0].sockets
    scheme = "http" if certificate is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
