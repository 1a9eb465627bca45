"""A member of a cluster: one PostgreSQL, and the Patroni that watches over it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import psycopg

from tests.fire.cluster_programs import BIN, ENVIRONMENT, give_to, program, start, with_children
from tests.fire.etcd import ETCD, Etcd
from tests.fire.network import Host
from tests.nursery import ROOT
from tests.patience import until

DATABASE = "desk"
_PORT, _API = 5432, 8008

# Nobody asks for it, and Patroni makes no database without one.
_UNASKED = "unasked"
_EXAMPLE = ROOT / "docs/examples/patroni.yml"
# What a machine for tests has no time or no need for.
_HURRIED = {
    "scram-sha-256": "trust",
    "hostssl": "host",
    """\
    ssl: "on"
    ssl_cert_file: $certificate
    ssl_key_file: $key
    ssl_ca_file: $authority
""": "",
    "{locale: C}]": "{locale: C}, no-sync]",
    "  parameters:\n": """\
  parameters:
    fsync: "off"
    shared_buffers: 16MB
    timezone: Asia/Shanghai
""",
}


@dataclass(frozen=True, slots=True)
class Times:
    """Patroni's own, in seconds: a dead leader is replaced after `ttl`."""

    ttl: int
    loop_wait: int
    retry_timeout: int


