"""celery: one task an order over Redis, acknowledged when it is done, no results kept.

A pool of processes, one or two; a pool of 16 threads was slower than both.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from bench.posts import post

NAME = "celery"
MODULES = ("celery", "redis")
HOW = "acks_late, no results, a pool of processes, prefetch 64"
BROKER, RECEIVER = "BENCH_BROKER", "BENCH_RECEIVER"


def fill(orders: int, environ: dict[str, str]) -> None:
    """So many orders that wait."""
    app = _app(environ[BROKER])
    with app.producer_pool.acquire(block=True) as producer:
        for n in range(1, orders + 1):
            app.tasks["post"].apply_async((n,), producer=producer)


def worker(environ: dict[str, str], processes: int) -> subprocess.Popen[bytes]:
    """A worker with a pool of so many processes, which takes them until it is ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", __name__, "worker", "--pool", "prefork",
         "--concurrency", str(processes), "--loglevel", "ERROR", "--without-gossip",
         "--without-mingle", "--without-heartbeat"],
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _app(broker: str) -> Any:
    from celery import Celery

    made = Celery("bench", broker=broker)
    made.conf.update(
        task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=64,
        broker_connection_retry_on_startup=True,
    )  # fmt: skip
    made.task(name="post")(_post)
    return made


def _post(n: int) -> None:
    post(os.environ[RECEIVER], n)


# What `celery -A` looks for, in the worker.
app = _app(os.environ[BROKER]) if BROKER in os.environ else None
