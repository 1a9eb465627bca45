"""dramatiq: one message an order over Redis, acknowledged when it is done.

Processes of 8 threads each, its default; on two cores it would start two.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from bench.posts import post

NAME = "dramatiq"
MODULES = ("dramatiq", "redis")
HOW = "8 threads a process, its default"
BROKER, RECEIVER = "BENCH_BROKER", "BENCH_RECEIVER"


def fill(orders: int, environ: dict[str, str]) -> None:
    """So many orders that wait."""
    actor = _actor(environ[BROKER])
    for n in range(1, orders + 1):
        actor.send(n)


def worker(environ: dict[str, str], processes: int) -> subprocess.Popen[bytes]:
    """A worker of so many processes, which takes them until it is ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "dramatiq", __name__, "--processes", str(processes),
         "--threads", "8"],
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _actor(url: str) -> Any:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=url)
    dramatiq.set_broker(broker)
    return dramatiq.actor(actor_name="post", broker=broker)(_post)


def _post(n: int) -> None:
    post(os.environ[RECEIVER], n)


# What the worker's processes import.
if BROKER in os.environ:
    _actor(os.environ[BROKER])
