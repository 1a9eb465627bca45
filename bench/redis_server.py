"""A Redis of the bench's own, as brokers want it: on the loopback, appending to its file."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

PROGRAM = "redis-server"
HOW = "Redis, appendonly, appendfsync everysec"
_PATIENCE_S = 20.0


def absent() -> str | None:
    """Why there is none; None if there is."""
    return None if shutil.which(PROGRAM) else f"not installed: {PROGRAM}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of an empty one, which ends with the block."""
    port = _free_port()
    process = subprocess.Popen(
        [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--dir", os.fspath(folder),
         "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    until = monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if monotonic() > until:
                raise
            sleep(0.05)
