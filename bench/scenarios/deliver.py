"""Delivering orders to a receiver on the loopback, beside bare job queues doing the same POST.

Measured: orders a second, by the receiver, from the first request to the last; process for process,
one beside one and two beside two. Ours are dispatchers (`incidents.enforcement.dispatcher`,
as a daemon runs it) with as many orders that wait, each of a site of its own: they claim them under
a lease, post, and record each outcome through the desk: a decision, an audit entry, what is in
force. The second figure is of the time until the last outcome is recorded.

The peers have as many jobs that wait in Redis and make the same signed POST by the same code (see
`bench.posts`); they keep no order and no record.

Also whether the desk is slower while 100,000 orders wait.

Not measured: how the orders came to be, retries, and a receiver that takes its time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter, sleep
from types import ModuleType

from sqlalchemy import Engine, insert, select

from bench import posts, workers
from bench.context import Context, settle
from bench.databases import Databases
from bench.peers import celery_posts, dramatiq_posts
from bench.receiver import Receiver, receiver
from bench.redis_server import HOW, absent, redis
from bench.register import desk_of
from bench.trial import FASTEST_PEER, Contender, Figure, Target, Trial
from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database import engine as engines
from incidents.store.schema.log_tables import deliveries

UNIT = "orders/s"
_BATCH = 1_000
PEERS: tuple[ModuleType, ...] = (celery_posts, dramatiq_posts)


def trials(context: Context) -> Iterator[Trial]:
    """The dispatcher beside the peers on each kind of database, then the desk beside what waits."""
    orders = context.of_size(tiny=40, small=4_000, full=20_000)
    waiting = context.of_size(tiny=100, small=100_000, full=100_000)
    logs = context.of_size(tiny=20, small=1_000, full=3_000)
    for databases in context.each():
        for processes in (1, 2):
            yield _deliver(context, databases, orders, processes)
        yield _beside(databases, waiting, logs)


def _deliver(context: Context, databases: Databases, orders: int, processes: int) -> Trial:
    name = "one dispatcher" if processes == 1 else "two dispatchers"
    ours = Contender(
        name=name, role="ours", how=f"{posts.WORKERS} threads each",
        run=lambda: _ours(name, databases, orders, processes),
    )  # fmt: skip
    left_out = {
        peer.NAME: why
        for peer in PEERS
        if (why := context.absent(*peer.MODULES) or absent()) is not None
    }
    peers = [_peer(peer, orders, processes) for peer in PEERS if peer.NAME not in left_out]
    of = "one process" if processes == 1 else "two processes each"
    return Trial(
        scenario="deliver",
        database=databases.kind,
        title=f"{orders:,} orders to a receiver on the loopback, by {of}",
        contenders=[*peers, ours],
        targets=[Target(of=name, against=FASTEST_PEER, at_least=1.0)],
        left_out=left_out,
        notes=["the peers keep no order among a site's jobs, and no record of what came of them"],
    )


def _ours(name: str, databases: Databases, orders: int, processes: int) -> list[Figure]:
    with databases.new() as url, receiver() as to:
        workers.alone(order, url, orders)
        settle()
        took_s = workers.timed(_carry_out, [(url, to.url)] * processes)
        a_second = to.wait(orders)
    return [
        Figure(name, a_second, UNIT),
        Figure("until all is on record", orders / took_s, UNIT),
    ]


def order(url: str, orders: int) -> None:
    """So many sites, each held by order: that is one order to suspend it."""
    with desk_of(url) as desk:
        for first in range(0, orders, _BATCH):
            names = [f"site-{n}.example" for n in range(first, min(first + _BATCH, orders))]
            for command in (c.AddSite(by="bench"), c.SetHold(by="bench", reason="ordered")):
                desk.submit([Envelope(site=name, command=command) for name in names])


def _carry_out(start: workers.Start, url: str, to: str) -> tuple[float, float]:
    """When the delivery of all that waits began and ended."""
    with delivering(url, to) as deliver:
        start()
        began = workers.moment()
        deliver()
        return began, workers.moment()


@contextmanager
def delivering(url: str, to: str) -> Iterator[Callable[[], None]]:
    """What delivers all that waits to a receiver, in rounds as a daemon's; all is connected."""
    from incidents.daemon.delivery import TICK_S
    from incidents.enforcement import routing
    from incidents.enforcement.dispatcher import Dispatcher
    from incidents.enforcement.round import Round
    from incidents.machine.orders import ACT

    found = routing.read(posts.section(to))
    engine = engines.create(url)
    dispatcher = Dispatcher(
        engine=engine, desk=Desk(engine), lanes={ACT: found.adapter_for},
        name=f"bench-{os.getpid()}", give_up_after=found.give_up_after, workers=found.workers,
    )  # fmt: skip
    own = Round(dispatcher)
    waits = _waits(engine)

    def deliver() -> None:
        own.run()
        while waits():
            sleep(TICK_S)
            own.run()

    yield deliver
    own.close()
    found.close()
    engine.dispose()


