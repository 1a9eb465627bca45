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

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

from bench import workers
from bench.context import Context, settle
from bench.copies import OF_QUEUE, multiply
from bench.databases import Databases
from bench.exchange import median_ms, request
from bench.register import add_sites, desk_of, logging, site_name, submit
from bench.service import serving, sessions, token
from bench.trial import Contender, Figure, Target, Trial

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
    looks = context.of_size(tiny=3, small=30, full=100)
    with ExitStack() as stack:
        written = stack.enter_context(databases.new())
        _write_sample(written, sample)
        who = {
            PAGE: sessions(written, ["operator-1"])[0],
            API: token(written, "integrator-1", "integrator"),
        }
        contenders = []
        for size in sizes:
            url = stack.enter_context(databases.copy(written))
            multiply(url, size // sample - 1, OF_QUEUE, spread=True)
            journal = context.folder / f"serve-queue-{databases.kind}-{size}"
            port = stack.enter_context(serving(url, journal))
            contenders.append(
                Contender(
                    name=f"{size:,} sites", role="ours", how="incidents serve, one process",
                    run=_looking(size, port, who, looks),
                )
            )  # fmt: skip
        few, many = sizes
        yield Trial(
            scenario="serve_queue",
            database=databases.kind,
            title=f"the queue's page over HTTP, medians of {looks} requests",
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


def _looking(
    size: int, port: int, who: Mapping[str, Mapping[str, str]], looks: int
) -> Callable[[], list[Figure]]:
    def once() -> list[Figure]:
        settle()
        asked = {
            PAGE: request("GET", "/", who[PAGE]),
            API: request("GET", "/api/v1/queue", who[API]),
        }
        return [
            Figure(_label(what, size), workers.alone(median_ms, port, each, looks), "ms")
            for what, each in asked.items()
        ]

    return once
