"""The field of peers: who runs on which kind of database, and who is left out and why."""

from __future__ import annotations

from contextlib import ExitStack
from types import ModuleType

from bench import workers
from bench.context import Context
from bench.databases import Databases
from bench.peers import apscheduler_store, huey_queue, pgqueuer_queue, procrastinate_queue
from bench.peers.jobs import make_sure
from bench.trial import Contender, Figure

PEERS: tuple[ModuleType, ...] = (
    apscheduler_store, huey_queue, procrastinate_queue, pgqueuer_queue,
)  # fmt: skip


def contenders(
    context: Context, databases: Databases, jobs: int, unit: str, stack: ExitStack
) -> tuple[list[Contender], dict[str, str]]:
    """The peers on this kind of database, with so many jobs due, and why others are left out.

    The databases that they are filled into go when `stack` is closed.
    """
    running: list[Contender] = []
    left_out: dict[str, str] = {}
    for peer in PEERS:
        why = context.absent(*peer.MODULES)
        if why is None and databases.kind not in peer.KINDS:
            why = f"has nothing for {databases.kind}"
        if why is None:
            running.append(_contender(peer, databases, jobs, unit, stack))
        else:
            left_out[peer.NAME] = why
    return running, left_out


def _contender(
    peer: ModuleType, databases: Databases, jobs: int, unit: str, stack: ExitStack
) -> Contender:
    filled: list[str] = []

    def once() -> list[Figure]:
        if not filled:
            url = stack.enter_context(databases.new(schema=False))
            workers.alone(peer.fill, url, jobs)
            filled.append(url)
        with databases.copy(filled[0]) as copied:
            took_s: float = workers.alone(peer.fire, copied, jobs)
            make_sure(copied)
        return [Figure(peer.NAME, jobs / took_s, unit)]

    return Contender(name=peer.NAME, role="peer", how=peer.HOW, run=once)
