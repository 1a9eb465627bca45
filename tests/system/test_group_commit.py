"""The group commit: waiting callers share the next round, and none is forgotten."""

import threading
from collections.abc import Sequence

import pytest

from incidents.system.group_commit import GroupCommit
from tests.patience import PATIENCE_S, until


class Work:
    """Doubles numbers, and stands still while it is held."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.held = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.rounds.append(list(items))
        self.begun.release()
        assert self.held.wait(PATIENCE_S)
        if -1 in items:
            raise ArithmeticError("minus one")
        return [2 * item for item in items]


def started(group: GroupCommit[int, int], items: Sequence[int], found: dict[int, object]) -> None:
    """Start threads that wait for their turn, one for each item."""

    def take(item: int) -> None:
        try:
            found[item] = group.take(item, PATIENCE_S)
        except ArithmeticError as error:
            found[item] = str(error)

    for item in items:
        threading.Thread(target=take, args=(item,), daemon=True).start()


def test_what_waits_while_a_round_is_under_way_shares_the_next() -> None:
    work, found = Work(), dict[int, object]()
    group = GroupCommit(work)
    started(group, [0], found)
    assert work.begun.acquire(timeout=PATIENCE_S)

    started(group, range(1, 20), found)
    until(lambda: len(group._waiting) == 19, "they wait")
    work.held.set()

    until(lambda: len(found) == 20, "they are answered")
    assert found == {item: 2 * item for item in range(20)}
    assert len(work.rounds) == 2
    assert sorted(work.rounds[1]) == list(range(1, 20))


def test_whoever_has_waited_too_long_is_left_out_of_the_next_round() -> None:
    work, found = Work(), dict[int, object]()
    group = GroupCommit(work)
    started(group, [0], found)
    assert work.begun.acquire(timeout=PATIENCE_S)

    assert group.take(7, 0.01) is None

    work.held.set()
    until(lambda: len(found) == 1, "they are answered")
    assert group.take(8, PATIENCE_S) == 16
    assert work.rounds == [[0], [8]]


def test_a_fault_in_a_round_reaches_each_that_is_in_it_and_no_other() -> None:
    work, found = Work(), dict[int, object]()
    group = GroupCommit(work)
    started(group, [0], found)
    assert work.begun.acquire(timeout=PATIENCE_S)
    started(group, [1, -1, 2], found)
    until(lambda: len(group._waiting) == 3, "they wait")
    work.held.set()

    until(lambda: len(found) == 4, "they are answered")
    assert found == {0: 0, 1: "minus one", -1: "minus one", 2: "minus one"}
    assert group.take(3, PATIENCE_S) == 6


def test_a_round_that_gives_too_few_outcomes_is_a_fault() -> None:
    short: GroupCommit[int, int] = GroupCommit(lambda items: [])
    with pytest.raises(ValueError, match="zip"):
        short.take(1, PATIENCE_S)
