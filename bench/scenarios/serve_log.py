"""Logging through the API with eight clients, beside the desk called directly.

Measured: loggings a second of eight clients at once, each with one connection that is kept and the
next request when the last one is answered; an address and a note each, on sites taken in turn, no
more than two on a site. Each is answered when it is on the disk. The API is a real
`incidents serve` of one process, and each request has a token, which is looked up, as is what it
may do. On PostgreSQL, which several servers can share, also two of them, with four clients each.

Directly: `Desk.submit` with one command, by eight client processes.

The floor is a bare FastAPI app, served by the same uvicorn with the same settings: one endpoint
that reads the same body into a model and inserts by the bare driver the same rows (`bench.floor`),
a connection for each thread; it asks nobody who they are, and decides nothing.

Clients of the API and of the bare app are processes that do no more than send and read
(`bench.exchange`). They take processor time all the same, on the same machine.

Not measured: TLS, which a web server before it does; logging in batches over HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count

from bench import bare_app
from bench.clients import by_the_api, by_the_app
from bench.context import Context
from bench.databases import SQLITE, Databases
from bench.floor import pattern
from bench.loggings import WARM_UP, Loggings, by_the_desk, prepare
from bench.service import serving, token
from bench.trial import Contender, Target, Trial

CLIENTS = 8
API, TWO, BARE = "the API", "the API, two servers", "a bare FastAPI app"
PROCESSES = "the desk, 8 processes"


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    for databases in context.each():
        yield from _trial(context, databases)


def _trial(context: Context, databases: Databases) -> Iterator[Trial]:
    each = context.of_size(tiny=4, small=150, full=600)
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        found = pattern(url, bare=False)
        sites = prepare(url, context.rounds * CLIENTS * (each + WARM_UP))
        headers = token(url, "integrator-1", "integrator")
        urls = {
            name: stack.enter_context(databases.copy(url)) for name in (API, TWO, BARE, PROCESSES)
        }

        def served(name: str) -> int:
            journal = context.folder / f"serve-log-{databases.kind}-{next(numbers)}"
            return stack.enter_context(serving(urls[name], journal))

        numbers = count(1)
        # A SQLite file has one writer at a time: a second server is of no use there.
        both = [] if databases.kind == SQLITE else [served(TWO), served(TWO)]
        ports = [served(API)]
        bare_port = stack.enter_context(bare_app.serving(urls[BARE], found))
        loggings = partial(Loggings, sites=sites, timed=each, clients=CLIENTS)
        yield Trial(
            scenario="serve_log",
            database=databases.kind,
            title=f"{CLIENTS} clients, an address and a note",
            contenders=[
                Contender(
                    name=BARE, role="floor", how="the bare driver's inserts; no token",
                    run=loggings(BARE, by_the_app, bare_port),
                ),
                Contender(
                    name=API, role="ours", how="incidents serve, one process",
                    run=loggings(API, by_the_api, ports, headers),
                ),
                *(
                    Contender(
                        name=TWO, role="ours", how="incidents serve twice, one process each",
                        run=loggings(TWO, by_the_api, both, headers),
                    )
                    for _ in both[1:]
                ),
                Contender(
                    name=PROCESSES, role="ours", how="Desk.submit, one command a batch",
                    run=loggings(PROCESSES, by_the_desk, urls[PROCESSES], False, 1),
                ),
            ],
            targets=[
                Target(
                    of=API, against=PROCESSES,
                    at_least=0.9 if databases.kind == SQLITE else 0.7,
                )
            ],
            notes=_notes(databases.kind),
        )  # fmt: skip


def _notes(kind: str) -> list[str]:
    if kind != SQLITE:
        return []
    return ["a SQLite file has one writer at a time: eight at once are no faster than one"]
