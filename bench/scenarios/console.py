"""The console in a browser on a slow computer, with 1,000 items in the queue and 10,000 incidents.

Measured: milliseconds in a real Chromium at a window of 1440 pixels, whose processor is slowed down
four times; a real `incidents serve` of one process answers. Each is the median of some times.

- From the start of a navigation until the first row of the queue, and of the list of incidents, is
  painted.
- At once: from a key or a click until what it changes in the page is painted, without the server:
  the next row, a row chosen, an item asked for, the palette, a letter typed there, an outcome that
  waits for "Undo", and its undoing; also the page's own work: the update of the countdowns each
  second, and replacing the list by a newer one. The slowest single measurement is reported, too.
- The same with the server's answer: the item's pane, sites found by the palette, the preview of 20
  rows, a filter taken away, and what a colleague has changed, from its commit.
- What the server takes for the two pages, from a request to the last byte of its answer.

The floor is a bare page with a table of all rows, 1,000 and 10,000, in the same browser; its script
is one line, which selects the next row by a key.

Of the sites 50 were written by the desk, with nine past incidents and an open one, and the rest
copied by SQL (`bench.copies`).

Not measured: a network, and what a page costs that has been open for hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from statistics import median

from bench import console_visit, workers
from bench.console_visit import AT_ONCE, PAGES, Took
from bench.context import Context, settle
from bench.copies import OF_QUEUE, multiply
from bench.databases import Databases
from bench.exchange import median_ms, request
from bench.register import (
    LOGIN,
    OPERATOR,
    add_sites,
    desk_of,
    logging,
    site_name,
    submit,
    taken,
)
from bench.service import serving, sessions
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock
from incidents.desk import Envelope
from incidents.machine.commands import RecordContact, StateRemoved

PAST = 9
_WRITTEN = 50
_APART = timedelta(days=3)
_MOST_MS = 100
_FIRST_ROW_MS = 1_000
_SLOWEST = "the slowest at once"


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    for databases in context.each():
        yield from _trial(context, databases)


def _trial(context: Context, databases: Databases) -> Iterator[Trial]:
    sites = context.of_size(tiny=100, small=1_000, full=1_000)
    times = context.of_size(tiny=2, small=10, full=20)
    rows = dict(zip(PAGES, (sites, sites * (PAST + 1)), strict=True))
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        _write(url)
        multiply(url, sites // _WRITTEN - 1, OF_QUEUE, spread=True)
        who = sessions(url, [OPERATOR])[0]
        port = stack.enter_context(serving(url, context.folder / f"console-{databases.kind}"))

        def ours() -> list[Figure]:
            settle()
            server = [
                Figure(f"{page}, the server alone", _server_ms(port, path, who, times), "ms")
                for page, path in PAGES.items()
            ]
            found = workers.alone(console_visit.work, url, port, who, times)
            slowest = max(max(found[each]) for each in AT_ONCE)
            return [*server, *_medians(found), Figure(_SLOWEST, slowest, "ms")]

        def bare() -> list[Figure]:
            settle()
            return _medians(workers.alone(console_visit.bare, rows, times))

        yield Trial(
            scenario="console",
            database=databases.kind,
            title=f"{sites:,} items and {rows['the incidents']:,} incidents,"
            f" a processor slowed down {console_visit.SLOWED} times, medians of {times}",
            contenders=[
                Contender(name="a bare table", role="floor", run=bare, how="static HTML"),
                Contender(
                    name="the console", role="ours", how="incidents serve, one process", run=ours
                ),
            ],
            targets=[
                *(Target(of=f"{page}, first row", at_most=_FIRST_ROW_MS) for page in PAGES),
                *(Target(of=each, at_most=_MOST_MS) for each in AT_ONCE),
            ],
            notes=[f"all but {_WRITTEN} of the sites are copied by SQL"],
        )


def _server_ms(port: int, path: str, who: Mapping[str, str], times: int) -> float:
    found: float = workers.alone(median_ms, port, request("GET", path, who), times)
    return found


def _medians(took: Took) -> list[Figure]:
    return [Figure(label, median(times), "ms") for label, times in took.items()]


def _write(url: str) -> None:
    """Sites, each with past incidents whose content was removed in time, and an open incident."""
    numbers = range(1, _WRITTEN + 1)
    moment = [clock.now() - _APART * (PAST + 1)]
    with desk_of(url, at=lambda: moment[0]) as desk:
        add_sites(desk, numbers)
        for n in range(1, PAST + 2):
            submit(desk, [(site_name(site), logging(site, n).command) for site in numbers])
            if n > PAST:
                break
            for command in (
                RecordContact(by=OPERATOR, incident=n, outcome="reached"),
                StateRemoved(by=OPERATOR, incident=n),
            ):
                acts = [
                    Envelope(site=site_name(site), command=command, login=LOGIN) for site in numbers
                ]
                taken(desk, acts)
            moment[0] = clock.now() if n == PAST else moment[0] + _APART
