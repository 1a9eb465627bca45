"""Firing clocks that are due at one moment, each through the whole desk, beside bare job queues.

Measured: clocks a second from the first look until nothing is due. Ours is the daemon's own look
(`incidents.daemon.enforce.elapse`) on as many sites, each with one open incident whose hour is
over: for each a decision, two audit entries, an order, the suspension, and what the queue shows.

The peers hold as many jobs that are due; each job does one bare UPDATE of one row and commits it.
Each runs in its best documented way, found by trying (see `bench.peers`), with the same durability.

At full size also 100,000 clocks on PostgreSQL, by one and by two `incidents daemon --once`
processes; their start is part of the time.

Not measured: the journal's lines (the daemons at 100,000 write theirs), delivering the orders, and
how the clocks came to be.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from time import perf_counter

from bench import workers
from bench.clocks import due_together
from bench.context import Context
from bench.databases import POSTGRESQL, Databases, connect
from bench.peers import field
from bench.register import desk_of
from bench.trial import FASTEST_PEER, Contender, Figure, Target, Trial
from incidents import clock

UNIT = "clocks/s"


def trials(context: Context) -> Iterator[Trial]:
    """The look beside the peers on each kind of database, then daemons on PostgreSQL."""
    clocks = context.of_size(tiny=50, small=500, full=10_000)
    for databases in context.each():
        yield from _look(context, databases, clocks)
    if context.size == "full" and POSTGRESQL in context.databases:
        yield from _daemons(context.databases[POSTGRESQL], 100_000)


def _look(context: Context, databases: Databases, clocks: int) -> Iterator[Trial]:
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        due_together(url, clocks, clock.now() - timedelta(minutes=1))
        ours = Contender(
            name="the desk", role="ours", how="one look of the daemon, 250 sites a transaction",
            run=lambda: [Figure("the desk", clocks / _looked_s(databases, url, clocks), UNIT)],
        )  # fmt: skip
        others, left_out = field.contenders(context, databases, clocks, UNIT, stack)
        yield Trial(
            scenario="fire",
            database=databases.kind,
            title=f"{clocks:,} clocks due at one moment",
            contenders=[*others, ours],
            targets=[Target(of="the desk", against=FASTEST_PEER, at_least=3.0)],
            left_out=left_out,
        )


def _looked_s(databases: Databases, url: str, clocks: int) -> float:
    with databases.copy(url) as copied:
        took_s: float = workers.alone(_look_once, copied)
        _make_sure(copied, clocks)
        return took_s


def _look_once(url: str) -> float:
    from incidents.daemon import backlog, enforce
    from incidents.store.database import engine as engines

    with desk_of(url) as desk:
        engine = engines.create(url)
        # A daemon has done this before a clock runs out.
        with engine.connect():
            pass
        desk.warm_up(backlog.AT_ONCE)
        began = perf_counter()
        enforce.elapse(engine, desk)
        took_s = perf_counter() - began
        engine.dispose()
        return took_s


def _daemons(databases: Databases, clocks: int) -> Iterator[Trial]:
    with databases.new() as url:
        due_together(url, clocks, clock.now() - timedelta(minutes=1))
        yield Trial(
            scenario="fire",
            database=databases.kind,
            title=f"{clocks:,} clocks due at one moment, daemon processes",
            rounds=3,
            contenders=[
                _daemon_processes(databases, url, clocks, 1),
                _daemon_processes(databases, url, clocks, 2),
            ],
            notes=["the start of the processes is part of the time"],
        )


def _daemon_processes(databases: Databases, url: str, clocks: int, processes: int) -> Contender:
    name = "one daemon" if processes == 1 else f"{processes} daemons"

    def once() -> list[Figure]:
        with databases.copy(url) as copied:
            began = perf_counter()
            started = [_daemon(copied) for _ in range(processes)]
            statuses = [process.wait() for process in started]
            took_s = perf_counter() - began
            if any(statuses):
                raise RuntimeError(f"incidents daemon --once ended with {statuses}")
            _make_sure(copied, clocks)
        return [Figure(name, clocks / took_s, UNIT)]

    return Contender(name=name, role="ours", how="incidents daemon --once", run=once)


def _daemon(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "incidents", "daemon", "--once", "--db", url, "--quiet"],
        stdout=subprocess.DEVNULL,
    )


def _make_sure(url: str, clocks: int) -> None:
    """What was measured was really done.

    Raises:
        RuntimeError: if it was not.
    """
    with closing(connect(url)) as connection:
        done = connection.execute(
            "SELECT count(*) FROM sites WHERE state = 'suspended'"
        ).fetchone()[0]
    if done != clocks:
        raise RuntimeError(f"{done:,} sites of {clocks:,} are suspended")
