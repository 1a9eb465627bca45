"""Logging through the API with eight clients, beside the desk called directly.

Measured: loggings a second of eight clients at once, each with one connection that is kept and the
next request when the last one is answered; an address and a note each, on sites taken in turn, no
more than two on a site. Each is answered when it is on the disk. The API is a real
`incidents serve`, with as many workers as it has by default, and each request has a token, which is
looked up, as is what it may do. On PostgreSQL, where there is one for each core, also with one.

Directly: `Desk.submit` with one command, by eight client processes.

The floor is a bare FastAPI app, served by the same uvicorn with the same settings: one endpoint
that reads the same body into a model and inserts by the bare driver the same rows (`bench.floor`),
a connection for each thread; it asks nobody who they are, and decides nothing.

Clients of the API and of the bare app are processes that do no more than send and read
(`bench.exchange`). They use processor time of the same machine, too.

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
from bench.databases import POSTGRESQL, SQLITE, Databases
from bench.floor import pattern
from bench.loggings import WARM_UP, Loggings, by_the_desk, prepare
from bench.service import serving, token
from bench.trial import Contender, Target, Trial

CLIENTS = 8
API, ONE, BARE = "the API", "the API, one worker", "a bare FastAPI app"
_AT_LEAST = {SQLITE: 0.9, POSTGRESQL: 0.7}
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
            name: stack.enter_context(databases.copy(url)) for name in (API, ONE, BARE, PROCESSES)
        }

        def served(name: str, workers: int | None) -> list[int]:
            journal = context.folder / f"serve-log-{databases.kind}-{next(numbers)}"
            return [stack.enter_context(serving(urls[name], journal, workers))]

        numbers = count(1)
        # A SQLite file has one writer at a time, and one worker by default.
        one = [] if databases.kind == SQLITE else served(ONE, 1)
        ports = served(API, None)
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
                    name=API, role="ours", how="incidents serve",
                    run=loggings(API, by_the_api, ports, headers),
                ),
                *(
                    Contender(
                        name=ONE, role="ours", how="incidents serve --workers 1",
                        run=loggings(ONE, by_the_api, one, headers),
                    )
                    for _ in one
                ),
                Contender(
                    name=PROCESSES, role="ours", how="Desk.submit, one command a batch",
                    run=loggings(PROCESSES, by_the_desk, urls[PROCESSES], False, 1),
                ),
            ],
            targets=[
                Target(of=API, against=PROCESSES, at_least=_AT_LEAST[databases.kind]),
                *(Target(of=ONE, against=PROCESSES, at_least=0.6) for _ in one),
            ],
            notes=_notes(databases.kind),
        )  # fmt: skip


def _notes(kind: str) -> list[str]:
    if kind != SQLITE:
        return []
    return ["a SQLite file has one writer at a time: eight at once are no faster than one"]
