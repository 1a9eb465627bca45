"""Firing clocks that are due at one moment, each through the whole desk, beside bare job queues.

Measured: clocks a second from the first look until nothing is due. Ours is the daemon's own look
(`incidents.daemon.enforce.elapse`) on as many sites, each with one open incident whose hour is
over: for each a decision, two audit entries, an order, the suspension, and what the queue shows.

The peers hold as many jobs that are due; each job does one bare UPDATE of one row and commits it.
Each runs in its best documented way, found by trying (see `bench.peers`), with the same durability.

Not measured: the process around the look (see `daemon`), delivering the orders, and how the clocks
came to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

from bench.clocks import due_together
from bench.context import Context
from bench.databases import SQLITE, Databases
from bench.look import looked_s
from bench.peers import field
from bench.trial import FASTEST_PEER, Contender, Figure, Target, Trial
from incidents import clock

UNIT = "clocks/s"
FEW, MANY = 500, 10_000


def trials(context: Context) -> Iterator[Trial]:
    """Few and, at full size, many clocks beside the peers on each kind of database."""
    few = context.of_size(tiny=50, small=FEW, full=FEW)
    for databases in context.each():
        yield from _look(context, databases, few, 2.0 if databases.kind == SQLITE else 1.5)
        if context.size == "full":
            yield from _look(context, databases, MANY, 3.0)


def _look(context: Context, databases: Databases, clocks: int, at_least: float) -> Iterator[Trial]:
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        due_together(url, clocks, clock.now() - timedelta(minutes=1))
        ours = Contender(
            name="the desk", role="ours", how="one look of the daemon, 250 sites a transaction",
            run=lambda: [Figure("the desk", clocks / looked_s(databases, url, clocks), UNIT)],
        )  # fmt: skip
        others, left_out = field.contenders(context, databases, clocks, UNIT, stack)
        yield Trial(
            scenario="fire",
            database=databases.kind,
            title=f"{clocks:,} clocks due at one moment",
            contenders=[*others, ours],
            targets=[Target(of="the desk", against=FASTEST_PEER, at_least=at_least)],
            left_out=left_out,
        )
