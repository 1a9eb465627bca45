"""Worker processes that begin at one moment, each doing its share of what is measured."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

PATIENCE_S = 3_600.0

Start = Callable[[], None]
"""Called by a worker when it is ready; comes back when all are."""


def run(work: Callable[..., Any], shares: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Calls `work(start, *share)` for each of the shares, in a process of its own each.

    What is imported or connected before `start()` is called lies outside the time. The answers
    come in the order of the shares.

    Raises:
        RuntimeError: with the traceback of the first worker that failed.
    """
    # A forked process would share our connections' sockets, and end them when it ends.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(shares))
    workers = []
    for share in shares:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, barrier, work, share))
        process.start()
        theirs.close()
        workers.append((process, ours))
    answers = [_answer(pipe) for _, pipe in workers]
    for process, pipe in workers:
        process.join()
        pipe.close()
    for problem, _ in answers:
        if problem is not None:
            raise RuntimeError(problem)
    return [answer for _, answer in answers]


def alone(work: Callable[..., Any], *share: Any) -> Any:
    """Calls `work(*share)` in a process of its own."""
    return run(_without_start, [(work, share)])[0]


def timed(work: Callable[..., Any], shares: Sequence[tuple[Any, ...]]) -> float:
    """Like `run`, of workers that answer (began, ended); seconds from the first to the last."""
    times = run(work, shares)
    took_s: float = max(ended for _, ended in times) - min(began for began, _ in times)
    return took_s


def moment() -> float:
    """A time that is the same in all processes, in seconds."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _without_start(_start: Start, work: Callable[..., Any], share: tuple[Any, ...]) -> Any:
    return work(*share)


def _answer(pipe: Any) -> tuple[str | None, Any]:
    try:
        answer: tuple[str | None, Any] = pipe.recv()
        return answer
    except EOFError:
        return "a worker ended without an answer", None


def _work(pipe: Any, barrier: Any, work: Callable[..., Any], share: tuple[Any, ...]) -> None:
    def start() -> None:
        barrier.wait(PATIENCE_S)

    try:
        pipe.send((None, work(start, *share)))
    except Exception:  # noqa: BLE001 - whatever it is, the run's report has it
        # The others must not wait for this one.
        barrier.abort()
        pipe.send((traceback.format_exc(), None))
