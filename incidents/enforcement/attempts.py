"""The attempts to carry out orders: their threads, the outcome of each, and its time limit.

Nothing waits for a thread that does not return, not even the end of the program. A library that
waits for a live system cannot be interrupted, so its attempt is abandoned. The adapter checks the
remaining time before each further change, because a late change must not follow a later order.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count
from math import inf
from queue import SimpleQueue
from threading import BoundedSemaphore, Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from incidents.enforcement.port import (
    Adapter,
    Delivered,
    Failed,
    Order,
    Outcome,
    Retry,
    Skipped,
    code,
    sentence,
)
from incidents.log import logger

_NONE = timedelta(0)

_log = logger("acts")


class WorkerPool:
    """A pool of at most `workers` threads, each running one piece of work at a time.

    The most urgent work comes first, which has the least number; else the work that came first.
    """

    def __init__(self, name: str, workers: int) -> None:
        self._name, self._workers = name, workers
        # A heap with a queue that counts it: a PriorityQueue, which is no C code, is much slower.
        self._heap: list[tuple[float, int, Callable[[], object] | None]] = []
        self._waiting: SimpleQueue[None] = SimpleQueue()
        self._lock, self._numbers = Lock(), count()
        self._threads = 0

    def submit(self, work: Callable[[], object], urgency: int = 0) -> None:
        """Run the work, which must not raise, as soon as a thread is free."""
        self._put(urgency, work)
        if self._threads < self._workers:
            self._threads += 1
            name = f"{self._name}-{self._threads}"
            Thread(target=self._run_tasks, name=name, daemon=True).start()

    def close(self) -> None:
        """End each thread as soon as its work returns."""
        for _ in range(self._threads):
            self._put(inf, None)

    def _put(self, urgency: float, work: Callable[[], object] | None) -> None:
        with self._lock:
            heappush(self._heap, (urgency, next(self._numbers), work))
        self._waiting.put(None)

    def _run_tasks(self) -> None:
        while (work := self._next()) is not None:
            work()

    def _next(self) -> Callable[[], object] | None:
        self._waiting.get()
        with self._lock:
            return heappop(self._heap)[2]


def attempt(adapter: Adapter, order: Order) -> Outcome:
    """Make one attempt, and return an outcome that can be recorded, whatever the adapter does."""
    try:
        return _checked(adapter.deliver(order))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - no adapter may end the duty
        log_error("an adapter failed", order=order.id, error=error)
        return Retry(problem="fault", detail=f"adapter fault: {type(error).__name__}")


def log_error(event: str, **facts: object) -> None:
    """Log an error that needs attention. If the log cannot be written, continue anyway."""
    with suppress(OSError, ValueError):
        _log.error(event, **facts)


def _checked(answer: object) -> Outcome:
    match answer:
        case Delivered(enforced=enforced):
            return Delivered(enforced=bool(enforced))
        case Retry(problem=problem, after=after, detail=detail):
            return Retry(
                problem=code(problem),
                after=None if after is None else max(after, _NONE),
                detail=sentence(detail),
            )
        case Failed(problem=problem, detail=detail):
            return Failed(problem=code(problem), detail=sentence(detail))
        case Skipped(why=why):
            return Skipped(why=code(why))
    raise TypeError(f"no outcome: {type(answer).__name__}")


Result = TypeVar("Result")


class LateError(Exception):
    """The time limit of the attempt is over."""


class Attempts(Generic[Result]):
    """The attempts in progress: one for each caller, and at most `most` in all.

    `timed_out` is the result of work that did not end in time; `busy` is the result of work that
    was not begun because too many attempts are in progress.
    """

    def __init__(self, *, limit_s: float, most: int, timed_out: Result, busy: Result) -> None:
        self._limit_s = limit_s
        self._free = BoundedSemaphore(most)
        self._timed_out = timed_out
        self._busy = busy

    def run(self, work: Callable[[float], Result]) -> Result:
        """Run the work, which gets its deadline (monotonic, in seconds), and return the result.

        Errors of the work are raised here, except LateError.
        """
        if not self._free.acquire(blocking=False):
            return self._busy
        until = monotonic() + self._limit_s
        ended: Future[Result] = Future()
        Thread(target=self._work, args=(work, until, ended), name="attempt", daemon=True).start()
        try:
            return ended.result(timeout=self._limit_s)
        except LateError:
            return self._timed_out
        except TimeoutError as error:
            if ended.done() and ended.exception() is error:
                raise
            return self._timed_out

    def _work(self, work: Callable[[float], Result], until: float, ended: Future[Result]) -> None:
        # Release first: the caller may start the next attempt at once.
        try:
            result = work(until)
        except BaseException as error:  # noqa: BLE001  # raised where it is waited for
            self._free.release()
            ended.set_exception(error)
        else:
            self._free.release()
            ended.set_result(result)


def check_time(until: float) -> None:
    """Check that time remains; an adapter calls this before each change to a live system.

    Raises:
        LateError: if no time remains.
    """
    if monotonic() > until:
        raise LateError
