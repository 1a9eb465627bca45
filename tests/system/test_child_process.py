"""The child process: killed when it hangs, reaped, and started again at its time."""

import errno
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incidents.system.child_process import (
    FIRST_WAIT_S,
    HEALTHY_S,
    LONGEST_WAIT_S,
    SILENT_S,
    ChildProcess,
)
from tests.patience import until


class Watched(ChildProcess):
    """A child with what was logged of it: sentences and facts."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        super().__init__("child-7", lambda sentence, **facts: self.said.append((sentence, facts)))


@pytest.fixture
def child() -> Iterator[Watched]:
    found = Watched()
    yield found
    found.signal(signal.SIGKILL)
    until(found.has_ended, "it ends")


def sleep(_channel: socket.socket) -> None:
    while True:
        signal.pause()


def ended(child: ChildProcess) -> bool:
    return until(child.check, "it ends")


def test_it_runs_the_work_under_its_name_and_can_be_heard(child: Watched) -> None:
    child.start(lambda channel: channel.sendall(Path("/proc/self/comm").read_bytes()))
    child.channel.setblocking(True)

    assert child.channel.recv(100) == b"child-7\n"
    assert ended(child)
    assert child.said[0][1]["reason"] == "exit status 0"


def test_what_its_work_raises_is_logged_there_and_is_its_exit_status(
    child: Watched, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        child, "_log_error", lambda *said, **facts: os.write(1, repr((said, facts)).encode())
    )
    child.start(lambda _: int("none"))

    assert ended(child)
    told = capfd.readouterr().out
    assert "('this process cannot go on',), {'process': 'child-7', 'error': ValueError(" in told
    assert "'reason': 'exit status 1'" in told


def test_what_it_said_last_is_heard_though_it_has_ended_by_then(child: Watched) -> None:
    child.start(lambda channel: channel.sendall(b"last"))
    assert child.pid is not None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    heard: list[bytes] = []

    assert child.check(lambda: heard.append(child.channel.recv(100)))

    assert heard == [b"last"]


def test_that_its_end_cannot_be_logged_keeps_nothing_from_going_on(
    child: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_sentence: str, **_facts: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(child, "_log_error", full)
    child.start(lambda _: None)

    assert ended(child)
    assert child.is_due


def test_at_its_first_end_it_is_due_at_once(child: Watched) -> None:
    child.start(sleep)
    pid = child.pid
    assert (child.is_due, child.check()) == (False, False)

    child.signal(signal.SIGKILL)

    assert ended(child)
    assert child.is_due
    assert child.said == [
        (
            "a process ended: it is started again",
            {"process": "child-7", "pid": pid, "wait_s": 0.0, "reason": "killed by signal 9"},
        )
    ]


def test_from_its_second_quick_end_on_it_waits_longer_and_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, child = 1_000.0, Watched()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(random, "random", lambda: 0.0)
    monkeypatch.setattr(os, "fork", no_room)

    def wait_s(lived_s: float) -> float:
        nonlocal now
        child.start(sleep)
        child._started_at = now
        now += lived_s
        return child._wait()

    def waits(n: int) -> list[float]:
        return [wait_s(HEALTHY_S / 2) for _ in range(n)]

    # A start for which there is no room is an end, too.
    assert waits(4) == [FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    due = [child.is_due]
    now += LONGEST_WAIT_S
    assert [*due, child.is_due] == [False, True]
    assert wait_s(2 * HEALTHY_S) == 0.0


def no_room() -> int:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


@pytest.mark.parametrize("function", ["os.fork", "socket.socketpair"])
def test_if_there_is_no_room_for_it_this_is_logged_and_nothing_stays_open(
    child: Watched, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    monkeypatch.setattr(function, no_room)

    child.start(sleep)

    [(sentence, facts)] = child.said
    assert sentence == "a process cannot be started"
    assert facts["reason"] == "Resource temporarily unavailable"
    assert child.pid is None
    assert set(Path("/proc/self/fd").iterdir()) == before


def listened(child: ChildProcess, monkeypatch: pytest.MonkeyPatch, for_s: float) -> None:
    """Check the child each second for so many seconds."""
    began = time.monotonic()
    for second in range(1, int(for_s) + 1):
        monkeypatch.setattr(time, "monotonic", lambda at=began + second: at)
        child.check()


def test_one_that_is_not_heard_for_long_is_killed(
    child: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.start(sleep)
    listened(child, monkeypatch, SILENT_S - 5)
    child.heard()
    listened(child, monkeypatch, SILENT_S - 5)
    assert child.said == []

    listened(child, monkeypatch, 10)

    sentence, facts = child.said[0]
    assert (sentence, facts["process"]) == ("a process hangs: it is killed", "child-7")
    assert child.silent_s() > SILENT_S, "it is not taken for one that goes on"
    assert child.pid is None or ended(child)


def test_it_is_not_to_blame_if_this_process_did_not_listen(
    child: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.start(sleep)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 2 * SILENT_S)

    assert not child.check()

    assert child.said == []
