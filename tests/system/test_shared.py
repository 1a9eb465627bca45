"""The shared value: one for a process and its copies, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from incidents.system.shared import SharedLock, SharedValue
from tests import forked
from tests.patience import until


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


def test_two_processes_that_wait_for_each_others_other_thread_are_no_deadlock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = SharedLock(), SharedLock()
    told, tell = os.pipe()

    def hold_theirs_and_wait_for_ours() -> None:
        assert theirs.acquire(0)
        os.read(told, 1)
        thread = threading.Thread(target=lambda: ours.held().__enter__())
        thread.start()
        os.read(told, 1)
        theirs.release()
        thread.join()

    pid = forked.begin(hold_theirs_and_wait_for_ours)
    try:
        with ours.held():
            os.write(tell, b".")
            until(lambda: waits(pid), "the other process to wait")
            sleep = time.sleep
            monkeypatch.setattr(time, "sleep", lambda s: (os.write(tell, b"."), sleep(s)))
            with theirs.held():
                pass
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.close(told)
        os.close(tell)


def waits(pid: int) -> bool:
    """Whether the process waits for a lock of a file."""
    lines = map(str.split, Path("/proc/locks").read_text().splitlines())
    return any(each[1] == "->" and each[5] == str(pid) for each in lines)
