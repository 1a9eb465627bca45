"""Logging one violation at a time, beside raw SQL that writes the same rows.

Measured: loggings a second of one client and, on PostgreSQL, of eight client processes; each is a
transaction of its own, on sites taken in turn, no more than two on a site. Ours is
`Desk.submit` with one `Log`, once with an address and a note and once with neither, by the real
clock. The desk decides, seals the note, and encodes the entry; the documents of its answer are
drawn when somebody looks, and here nobody does.

The floor (`bench.floor`) is the bare driver: lock the site's row by its name, count the window,
insert the same rows as the desk does (incident, address, queue item, entry of the same size, order,
sealed note), update the site; one statement at a time.

Not measured: the command line around it (see `start`), keys, and sites with a long past (see
`old_site`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

from bench.context import Context
from bench.databases import SQLITE, Databases
from bench.floor import Floor, pattern
from bench.loggings import WARM_UP, Loggings, by_the_desk, by_the_floor, prepare
from bench.trial import Contender, Target, Trial


def trials(context: Context) -> Iterator[Trial]:
    """One client, with and without address and note; on PostgreSQL eight clients too."""
    for databases in context.each():
        yield from _trial(context, databases, clients=1, bare=False)
        yield from _trial(context, databases, clients=1, bare=True)
        if databases.kind != SQLITE:
            yield from _trial(context, databases, clients=8, bare=False)


def _trial(context: Context, databases: Databases, *, clients: int, bare: bool) -> Iterator[Trial]:
    each = context.of_size(tiny=24, small=800, full=4_000) // (1 if clients == 1 else 4)
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        found = pattern(url, bare=bare)
        sites = prepare(url, context.rounds * clients * (each + WARM_UP))
        floor_url, desk_url = (stack.enter_context(databases.copy(url)) for _ in range(2))
        with closing(Floor(floor_url, found)) as floor:
            statements = floor.statements
        yield Trial(
            scenario="log_one",
            database=databases.kind,
            title=f"{'one client' if clients == 1 else f'{clients} client processes'}, "
            f"{'neither address nor note' if bare else 'an address and a note'}",
            contenders=[
                Contender(
                    name="raw SQL", role="floor",
                    how=f"{len(statements)} statements a logging, one at a time",
                    run=Loggings(
                        "raw SQL", by_the_floor, floor_url, found,
                        clients=clients, sites=sites, timed=each,
                    ),
                ),
                Contender(
                    name="the desk", role="ours", how="Desk.submit, one command a batch",
                    run=Loggings(
                        "the desk", by_the_desk, desk_url, bare, 1,
                        clients=clients, sites=sites, timed=each,
                    ),
                ),
            ],
            targets=[
                Target(
                    of="the desk", against="raw SQL",
                    at_least=_at_least(databases.kind, clients),
                )
            ],
            floor=statements,
        )  # fmt: skip


def _at_least(kind: str, clients: int) -> float:
    if kind == SQLITE:
        return 0.45
    return 1.0 if clients == 1 else 0.9
