"""The memory of a daemon that has decided very much.

Measured: the resident memory of one process after each so many decisions, and its slope, in MiB
for each 1,000,000 decisions, over all but the first measurement (until then caches fill). The
process does what the daemon does, `enforce.elapse` until nothing is due, over and over, under a
clock that is told: sites are suspended when their hour is over, and opened again 13 hours later.
New incidents are logged by another process.

Not measured: the APScheduler around the look, and the journal that it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bench import workers
from bench.clocks import CONTACT
from bench.context import Context
from bench.databases import Databases
from bench.register import add_sites, desk_of, logging, site_name, submit
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock
from incidents.store.database import engine as engines
from incidents.testing import rehearsal

SLOPE = "slope"
MOST_MIB = 5.0
"""So much for each million decisions still counts as flat; an allocator is never quite still."""

ENOUGH = 1_000_000
_TURN = timedelta(hours=16)


def trials(context: Context) -> Iterator[Trial]:
    """On SQLite; at full size on PostgreSQL as well."""
    each, turns = context.of_size(tiny=100, small=5_000, full=50_000), context.of_size(
        tiny=4, small=10, full=20
    )  # fmt: skip
    for databases in context.each():
        if context.size == "full" or databases is next(context.each()):
            yield from _trial(databases, each, turns)


def _trial(databases: Databases, each: int, turns: int) -> Iterator[Trial]:
    with databases.new() as url:

        def once() -> list[Figure]:
            resident = workers.alone(_decide, url, each, turns)
            figures = [
                Figure(f"after {n * each:,} decisions", mib, "MiB")
                for n, mib in enumerate(resident, 1)
            ]
            return [*figures, Figure(SLOPE, _slope(resident, each), "MiB per 1,000,000")]

        yield Trial(
            scenario="memory",
            database=databases.kind,
            title=f"resident memory over {each * turns:,} decisions",
            rounds=1,
            contenders=[Contender(name="the look", role="ours", run=once)],
            # Of fewer decisions the slope is the allocator's noise, magnified.
            targets=[Target(of=SLOPE, at_most=MOST_MIB)] if each * turns >= ENOUGH else [],
            notes=[] if each * turns >= ENOUGH else ["too few decisions to judge the slope"],
        )


def _decide(url: str, each: int, turns: int) -> list[float]:
    """MiB after each turn; a turn is `each` decisions, half of them suspensions."""
    from incidents.daemon import enforce

    began = clock.now() - _TURN * (turns + 1)
    resident = []
    engine = engines.create(url)
    with desk_of(url) as desk, rehearsal(began) as told:
        for turn in range(turns):
            sites = each // 2
            workers.alone(_log, url, 1 + turn * sites, sites, told.now)
            done = 0
            for later in (CONTACT + timedelta(minutes=1), timedelta(hours=13)):
                told.now += later
                done += enforce.elapse(engine, desk).sites
            if done != each:
                raise RuntimeError(f"{done:,} decisions were made in place of {each:,}")
            told.now += timedelta(hours=1)
            resident.append(_resident_mib())
    engine.dispose()
    return resident


def _log(url: str, first: int, sites: int, now: datetime) -> None:
    numbers = range(first, first + sites)
    with desk_of(url, at=lambda: now) as desk:
        add_sites(desk, numbers)
        submit(desk, [(site_name(n), logging(n, 1).command) for n in numbers])


def _resident_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell what memory a process has")


def _slope(resident: list[float], each: int) -> float:
    """Least squares, in MiB for each million decisions."""
    points = list(enumerate(resident))[1:]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points) / each * 1_000_000
