"""APScheduler with its SQLAlchemyJobStore: one date job for each timer.

The scheduler is a BackgroundScheduler with its default thread pool of ten; on SQLite one thread is
faster, since a file has one writer. `misfire_grace_time=None`, or it would drop what comes late.
The store's engine is as durable as ours. Each job keeps one connection per thread.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, event

from bench.databases import POSTGRESQL, SQLITE, kind_of
from bench.peers.jobs import Count, Updates, add_targets

NAME = "APScheduler"
MODULES = ("apscheduler",)
KINDS = (SQLITE, POSTGRESQL)
HOW = "SQLAlchemyJobStore, BackgroundScheduler, one date job a timer; 10 threads, on SQLite 1"

THREADS = {SQLITE: 1, POSTGRESQL: 10}
_TABLE = "apscheduler_jobs"
_updates: list[Updates] = []


def fill(url: str, jobs: int) -> None:
    """So many jobs that are due."""
    add_targets(url, jobs)
    store = _store(url, durable=False)
    scheduler = _scheduler(store, 1)
    scheduler.start(paused=True)
    due = datetime.now(UTC) - timedelta(minutes=1)
    for target in range(1, jobs + 1):
        scheduler.add_job(job, "date", run_date=due, args=[target], misfire_grace_time=None)
    # A paused scheduler that is shut down would begin to work; it ends with this process.
    store.engine.dispose()


def fire(url: str, jobs: int) -> float:
    """Seconds until all are done."""
    count = Count(jobs)
    _updates[:] = [Updates(url, count)]
    store = _store(url, durable=True)
    scheduler = _scheduler(store, THREADS[kind_of(url)])
    scheduler.start(paused=True)
    count.start()
    scheduler.resume()
    took_s = count.wait()
    # The last jobs are done, but still to be removed from the store.
    while scheduler.get_jobs():
        time.sleep(0.05)
    scheduler.shutdown()
    store.engine.dispose()
    return took_s


def job(target: int) -> None:
    """One job; the store keeps its name."""
    _updates[0](target)


def _scheduler(store: Any, threads: int) -> Any:
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return BackgroundScheduler(
        jobstores={"default": store},
        executors={"default": ThreadPoolExecutor(threads)},
        timezone=UTC,
    )


def _store(url: str, *, durable: bool) -> Any:
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

    if kind_of(url) == SQLITE:
        engine = create_engine(url, connect_args={"timeout": 60})

        def set_up(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")

        event.listen(engine, "connect", set_up)
    else:
        options = "" if durable else "-c synchronous_commit=off"
        engine = create_engine(
            url.replace("postgresql:", "postgresql+psycopg:", 1), connect_args={"options": options}
        )
    return SQLAlchemyJobStore(engine=engine, tablename=_TABLE)
