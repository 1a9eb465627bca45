"""The worker pool: whatever an adapter does, its attempt ends in what may go on record."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import NoReturn

import pytest

from incidents.enforcement import attempts
from incidents.enforcement.attempts import WorkerPool
from incidents.enforcement.port import Delivered, Failed, Outcome, Retry, Skipped
from tests.enforcement.dispatcher_rig import StubAdapter
from tests.enforcement.orders import ORDER, problem
from tests.patience import PATIENCE_S, until

MINUTE = timedelta(minutes=1)


def attempt(answer: object) -> Outcome:
    adapter = StubAdapter()
    adapter.deliver = lambda order: answer  # type: ignore[method-assign, assignment, return-value]
    return attempts.attempt(adapter, ORDER)


@pytest.mark.parametrize(
    "outcome",
    [
        Delivered(), Delivered(enforced=False), Retry(problem="http_503", after=MINUTE),
        Failed(problem="gone", detail="410 Gone"), Skipped(why="no_address"),
    ],
)  # fmt: skip
def test_what_fits_is_taken_as_it_is(outcome: Outcome) -> None:
    assert attempt(outcome) == outcome


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (Retry(problem="Call +86 10 5555 0100!"), Retry(problem="call")),
        (Retry(problem="x", after=-MINUTE), Retry(problem="x", after=timedelta(0))),
        (Failed(problem="x", detail="two\nlines"), Failed(problem="x", detail="two lines")),
        (Skipped(why="No Address"), Skipped(why="no_address")),
    ],
)
def test_what_does_not_fit_is_made_to_fit(answer: Outcome, read: Outcome) -> None:
    assert attempt(answer) == read


@pytest.mark.parametrize(
    "nonsense",
    [
        None, True, "delivered", Delivered, {"enforced": True},
        Retry(problem=None),  # type: ignore[arg-type]
        Retry(problem="x", after=30),  # type: ignore[arg-type]
        Failed(problem="x", detail=7),  # type: ignore[arg-type]
        Skipped(why=b"x"),  # type: ignore[arg-type]
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_outcome_is_a_failed_attempt_and_not_one_that_was_not_made(
    nonsense: object,
) -> None:
    found = attempt(nonsense)

    assert problem(found) == "Retry fault"


def _exit() -> NoReturn:
    sys.exit(3)


def _raise() -> NoReturn:
    raise ZeroDivisionError


@pytest.mark.parametrize("do", [_exit, _raise])
def test_what_an_adapter_raises_is_a_failed_attempt(do: Callable[[], NoReturn]) -> None:
    adapter = StubAdapter(outcome=lambda _: do())

    found = attempts.attempt(adapter, ORDER)

    assert problem(found) == "Retry fault"


def test_a_log_that_cannot_be_written_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())

    assert isinstance(attempts.attempt(StubAdapter(outcome=lambda _: _raise()), ORDER), Retry)


@contextmanager
def pool(workers: int) -> Iterator[WorkerPool]:
    found = WorkerPool("panel", workers)
    yield found
    found.close()


def test_so_many_work_at_once_and_no_more() -> None:
    go_on, began = Event(), list[int]()
    done: list[int] = []

    def work(n: int) -> None:
        began.append(n)
        assert go_on.wait(PATIENCE_S)
        done.append(n)

    with pool(3) as found:
        for n in range(5):
            found.submit(lambda n=n: work(n))  # type: ignore[misc]
        until(lambda: len(began) == 3, "three work")
        go_on.set()
        until(lambda: sorted(done) == [0, 1, 2, 3, 4], "all is done")


def test_nobody_waits_for_one_that_does_not_come_back() -> None:
    hangs, ended = Event(), list[bool]()
    with pool(1) as found:
        found.submit(lambda: ended.append(hangs.wait(PATIENCE_S)))
    assert ended == []
    hangs.set()
