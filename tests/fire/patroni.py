"""Patroni: PostgreSQL members that agree by etcd who leads, and the failover that loses the end.

All of it real, in a folder of its own. On the loopback replication is asynchronous: what a leader
has acknowledged while a standby heard nothing is gone when the standby takes over. On hosts of a
network it is synchronous: nothing that was acknowledged is lost.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.databases import memory_folder
from tests.fire.cluster_programs import give_to, user_of_servers
from tests.fire.deliveries_scene import free_port
from tests.fire.etcd import ETCD, Etcd
from tests.fire.network import Host
from tests.fire.patroni_member import DATABASE, SHORT, Member, Place, Times
from tests.patience import until

_LOOKS = 30_000
_PEERS = 2380


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
                until(members[0].comes_to_lead, "the first member leads", looks=_LOOKS)
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
            etcd = Etcd(name, folder, user, host.address, ETCD, all_peers)
            member = Member(name, folder, user, Place.on(host, hosts, times), etcd)
            members.append(member)
            stack.callback(member.reap)
            stack.callback(host.send, signal.SIGKILL)
        for member in members:
            member.start_etcd()
        first, *others = members
        first.start()
        until(first.comes_to_lead, "the first member leads", looks=_LOOKS)
        for member in others:
            member.start()
        until(lambda: first.has_standbys(len(others)), "the others follow", looks=_LOOKS)
        first.ask(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        yield Cluster(members)


def _name(host: Host) -> str:
    return "node" + host.address.rpartition(".")[2]


def _folder(stack: ExitStack) -> tuple[Path, str | None]:
    """A folder of the user who runs them, and that user."""
    user = user_of_servers()
    made = tempfile.TemporaryDirectory(
        prefix="incidents-patroni-", dir=memory_folder(), ignore_cleanup_errors=True
    )
    folder = Path(stack.enter_context(made))
    give_to(user, folder)
    return folder, user
