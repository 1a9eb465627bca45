"""Logging in batches of 100, each on another site, beside raw SQL one at a time.

Measured: loggings a second of one client. Ours is `Desk.submit` with 100 `Log` commands, each with
an address and a note, for 100 sites: one transaction. The floor is that of `log_one`: the same rows
by the bare driver, one logging a transaction, one statement at a time.

Not measured: batches for one site, and batches of other sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

from bench.context import Context
from bench.databases import SQLITE, Databases
from bench.floor import Floor, pattern
from bench.loggings import Loggings, by_the_desk, by_the_floor, prepare
from bench.trial import Contender, Target, Trial

BATCH = 100


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    for databases in context.each():
        yield from _trial(context, databases)


def _trial(context: Context, databases: Databases) -> Iterator[Trial]:
    batches = context.of_size(tiny=2, small=20, full=100)
    raw = context.of_size(tiny=24, small=1_000, full=4_000)
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        found = pattern(url, bare=False)
        sites = prepare(url, context.rounds * BATCH * (batches + 2))
        floor_url, desk_url = (stack.enter_context(databases.copy(url)) for _ in range(2))
        with closing(Floor(floor_url, found)) as floor:
            statements = floor.statements
        yield Trial(
            scenario="log_batch",
            database=databases.kind,
            title=f"batches of {BATCH} for {BATCH} sites, an address and a note",
            contenders=[
                Contender(
                    name="raw SQL", role="floor",
                    how=f"{len(statements)} statements a logging, one at a time",
                    run=Loggings(
                        "raw SQL", by_the_floor, floor_url, found, sites=sites, timed=raw
                    ),
                ),
                Contender(
                    name="the desk", role="ours", how=f"Desk.submit, {BATCH} commands a batch",
                    run=Loggings(
                        "the desk", by_the_desk, desk_url, False, BATCH,
                        sites=sites, timed=batches * BATCH, warm_up=2 * BATCH,
                    ),
                ),
            ],
            targets=[
                Target(
                    of="the desk", against="raw SQL",
                    at_least=3.0 if databases.kind == SQLITE else 8.0,
                )
            ],
            floor=statements,
        )  # fmt: skip
