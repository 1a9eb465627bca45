"""The faults of a failover: what is done to the leader or its host, and what ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fire.network import Host
from tests.fire.patroni_member import DEFAULT, SHORT, Member, Times


@dataclass(frozen=True, slots=True)
class Target:
    """The leader, its host, and the hosts of the other members."""

    member: Member
    host: Host
    others: Sequence[Host]


@dataclass(frozen=True, slots=True)
class Fault:
    """It lasts for `lasts_s` seconds at least, and until another member leads."""

    do: Callable[[Target], None]
    undo: Callable[[Target], None]
    lasts_s: float
    times: Times = SHORT


def _nothing(_: Target) -> None:
    """It has ended by itself."""


def _kill_process(target: Target) -> None:
    target.member.kill()


def _start_process(target: Target) -> None:
    target.member.start()


def _switch(target: Target) -> None:
    # The command waits until the new leader is known.
    threading.Thread(target=target.member.switch_over).start()


def _lose_node(target: Target) -> None:
    target.host.pull()
    target.host.send(signal.SIGKILL)
    target.member.reap()


def _bring_back_node(target: Target) -> None:
    target.host.plug()
    target.member.start()


def _split(target: Target) -> None:
    """The other members hear nothing of it any more; clients still do, until it gives up."""
    for other in target.others:
        other.forget(target.host)
        target.host.forget(other)


def _join(target: Target) -> None:
    for other in target.others:
        other.knows(target.host)
        target.host.knows(other)


def _cut(lasts_s: float) -> Fault:
    return Fault(lambda target: target.host.pull(), lambda target: target.host.plug(), lasts_s)


def _freeze(lasts_s: float) -> Fault:
    """All but etcd stands still, as with an etcd on a machine of its own.

    If the leader of etcd stood still, too, it would revoke the leases of others on waking up
    (etcd's issue 15247, seen with 3.5.16). Without a watchdog, Patroni then lets the old leader of
    the database lead again, without what was acknowledged meanwhile. The daemons notice that.
    """
    return Fault(
        lambda target: target.host.send(signal.SIGSTOP, but="etcd"),
        lambda target: target.host.send(signal.SIGCONT),
        lasts_s,
    )


FAULTS = {
    "process": Fault(_kill_process, _start_process, 10),
    "switch": Fault(_switch, _nothing, 0),
    "node": Fault(_lose_node, _bring_back_node, 10),
    "cut": _cut(45),
    "freeze": _freeze(75),
    "split": Fault(_split, _join, 60, DEFAULT),
    "long_cut": _cut(150),
    "long_freeze": _freeze(600),
}
_USUAL = ("process", "switch", "node", "cut", "freeze", "split")
TURNS = (*_USUAL * 7, "long_cut", "long_freeze")
"""The faults, by seed: three turns are 21 of each usual one, and three of each long one."""