SHORTEST = Times(20, 1, 3)
# Three nodes of etcd agree more slowly than one, on a busy machine.
SHORT = Times(20, 1, 5)
DEFAULT = Times(30, 10, 10)


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a member, and the etcd that it asks; processes start `within` its host."""

    host: str
    port: int
    api: int
    etcd: str
    times: Times = SHORTEST
    synchronous: bool = False
    within: Callable[[], AbstractContextManager[None]] = nullcontext

    @classmethod
    def on(cls, host: Host, hosts: Sequence[Host], times: Times) -> Place:
        """On a host of its own, with an etcd on each of all the hosts."""
        ordered = sorted(hosts, key=lambda each: each is not host)
        etcd = ",".join(f"{each.address}:{ETCD}" for each in ordered)
        return cls(host.address, _PORT, _API, etcd, times, synchronous=True, within=host.entered)


class Member:
    """One PostgreSQL, and the Patroni that watches over it; on a host of its own an etcd, too."""

    def __init__(
        self, name: str, folder: Path, user: str | None, place: Place, etcd: Etcd | None = None
    ) -> None:
        self.name, self.place = name, place
        self._folder, self._user, self._etcd = folder / name, user, etcd
        self._folder.mkdir()
        settings = self._folder / "patroni.yml"
        settings.write_text(_settings(name, place, self._folder))
        give_to(user, self._folder, settings)
        self._settings = settings
        self._patroni: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The server's."""
        return self.place.port

    def start(self) -> None:
        """Begin to watch: it makes the database, or copies it from who leads."""
        log = self._folder / "patroni.log"
        words = [program("patroni"), str(self._settings)]
        with self.place.within():
            if self._etcd is not None:
                self._etcd.start()
            self._patroni = start(words, log, self._user)

    def start_etcd(self) -> None:
        """Begin to agree with the other nodes: two of three are needed for anything."""
        assert self._etcd is not None
        with self.place.within():
            self._etcd.start()

    def comes_to_lead(self) -> bool:
        """Whether it leads already; Patroni must not have ended instead."""
        assert self._patroni is not None
        ended = self._patroni.poll()
        log = self._folder / "patroni.log"
        assert ended is None, f"Patroni has ended ({ended}): {log.read_text()[-2_000:]}"
        return self.leads

    @property
    def leads(self) -> bool:
        """Whether it answers, and can be written to."""
        return self.ask("SELECT pg_is_in_recovery()") == [(False,)]

    def has_standbys(self, count: int) -> bool:
        """Whether it leads, so many follow it, and it waits for one of them at each commit."""
        found = self.ask("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        return self.leads and len(found) == count and ("sync",) in found

    def switch_over(self) -> None:
        """Let another member lead, in good order."""
        words = [program("patronictl"), "-c", str(self._settings), "switchover", "--force"]
        with self.place.within():
            done = subprocess.run(
                [*words, "--leader", self.name], env=ENVIRONMENT, cwd="/", capture_output=True,
                text=True, check=False,
            )  # fmt: skip
        assert done.returncode == 0, (done.stdout, done.stderr)

    @property
    def is_followed(self) -> bool:
        """Whether a standby has got all that is written here."""
        behind = "SELECT pg_current_wal_lsn() - replay_lsn FROM pg_stat_replication"
        return self.ask(behind) == [(0,)]

    def hush(self) -> None:
        """No standby hears of anything any more; who acts is not told."""
        for [pid] in self.ask("SELECT pid FROM pg_stat_replication"):
            os.kill(pid, signal.SIGSTOP)

    def kill(self) -> None:
        """All of it at once, as when the machine is gone. The disk is left."""
        patroni, self._patroni = self._patroni, None
        pids = [] if patroni is None else [patroni.pid]
        for pid in with_children([*pids, *self._server()]):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if patroni is not None:
            patroni.wait()

    def _server(self) -> list[int]:
        """The server's process, if it runs: a number that was left behind may be another's."""
        data = self._folder / "data"
        with suppress(OSError, ValueError):
            pid = int((data / "postmaster.pid").read_text().split()[0])
            if Path(f"/proc/{pid}/cwd").readlink() == data.resolve():
                return [pid]
        return []

    @contextmanager
    def alone(self) -> Iterator[str]:
        """Start a server on its disk alone; yield the URL."""
        data = self._folder / "data"
        for each in ("standby.signal", "recovery.signal"):
            (data / each).unlink(missing_ok=True)
        words = [str(BIN / "postgres"), "-D", str(data), "-c", f"port={self.port}"]
        server = start(words, self._folder / "alone.log", self._user)
        try:
            until(lambda: self.leads, "what is on the disk answers")
            yield f"postgresql://postgres@{self.place.host}:{self.port}/{DATABASE}"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()

    def ask(self, question: Any) -> list[tuple[Any, ...]]:
        """The rows; none if it does not answer, or has none."""
        try:
            with self.connect("postgres") as connection:
                rows = connection.execute(question)
                return [] if rows.description is None else rows.fetchall()
        except psycopg.Error:
            return []

    def connect(self, database: str, *, limit_s: int = 5) -> psycopg.Connection:
        """Connect to this member, whether it leads or not.

        Raises:
            psycopg.Error: if it does not answer.
        """
        where = f"host={self.place.host} port={self.port} user=postgres dbname={database}"
        return psycopg.connect(f"{where} connect_timeout={limit_s}", autocommit=True)

    def reap(self) -> None:
        """Wait for what was killed by others."""
        if self._patroni is not None:
            self._patroni.wait()
            self._patroni = None
        if self._etcd is not None:
            self._etcd.kill()


def _settings(name: str, place: Place, folder: Path) -> str:
    """The documented configuration, with the addresses and times of this member."""
    times = place.times
    changes = _HURRIED | {
        ":5432": f":{place.port}", ":8008": f":{place.api}", "ttl: 20": f"ttl: {times.ttl}",
        "loop_wait: 1": f"loop_wait: {times.loop_wait}",
        "retry_timeout: 5": f"retry_timeout: {times.retry_timeout}",
        "synchronous_mode: true": f"synchronous_mode: {str(place.synchronous).lower()}",
    }  # fmt: skip
    found = _EXAMPLE.read_text()
    for documented, own in changes.items():
        assert documented in found, documented
        found = found.replace(documented, own)
    return Template(found).substitute(
        name=name, etcd=place.etcd, host=place.host, network=f"{place.host}/24", bin=BIN,
        folder=folder, superuser_password=_UNASKED, replication_password=_UNASKED,
    )  # fmt: skip
