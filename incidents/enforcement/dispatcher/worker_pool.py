"""The crew: the threads that make an adapter's attempts, and what is made of its answers.

Nobody waits for a thread that does not come back, also not at the end of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from queue import SimpleQueue
from threading import Thread

from incidents.enforcement import port as problems
from incidents.enforcement.port import Adapter, Delivered, Failed, Order, Outcome, Retry, Skipped
from incidents.log import logger

_NONE = timedelta(0)

_log = logger("acts")


class Crew:
    """At most `workers` threads, which do what they are given, one thing each at a time."""

    def __init__(self, name: str, workers: int) -> None:
        self._name, self._workers = name, workers
        self._work: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._threads = 0

    def give(self, work: Callable[[], object]) -> None:
        """Has it done as soon as one of them is free; it raises nothing."""
        self._work.put(work)
        if self._threads < self._workers:
            self._threads += 1
            name = f"{self._name}-{self._threads}"
            Thread(target=self._labour, name=name, daemon=True).start()

    def close(self) -> None:
        """Lets each of them go when it comes back."""
        for _ in range(self._threads):
            self._work.put(None)

    def _labour(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def attempt(adapter: Adapter, order: Order) -> Outcome:
    """One attempt; whatever the adapter does, what comes of it may go on record."""
    try:
        return _read(adapter.deliver(order))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an adapter of whoever's must not end the duty
        cry("an adapter failed", order=order.id, error=error)
        return Retry(problem="fault", detail=f"a fault in it: {type(error).__name__}")


def cry(sentence: str, **facts: object) -> None:
    """What somebody should look at; a log that cannot be written holds up no order."""
    with suppress(OSError, ValueError):
        _log.error(sentence, **facts)


def _read(answer: object) -> Outcome:
    match answer:
        case Delivered(enforced=enforced):
            return Delivered(enforced=bool(enforced))
        case Retry(problem=problem, after=after, detail=detail):
            return Retry(
                problem=problems.code(problem),
                after=None if after is None else max(after, _NONE),
                detail=problems.sentence(detail),
            )
        case Failed(problem=problem, detail=detail):
            return Failed(problem=problems.code(problem), detail=problems.sentence(detail))
        case Skipped(why=why):
            return Skipped(why=problems.code(why))
    raise TypeError(f"no outcome: {type(answer).__name__}")
