"""huey: scheduled tasks in its SqliteHuey (with `fsync=True`) or its PostgresHuey.

The consumer runs its scheduler and its workers as threads: one on SQLite, where a file has one
writer, four on PostgreSQL. Results are not stored.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from bench.databases import POSTGRESQL, SQLITE, kind_of, sqlite_file
from bench.peers.jobs import Count, Updates, add_targets

NAME = "huey"
MODULES = ("huey",)
KINDS = (SQLITE, POSTGRESQL)
WORKERS = {SQLITE: 1, POSTGRESQL: 4}
HOW = "scheduled tasks; SqliteHuey(fsync=True) with 1 worker, PostgresHuey with 4 (threads)"


def fill(url: str, jobs: int) -> None:
    """So many tasks that are due."""
    add_targets(url, jobs)
    huey = _huey(url, durable=False)
    task = _task(huey, None)
    # huey takes a time without a zone for UTC.
    due = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)
    for target in range(1, jobs + 1):
        huey.add_schedule(task.s(target, eta=due))
    huey.storage.close()


def fire(url: str, jobs: int) -> float:
    """Seconds until all are done."""
    count = Count(jobs)
    huey = _huey(url, durable=True)
    _task(huey, Updates(url, count))
    consumer = huey.create_consumer(workers=WORKERS[kind_of(url)], periodic=False)
    logging.getLogger("huey").setLevel(logging.ERROR)
    count.start()
    consumer.start()
    took_s = count.wait()
    consumer.stop(graceful=True)
    return took_s


def _task(huey: Any, update: Updates | None) -> Any:
    def job(target: int) -> None:
        assert update is not None
        update(target)

    return huey.task(name="job")(job)


def _huey(url: str, *, durable: bool) -> Any:
    library = import_module("huey")
    if kind_of(url) == SQLITE:
        return library.SqliteHuey(
            filename=str(sqlite_file(url)), fsync=durable, timeout=60, results=False
        )
    options = "" if durable else "-c synchronous_commit=off"
    return library.PostgresHuey(dsn=url, options=options, results=False)
