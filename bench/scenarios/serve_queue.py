"""The queue over HTTP, with very many sites and open incidents, and with few.

Measured: milliseconds from a request to the last byte of its answer, of the console's page of the
queue (`GET /`, in a session) and of the API's first page (`GET /api/v1/queue`, with a token), each
50 items; the median of many, one after the other over one connection. A real `incidents serve`
of one process answers, each database its own. The ratio of the larger to the smaller one counts.

One site of ten has an open incident, whose hour has begun: 1,000 sites were written by the desk,
and the rest copied from them by SQL (`bench.copies`): rows of sites, incidents, addresses and work.

Not measured: the browser, and further pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench import looks
from bench.context import Context
from bench.copies import OF_QUEUE, multiply
from bench.databases import Databases
from bench.exchange import request
from bench.register import add_sites, desk_of, logging, site_name, submit
from bench.service import sessions, token
from bench.trial import Target, Trial

PAGE, API = "console", "API"
_OF_TEN = 10


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    sample, few, many = {
        "tiny": (50, 100, 200), "small": (1_000, 10_000, 100_000),
        "full": (1_000, 10_000, 1_000_000),
    }[context.size]  # fmt: skip
    for databases in context.each():
        yield from _trial(context, databases, sample, (few, many))


def _trial(
    context: Context, databases: Databases, sample: int, sizes: tuple[int, int]
) -> Iterator[Trial]:
    times = context.of_size(tiny=3, small=30, full=100)
    with ExitStack() as stack:
        written = stack.enter_context(databases.new())
        _write_sample(written, sample)
        asked = {
            PAGE: request("GET", "/", sessions(written, ["operator-1"])[0]),
            API: request("GET", "/api/v1/queue", token(written, "integrator-1", "integrator")),
        }

        def grow(url: str, size: int) -> None:
            multiply(url, size // sample - 1, OF_QUEUE, spread=True)

        contenders = looks.contenders(
            stack, databases, written, context.folder / f"serve-queue-{databases.kind}",
            sizes=sizes, grow=grow, unit="sites", asked=asked, label=_label, looks=times,
        )  # fmt: skip
        few, many = sizes
        yield Trial(
            scenario="serve_queue",
            database=databases.kind,
            title=f"the queue's page over HTTP, medians of {times} requests",
            contenders=contenders,
            targets=[
                Target(of=_label(what, many), against=_label(what, few), at_most=1.5)
                for what in (PAGE, API)
            ],
            notes=[f"all but {sample:,} of the sites are copied by SQL"],
        )


def _label(what: str, size: int) -> str:
    return f"{what}, {size:,} sites, {size // _OF_TEN:,} open"


def _write_sample(url: str, sample: int) -> None:
    with desk_of(url) as desk:
        add_sites(desk, range(1, sample + 1))
        numbers = range(_OF_TEN, sample + 1, _OF_TEN)
        submit(desk, [(site_name(n), logging(n, 1).command) for n in numbers])
