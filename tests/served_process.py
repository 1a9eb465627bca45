"""A server of the console that can be killed, stopped and started again: a process of its own."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.nursery import Child, nursery_for
from tests.patience import until


@dataclass
class ServerProcess:
    """`incidents serve` on a database, at an address that stays the same."""

    db: str
    folder: Path
    port: int = 0
    _child: Child | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        env = {**os.environ, "INCIDENTS_DB": self.db}
        said = self.folder / "serve.out"
        with said.open("wb") as out, Path(os.devnull).open("rb") as nothing:
            self._child = nursery_for(env).begin(
                ["serve", "--port", str(self.port)], env=env,
                streams=(nothing.fileno(), out.fileno(), out.fileno()),
            )  # fmt: skip
        address = re.compile(r"^http.*:(\d+)$", re.MULTILINE)
        told = until(lambda: address.findall(said.read_text()), "it listens")
        self.port = int(told[0])

    def kill(self) -> None:
        """As when its machine loses its power."""
        assert self._child is not None
        self._child.kill()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It hangs meanwhile: its connections stand, and nothing comes."""
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._child.send_signal(signal.SIGCONT)


@contextmanager
def server_process(db: str, folder: Path) -> Iterator[ServerProcess]:
    """A server that runs, until the block ends."""
    server = ServerProcess(db, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
