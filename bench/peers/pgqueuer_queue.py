"""pgqueuer: deferred jobs, taken in batches over asyncpg, its first driver.

Each job does its UPDATE over a pool of asyncpg's connections.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from importlib import import_module
from typing import Any

from bench.databases import POSTGRESQL
from bench.peers.jobs import UPDATE, Count, add_targets

BATCH = 100
CONNECTIONS = 10
NAME = "pgqueuer"
MODULES = ("pgqueuer", "asyncpg")
KINDS = (POSTGRESQL,)
HOW = f"asyncpg, batch_size={BATCH}, a pool of {CONNECTIONS} connections for the jobs"


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
    connection = await import_module("asyncpg").connect(url)
    library = import_module("pgqueuer")
    queries = library.Queries(library.AsyncpgDriver(connection))
    await queries.install()
    for first in range(1, jobs + 1, 1_000):
        targets = range(first, min(first + 1_000, jobs + 1))
        await queries.enqueue(
            ["job"] * len(targets),
            [str(target).encode() for target in targets],
            [0] * len(targets),
            [timedelta(0)] * len(targets),
        )
    await connection.close()


async def _fire(url: str, count: Count) -> None:
    asyncpg, library = import_module("asyncpg"), import_module("pgqueuer")
    connection = await asyncpg.connect(url)
    pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    queuer = library.PgQueuer(library.AsyncpgDriver(connection))

    @queuer.entrypoint("job")  # type: ignore[untyped-decorator]  # it is not known here
    async def job(one: Any) -> None:
        await pool.execute(UPDATE + "$1", int(one.payload))
        count.one()

    drain = import_module("pgqueuer.types").QueueExecutionMode.drain
    count.start()
    await queuer.run(batch_size=BATCH, mode=drain)
    await pool.close()
    await connection.close()
