"""procrastinate: scheduled jobs, run by one worker with several at a time, as asynchronous tasks.

Each task does its UPDATE over a pool of psycopg's asynchronous connections.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from bench.databases import POSTGRESQL
from bench.peers.jobs import UPDATE, Count, add_targets

CONCURRENCY = 10
NAME = "procrastinate"
MODULES = ("procrastinate", "psycopg_pool")
KINDS = (POSTGRESQL,)
HOW = f"one worker, concurrency={CONCURRENCY}, asynchronous tasks, delete_jobs='always'"

_AT_ONCE = 1_000


def fill(url: str, jobs: int) -> None:
    """So many jobs that are due."""
    add_targets(url, jobs)
    asyncio.run(_fill(url, jobs))


def fire(url: str, jobs: int) -> float:
    """Seconds until all are done."""
    count = Count(jobs)
    asyncio.run(_fire(url, count))
    return count.wait()


async def _fill(url: str, jobs: int) -> None:
    app = _app(url)
    task = app.task(name="job")(_nothing)
    due = datetime.now(UTC) - timedelta(minutes=1)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(1, jobs + 1, _AT_ONCE):
            targets = range(first, min(first + _AT_ONCE, jobs + 1))
            await task.configure(schedule_at=due).batch_defer_async(
                *({"target": target} for target in targets)
            )


async def _fire(url: str, count: Count) -> None:
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    app = _app(url)
    pool = import_module("psycopg_pool").AsyncConnectionPool(
        url, min_size=CONCURRENCY, max_size=CONCURRENCY, kwargs={"autocommit": True}, open=False
    )
    async with pool, app.open_async():
        await pool.wait()

        async def job(target: int) -> None:
            async with pool.connection() as connection:
                await connection.execute(UPDATE + "%s", (target,))
            count.one()

        app.task(name="job")(job)
        count.start()
        await app.run_worker_async(
            wait=False, concurrency=CONCURRENCY, delete_jobs="always",
            install_signal_handlers=False, listen_notify=False,
        )  # fmt: skip


def _app(url: str) -> Any:
    library = import_module("procrastinate")
    connector = library.PsycopgConnector(conninfo=url, min_size=2, max_size=CONCURRENCY + 2)
    return library.App(connector=connector)


async def _nothing(target: int) -> None:
    """What a job is where none is run."""