def _waits(engine: Engine) -> Callable[[], bool]:
    """Whether an order into the world is not carried out; asked once, so that all is connected."""

    def waits() -> bool:
        with engines.reading(engine) as connection:
            first = select(deliveries.c.site_id).where(deliveries.c.lane == "act").limit(1)
            return connection.scalar(first) is not None

    assert waits()
    return waits


def _peer(peer: ModuleType, orders: int, processes: int) -> Contender:
    def once() -> list[Figure]:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            broker = stack.enter_context(redis(Path(folder)))
            to = stack.enter_context(receiver())
            return [Figure(peer.NAME, _posted(peer, broker, to, orders, processes), UNIT)]

    return Contender(name=peer.NAME, role="peer", how=f"{peer.HOW}; {HOW}", run=once)


def _posted(peer: ModuleType, broker: str, to: Receiver, orders: int, processes: int) -> float:
    environ = {peer.BROKER: broker, peer.RECEIVER: to.url}
    workers.alone(peer.fill, orders, environ)
    settle()
    worker = peer.worker(environ, processes)
    try:
        return to.wait(orders)
    finally:
        worker.terminate()
        worker.wait()


def _beside(databases: Databases, waiting: int, logs: int) -> Trial:
    def once() -> list[Figure]:
        alone = _logging_s(databases, 0, logs)
        beside = _logging_s(databases, waiting, logs)
        return [
            Figure("nothing waits", alone / logs * 1e6, "us"),
            Figure(f"{waiting:,} wait", beside / logs * 1e6, "us"),
        ]

    return Trial(
        scenario="deliver",
        database=databases.kind,
        title=f"logging while {waiting:,} orders wait",
        contenders=[Contender(name="the desk", role="ours", run=once)],
        targets=[Target(of=f"{waiting:,} wait", against="nothing waits", at_most=1.05)],
    )


def _logging_s(databases: Databases, waiting: int, logs: int) -> float:
    with databases.new() as url:
        workers.alone(_let_wait, url, waiting, logs)
        settle()
        took_s: float = workers.alone(_log, url, logs)
        return took_s


def _let_wait(url: str, waiting: int, logs: int) -> None:
    """Orders that wait, of sites that are not logged on; and a site for each violation."""
    engine = engines.create(url)
    with desk_of(url) as desk:
        for first in range(0, logs + 1, _BATCH):
            names = [f"site-{n}.example" for n in range(first, min(first + _BATCH, logs + 1))]
            desk.submit([Envelope(site=name, command=c.AddSite(by="bench")) for name in names])
    _fill(engine, waiting)
    engine.dispose()


def _fill(engine: Engine, waiting: int) -> None:
    now = clock.now()
    rows = [
        {
            "site_id": 1_000_000 + n, "lane": "act", "site_seq": 4, "n": 1, "kind": "suspend",
            "dead": False, "since": now, "attempts": 3, "next_at": now + timedelta(hours=1),
        }
        for n in range(waiting)
    ]  # fmt: skip
    with engines.writing(engine) as connection:
        for first in range(0, waiting, _BATCH * 10):
            connection.execute(insert(deliveries), rows[first : first + _BATCH * 10])
    with engine.connect() as connection:
        assert len(connection.execute(select(deliveries.c.site_id).limit(1)).all()) == min(
            waiting, 1
        )


def _log(url: str, logs: int) -> float:
    with desk_of(url) as desk:
        desk.submit([_logged(0)])
        began = perf_counter()
        for n in range(1, logs + 1):
            desk.submit([_logged(n)])
        return perf_counter() - began


def _logged(n: int) -> Envelope:
    return Envelope(site=f"site-{n}.example", command=c.Log(by="bench"))
