"""The shared value: one for a process and its copies, whatever becomes of them."""

from __future__ import annotations

import os
import signal

import pytest

from incidents.system.shared import SharedLock, SharedValue
from tests import forked


def test_what_a_copy_changes_the_others_see() -> None:
    shared = SharedValue[dict[str, int]]({"a": 1})

    def change() -> None:
        with shared.changing() as value:
            value["b"] = value.pop("a") + 1

    assert shared.get() == {"a": 1}
    assert forked.done(change) == 0
    assert shared.get() == {"b": 2}


def test_after_an_error_it_is_as_before() -> None:
    shared = SharedValue[list[int]]([])
    with pytest.raises(ZeroDivisionError), shared.changing() as value:
        value.append(1 // 0)
    assert shared.get() == []


def test_what_a_killed_process_has_written_half_is_begun_anew() -> None:
    shared = SharedValue[list[int]]([])
    with shared.changing() as value:
        value.extend(range(1_000))
    os.pwrite(shared._lock.file, b"\0" * 10, 100)
    assert shared.get() == []
    with shared.changing() as value:
        value.append(1)
    assert shared.get() == [1]


def test_one_holds_the_lock_at_a_time_and_a_process_that_is_killed_lets_go() -> None:
    lock = SharedLock()

    def die_with_it() -> None:
        assert lock.acquire(0)
        os.kill(os.getpid(), signal.SIGKILL)

    assert forked.done(die_with_it) == -signal.SIGKILL
    assert lock.acquire(0)
    assert not lock.acquire(0), "nor does another thread of the same process get it"

    def refused() -> None:
        lock._thread.release()
        assert not lock.acquire(0)

    assert forked.done(refused) == 0
    lock.release()
    assert lock.acquire(0)
