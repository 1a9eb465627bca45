"""Etcd: one node of the store in which members of a cluster agree who leads."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.fire.cluster_programs import program, start

ETCD = 2379
"""The port, where each node has a host of its own."""


class Etcd:
    """One node of etcd; `peers` names all of them, as `name=URL` with commas between."""

    def __init__(
        self, name: str, folder: Path, user: str | None, host: str, port: int, peers: str
    ) -> None:
        own = f"http://{host}:{port}"
        peer = dict(each.split("=", 1) for each in peers.split(","))[name]
        self._words = [
            program("etcd"), "--name", name, "--data-dir", str(folder / f"etcd-{name}"),
            "--unsafe-no-fsync", "--heartbeat-interval", "200", "--election-timeout", "2000",
            "--listen-client-urls", own, "--advertise-client-urls", own,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", peers,
        ]  # fmt: skip
        self._log, self._user = folder / f"etcd-{name}.log", user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is None:
            self._process = start(self._words, self._log, self._user)

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
