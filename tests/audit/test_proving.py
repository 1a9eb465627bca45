"""Runs of the verification: one at a time, and what it has shown, or why it has not."""

from __future__ import annotations

import os
from threading import Event

import pytest

from incidents import clock
from incidents.audit.pool import Progress
from incidents.audit.proof.proving import Proving
from incidents.errors import DatabaseError
from tests import forked
from tests.patience import PATIENCE_S


def test_one_runs_at_a_time_and_says_how_far_it_is() -> None:
    go_on, told, proving = Event(), Event(), Proving[str]()

    def prove(done: Progress) -> str:
        done(2)
        told.set()
        go_on.wait(PATIENCE_S)
        return "shown"

    assert proving.last is None
    assert proving.begin(prove, by="li", of=5, clock=clock.now)
    assert told.wait(PATIENCE_S)
    assert not proving.begin(prove, by="wang", of=5, clock=clock.now)
    running = proving.wait(0)
    assert running is not None
    assert (running.by, running.entries, running.of, running.ended) == ("li", 2, 5, None)
    go_on.set()
    over = proving.wait(PATIENCE_S)
    assert over is not None
    assert (over.shown, over.failed) == ("shown", None)
    assert proving.begin(prove, by="wang", of=5, clock=clock.now)


def test_all_workers_of_a_server_know_of_it_and_that_it_has_died_with_its_process() -> None:
    proving, told = Proving[str](), Event()
    pid = forked.begin(
        lambda: proving.begin(lambda _: str(told.wait()), by="li", of=5, clock=clock.now)
    )
    # Until it is waited for it is there.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    running = proving.wait(0)
    assert running is not None
    assert (running.by, running.ended, running.failed) == ("li", None, None)
    assert not proving.begin(lambda _: "shown", by="wang", of=0, clock=clock.now)
    assert os.waitpid(pid, 0) == (pid, 0)
    over = proving.wait(PATIENCE_S)
    assert over is not None
    assert (over.ended, over.failed) == (running.begun, "ProcessEndedError")
    assert proving.begin(lambda _: "shown", by="wang", of=0, clock=clock.now)
    assert proving.wait(PATIENCE_S)


def test_it_has_died_though_its_number_is_that_of_another_users_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    proving, go_on = Proving[str](), Event()
    assert proving.begin(lambda _: str(go_on.wait()), by="li", of=5, clock=clock.now)
    with monkeypatch.context() as changed:
        changed.setattr(os, "kill", refuse)
        last = proving.last
    go_on.set()
    assert last is not None
    assert last.failed == "ProcessEndedError"
    assert proving.wait(PATIENCE_S)


def test_one_that_breaks_says_so_and_another_can_begin() -> None:
    proving = Proving[None]()

    def broken(_: Progress) -> None:
        raise DatabaseError("the disk is full")

    def faulty(_: Progress) -> None:
        raise ZeroDivisionError

    for prove, failed in ((broken, "the disk is full"), (faulty, "ZeroDivisionError")):
        assert proving.begin(prove, by="li", of=0, clock=clock.now)
        over = proving.wait(PATIENCE_S)
        assert over is not None
        assert over.ended is not None
        assert (over.shown, over.failed) == (None, failed)
