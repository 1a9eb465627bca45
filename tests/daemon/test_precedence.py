"""Who goes first: what a daemon's processes know of one another, and how long a duty pauses."""

import subprocess
import sys
from threading import Event

import pytest

from incidents.daemon.precedence import MOST_S, SHARE, Precedence
from incidents.daemon.shared_status import SharedStatus

FORKED = """
import os
from incidents.daemon.shared_status import SharedStatus

shared = SharedStatus()
print(shared.is_overdue, shared.mark_unread, flush=True)
if os.fork() == 0:
    shared.is_overdue, shared.mark_unread = True, "值班台"
    os._exit(0)
os.wait()
print(shared.is_overdue, shared.mark_unread)
"""
"""In an interpreter of its own, because that of a test has threads."""


class Stop(Event):
    """An event that says how long it was waited for, and lets nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        return self.is_set()


def pauses(*worked_s: float, overdue: bool) -> list[float]:
    """How long a duty pauses after each piece of work that takes so long."""
    shared, stop, now = SharedStatus(), Stop(), [0.0]
    shared.is_overdue = overdue
    own = Precedence(shared, stop, monotonic=lambda: now[0])
    for each in worked_s:
        now[0] += each
        own.give()
    return stop.waits


def test_while_deadlines_wait_a_duty_works_its_share_of_the_time() -> None:
    [pause] = pauses(0.1, overdue=True)

    assert 0.1 / (0.1 + pause) == pytest.approx(1 / SHARE)


def test_no_pause_is_longer_than_a_second() -> None:
    assert pauses(3_600, overdue=True) == [MOST_S]


def test_while_none_wait_no_duty_pauses() -> None:
    assert pauses(0.1, 5, overdue=False) == []


def test_a_duty_is_told_to_stop_where_it_pauses() -> None:
    stop = Stop()
    own = Precedence(SharedStatus(), stop)

    assert not own.stopped()
    stop.set()
    assert own.stopped()


def test_what_one_process_writes_on_the_board_another_reads() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], check=True, capture_output=True)

    assert done.stdout.decode().splitlines() == ["False None", "True 值班台"]


def test_what_is_no_longer_so_is_wiped_off_the_board() -> None:
    shared = SharedStatus()
    shared.is_overdue, shared.mark_unread = True, "the mark cannot be read"

    shared.is_overdue, shared.mark_unread = False, None

    assert (shared.is_overdue, shared.mark_unread) == (False, None)


def test_a_reason_that_is_longer_than_the_board_is_cut() -> None:
    shared = SharedStatus()

    shared.mark_unread = "错" * 4_000

    assert shared.mark_unread is not None
    assert set(shared.mark_unread) <= {"错", "�"}


def test_two_reasons_do_not_write_over_each_other() -> None:
    shared = SharedStatus()
    shared.mailbox_unread = "the mailbox cannot be reached"
    shared.mark_unread = "错" * 4_000
    assert shared.mailbox_unread == "the mailbox cannot be reached"
    shared.mailbox_unread = "错" * 4_000
    shared.mark_unread = None
    assert shared.mark_unread is None
    assert shared.mailbox_unread is not None
