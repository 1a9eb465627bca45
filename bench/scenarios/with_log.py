"""What the log costs the desk.

Measured: loggings a second of eight client processes, an address and a note each, by `Desk.submit`,
each its own transaction: with the log (entries carry the hash of their leaf, and a real `incidents
daemon` numbers, signs and publishes each second, on the same two cores) and without it (the column
is gone, nothing is hashed, no daemon runs).

Not measured: how soon an entry is published (see `published`), and witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench import daemon, log
from bench.context import Context
from bench.databases import Databases
from bench.loggings import WARM_UP, Loggings, by_the_desk, prepare
from bench.trial import Contender, Figure, Target, Trial

CLIENTS = 8


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    for databases in context.each():
        yield from _cost(context, databases)


def _cost(context: Context, databases: Databases) -> Iterator[Trial]:
    each = context.of_size(tiny=8, small=150, full=1_000)
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        sites = prepare(url, context.rounds * CLIENTS * (each + WARM_UP))
        logged, unlogged = (stack.enter_context(databases.copy(url)) for _ in range(2))
        home = daemon.home(context.folder / f"with-log-{databases.kind}", logged)
        log.take_away(unlogged)
        with_it = Loggings(
            "with the log", by_the_desk, logged, False, 1, clients=CLIENTS, sites=sites, timed=each
        )
        without = Loggings(
            "without", log.by_the_desk_without_log, unlogged, False, 1,
            clients=CLIENTS, sites=sites, timed=each,
        )  # fmt: skip

        def kept() -> list[Figure]:
            with daemon.running(logged, home):
                return with_it()

        yield Trial(
            scenario="with_log",
            database=databases.kind,
            title=f"{CLIENTS} client processes, with the log and without",
            contenders=[
                Contender(name="without", role="floor", how="no leaf hash, no daemon", run=without),
                Contender(
                    name="with the log",
                    role="ours",
                    how="and a daemon beside it",
                    run=kept,
                ),
            ],
            # At most 1.15 times as dear.
            targets=[Target(of="with the log", against="without", at_least=1 / 1.15)],
        )
