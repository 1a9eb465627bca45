"""The garbage collector while batches are under way: it looks seldom, but it never stops."""

import gc
from contextlib import ExitStack
from weakref import WeakSet

import pytest

from incidents.desk.transaction import infrequent_gc

BOUND = 210_000


class _Cycle:
    def __init__(self) -> None:
        self.own = self


def _drop(many: int, alive: "WeakSet[_Cycle]") -> int:
    """Make `many` cycles and drop each at once; return the most that existed at a time."""
    most = 0
    for n in range(many):
        alive.add(_Cycle())
        if n % 1_000 == 0:
            most = max(most, len(alive))
    return most


def test_what_a_batch_drops_is_collected_before_it_ends() -> None:
    with infrequent_gc():
        assert gc.isenabled()
        assert _drop(3 * BOUND, WeakSet()) <= BOUND


def test_batches_that_overlap_without_end_do_not_put_collection_off() -> None:
    """One is always under way, as in a busy server."""
    before = gc.get_threshold()
    alive: WeakSet[_Cycle] = WeakSet()
    last = ExitStack()
    last.enter_context(infrequent_gc())
    for _ in range(12):
        following = ExitStack()
        following.enter_context(infrequent_gc())
        last.close()
        last = following
        assert _drop(BOUND // 4, alive) <= BOUND
    last.close()
    assert gc.get_threshold() == before


def test_a_batch_that_fails_leaves_the_collector_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), infrequent_gc():
        raise ZeroDivisionError
    assert gc.get_threshold() == before
