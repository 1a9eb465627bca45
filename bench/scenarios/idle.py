"""Looking when nothing is due: the daemon, the queue's first page, a site; however much waits.

Measured: milliseconds of `enforce.elapse` with nothing due, of `views.queue` for its first page,
and of `views.site`; each the median of many in one process, with 1,000, 100,000 and 1,000,000
pending clocks. The ratio of the largest to the smallest is what counts.

The clocks: 1,000 sites with an open incident each, written by the desk, and the rest copied from
them by SQL (`bench.copies`): rows of sites, incidents, addresses and work.

The peer is procrastinate's fetch of the next job, with as many jobs scheduled for tomorrow.

Not measured: reading through the whole queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import Any

from bench import workers
from bench.clocks import CONTACT, due_one_after_the_other
from bench.context import Context, settle
from bench.copies import OF_QUEUE, multiply
from bench.databases import POSTGRESQL, Databases, connect
from bench.register import desk_of, site_name
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock, views
from incidents.store.database import engine as engines

SAMPLE = 1_000
LOOK, QUEUE, SITE = "look", "queue, first page", "site show"
_SPREAD = timedelta(minutes=10)
_MARGIN = timedelta(minutes=1)


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    sizes = {
        "tiny": (100, 300), "small": (1_000, 10_000, 100_000),
        "full": (1_000, 100_000, 1_000_000),
    }[context.size]  # fmt: skip
    for databases in context.each():
        yield from _trial(context, databases, sizes)


def _trial(context: Context, databases: Databases, sizes: tuple[int, ...]) -> Iterator[Trial]:
    looks = context.of_size(tiny=5, small=40, full=100)
    absent = context.absent("procrastinate")
    if absent is None and databases.kind != POSTGRESQL:
        absent = f"has nothing for {databases.kind}"
    with ExitStack() as stack:
        contenders = []
        sample = min(SAMPLE, sizes[0])
        written = stack.enter_context(databases.new())
        _write_sample(written, sample)
        for size in sizes:
            url = stack.enter_context(databases.copy(written))
            contenders.append(_ours(url, size, sample, looks))
            if absent is None:
                url = stack.enter_context(databases.new(schema=False))
                contenders.append(_procrastinate(url, size, looks))
        yield Trial(
            scenario="idle",
            database=databases.kind,
            title=f"nothing is due, medians of {looks} looks",
            contenders=contenders,
            targets=[
                Target(of=_label(what, sizes[-1]), against=_label(what, sizes[0]), at_most=1.3)
                for what in (LOOK, QUEUE, SITE)
            ],
            notes=[f"all but {sample:,} of the clocks are copied by SQL"],
            left_out={} if absent is None else {"procrastinate": absent},
        )


def _label(what: str, size: int) -> str:
    return f"{what}, {size:,} pending"


def _write_sample(url: str, sample: int) -> None:
    apart = _SPREAD / sample
    due_one_after_the_other(url, sample, clock.now() + CONTACT - _SPREAD - _MARGIN, apart)


def _ours(url: str, size: int, sample: int, looks: int) -> Contender:
    if size > sample:
        multiply(url, size // sample - 1, OF_QUEUE, spread=True)

    def once() -> list[Figure]:
        settle()
        medians = workers.alone(_looks, url, looks)
        return [
            Figure(_label(what, size), took_ms, "ms")
            for what, took_ms in zip((LOOK, QUEUE, SITE), medians, strict=True)
        ]

    return Contender(name=f"the desk, {size:,} pending", role="ours", run=once)


def _looks(url: str, looks: int) -> list[float]:
    from incidents.daemon import enforce

    engine = engines.create(url)
    with desk_of(url) as desk:

        def view(show: Callable[..., Any], *of: Any) -> None:
            with engines.reading(engine) as connection:
                show(connection, *of)

        found = [
            _median_ms(looks, lambda: _idle(enforce.elapse(engine, desk))),
            _median_ms(looks, lambda: view(views.queue, clock.now())),
            _median_ms(looks, lambda: view(views.site, site_name(7), clock.now())),
        ]
    engine.dispose()
    return found


def _idle(look: Any) -> None:
    if look.sites or look.aside:
        raise RuntimeError(f"this look was not idle: {look}")


def _median_ms(times: int, what: Callable[[], object]) -> float:
    took = []
    for n in range(times + times // 4):
        began = perf_counter()
        what()
        # The first ones plan statements and read pages.
        if n >= times // 4:
            took.append((perf_counter() - began) * 1_000)
    return median(took)


def _procrastinate(url: str, size: int, looks: int) -> Contender:
    label = f"procrastinate, {size:,} pending"
    workers.alone(_fill_procrastinate, url, size)

    def once() -> list[Figure]:
        settle()
        return [Figure(label, workers.alone(_fetch_procrastinate, url, looks), "ms")]

    return Contender(name=label, role="peer", how="JobManager.fetch_job", run=once)


def _fill_procrastinate(url: str, size: int) -> None:
    asyncio.run(_defer(url, min(size, SAMPLE)))
    copies = size // min(size, SAMPLE) - 1
    columns = "queue_name, task_name, priority, lock, queueing_lock, args, status, scheduled_at"
    with closing(connect(url)) as connection:
        connection.execute(
            f"INSERT INTO procrastinate_jobs ({columns}) SELECT {columns} FROM procrastinate_jobs "
            f"CROSS JOIN generate_series(1, {copies})"
        )
        connection.execute("VACUUM (ANALYZE)")


async def _defer(url: str, jobs: int) -> None:
    library = import_module("procrastinate")
    app = library.App(connector=library.PsycopgConnector(conninfo=url))

    async def nothing() -> None:
        """Is never run."""

    task = app.task(name="job")(nothing)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        await task.configure(schedule_at=tomorrow).batch_defer_async(*[{} for _ in range(jobs)])


def _fetch_procrastinate(url: str, looks: int) -> float:
    return asyncio.run(_fetch(url, looks))


async def _fetch(url: str, looks: int) -> float:
    library = import_module("procrastinate")
    app = library.App(connector=library.PsycopgConnector(conninfo=url))
    took = []
    async with app.open_async():
        worker = await app.job_manager.register_worker()
        for n in range(looks + looks // 4):
            began = perf_counter()
            job = await app.job_manager.fetch_job(queues=None, worker_id=worker)
            if n >= looks // 4:
                took.append((perf_counter() - began) * 1_000)
            if job is not None:
                raise RuntimeError("a job of tomorrow was fetched")
    return median(took)
