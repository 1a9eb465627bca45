"""The daemon as it is run, with clocks that are due at one moment, beside the desk alone.

Measured: clocks a second of a real `incidents daemon`, from when it logs its start until the
last site is suspended; then SIGTERM stops it. All its duties are on: it also numbers, signs
and publishes the log, carries out the orders by the adapter `log`, beats its heart, and writes its
journal. On PostgreSQL, which several daemons can share, also two of them, from when the first one
has started.

The desk alone is one look (see `fire`) at the same clocks.

Not measured: the start of the process, and orders that are still to be carried out at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count

from bench import daemon, workers
from bench.clocks import due_together
from bench.context import Context
from bench.databases import SQLITE, Databases, connect
from bench.look import looked_s, make_sure
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock

UNIT = "clocks/s"
ALONE, ONE, TWO = "the desk alone", "one daemon", "two daemons"
_LOOK_S = 0.05
_PATIENCE_S = 1_800.0
# One row of the index: once all are suspended, the earliest clock is a suspension's end.
_FIRST = "SELECT state FROM sites WHERE next_due IS NOT NULL ORDER BY next_due, id LIMIT 1"


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    clocks = context.of_size(tiny=60, small=5_000, full=100_000)
    for databases in context.each():
        yield from _trial(context, databases, clocks)


def _trial(context: Context, databases: Databases, clocks: int) -> Iterator[Trial]:
    place = context.folder / f"daemon-{databases.kind}"
    place.mkdir()
    numbers = count(1)
    with databases.new() as url:
        due_together(url, clocks, clock.now() - timedelta(minutes=1))
        first = daemon.home(place / "home", url)

        def alone() -> list[Figure]:
            return [Figure(ALONE, clocks / looked_s(databases, url, clocks), UNIT)]

        def by_daemons(label: str, daemons: int) -> list[Figure]:
            with databases.copy(url) as copied:
                own = daemon.home_of_copy(place / f"home-{next(numbers)}", first)
                took_s = _suspended_s(copied, own, daemons)
                make_sure(copied, clocks)
            return [Figure(label, clocks / took_s, UNIT)]

        several = databases.kind != SQLITE
        yield Trial(
            scenario="daemon",
            database=databases.kind,
            title=f"{clocks:,} clocks due at one moment, the service",
            rounds=min(context.rounds, context.of_size(tiny=1, small=2, full=3)),
            contenders=[
                Contender(name=ALONE, role="floor", how="one look in one process", run=alone),
                Contender(
                    name=ONE, role="ours", how="incidents daemon",
                    run=lambda: by_daemons(ONE, 1),
                ),
                *[
                    Contender(
                        name=TWO, role="ours", how="incidents daemon twice",
                        run=lambda: by_daemons(TWO, 2),
                    )
                ] * several,
            ],
            targets=[
                Target(of=ONE, against=ALONE, at_least=0.6),
                *[Target(of=TWO, against=ONE, at_least=1.0)] * several,
            ],
        )  # fmt: skip


def _suspended_s(url: str, home: daemon.Home, daemons: int) -> float:
    """Seconds from the start until nothing is due."""
    with closing(connect(url)) as connection, daemon.running(url, home, daemons) as started:
        began = workers.moment()
        while connection.execute(_FIRST).fetchone()[0] != "suspended":
            daemon.check(started)
            if workers.moment() - began > _PATIENCE_S:
                raise TimeoutError(f"sites are still to be suspended: {home.last_line()}")
            time.sleep(_LOOK_S)
        return workers.moment() - began
