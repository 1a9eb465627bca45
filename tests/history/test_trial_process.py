"""A long trial in another process: the same result, charged, and limited."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

import pytest

from incidents.errors import IncidentsError
from incidents.history import trial_process
from incidents.history.comparison import PreparedHistory
from incidents.history.reports import Draw, TooManyReportsError
from incidents.history.rows import HistoryError
from incidents.history.simulate import Outcome
from incidents.history.trial_process import (
    MOST_S,
    TooCostlyError,
    Trial,
    TrialLostError,
    UnlimitedError,
    Upload,
)
from incidents.machine.policy import DOCUMENTED

LINES = "occurred_at,site\n" + "2026-03-01 10:00,a.example\n" * 3


def trial(told: Callable[..., Any], text: str = LINES, most: int = 3) -> Trial[Any]:
    return Trial(
        source=Upload(text.encode(), "history", UTC),
        policies=(("p", DOCUMENTED),), draw=Draw(),
        within=None, most=most, skip_bad=False, summarize=told,
    )  # fmt: skip


def _process(_: PreparedHistory, outcomes: Sequence[Outcome]) -> tuple[int, int, int]:
    seconds = resource.getrlimit(resource.RLIMIT_CPU)[0]
    return os.getpid(), seconds, outcomes[0].closed["repeat"]


def _memory(*_: object) -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_AS)


def _overspent(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGXCPU)


def _busy(*_: object) -> None:
    while True:
        pass


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every trial is a long one."""
    monkeypatch.setattr(trial_process, "SHORT", 0)


def test_what_is_short_is_done_here_and_so_costs_nothing_elsewhere() -> None:
    spent: list[float] = []
    assert trial_process.run_trial(trial(_process), spent.append)[::2] == (os.getpid(), 1)
    assert spent == []


@pytest.mark.usefixtures("long")
def test_what_is_long_is_done_elsewhere_within_a_limit_and_paid_for() -> None:
    spent: list[float] = []
    process, seconds, closed = trial_process.run_trial(trial(_process), spent.append)
    assert process != os.getpid()
    assert (MOST_S <= seconds < MOST_S + 5, closed) == (True, 1)
    assert 0 < spent[0] < MOST_S


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize(
    ("asked", "wrong", "facts"),
    [
        (trial(_process, most=2), TooManyReportsError, {"limit": "2"}),
        (trial(_process, "site\n"), HistoryError, {"file": "history", "line": 1}),
        (trial(_overspent), TooCostlyError, {"limit_s": MOST_S}),
        (trial(_killed), TrialLostError, {"detail": "killed by signal 9"}),
    ],
    ids=["too many", "no history", "too costly", "killed"],
)
def test_what_goes_wrong_elsewhere_is_told_as_here(
    asked: Trial[Any], wrong: type[IncidentsError], facts: dict[str, Any]
) -> None:
    spent: list[float] = []
    with pytest.raises(wrong) as refused:
        trial_process.run_trial(asked, spent.append)
    assert facts.items() <= refused.value.facts.items()
    cost = {TooCostlyError: [MOST_S], TrialLostError: [MOST_S]}.get(wrong)
    assert (spent == cost) if cost else (len(spent) == 1 and spent[0] < MOST_S)


# What a unit allows its processes: SystemCallFilter with SystemCallErrorNumber, LimitAS.


@pytest.fixture
def shut_in(long: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Confine the other process by a line of Python at its beginning."""

    def begin(line: str) -> None:
        refuses = (
            "import os, resource\n"
            "def refuses(*_): raise PermissionError(1, 'Operation not permitted')\n"
        )
        monkeypatch.setattr(trial_process, "_WORK", f"{refuses}{line}\n{trial_process._WORK}")

    return begin


def test_a_process_that_may_not_step_back_does_its_work_all_the_same(
    shut_in: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    spent: list[float] = []
    shut_in("os.nice = refuses")
    process, seconds, closed = trial_process.run_trial(trial(_process), spent.append)
    assert process != os.getpid()
    assert (MOST_S <= seconds < MOST_S + 5, closed) == (True, 1)
    assert 0 < spent[0] < MOST_S
    assert capfd.readouterr().err == ""


def test_a_process_that_may_not_limit_itself_does_no_work_and_says_why(
    shut_in: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    spent: list[float] = []
    shut_in("os.nice = resource.setrlimit = refuses")
    with pytest.raises(UnlimitedError, match="cannot limit its own resources") as refused:
        trial_process.run_trial(trial(_process), spent.append)
    assert "Operation not permitted" in refused.value.message
    assert "prlimit64" in refused.value.message
    assert spent[0] < MOST_S
    assert "Traceback" not in capfd.readouterr().err


TIGHTER = trial_process.MOST_BYTES // 2


@pytest.mark.parametrize(
    ("hard", "kept"), [(TIGHTER, TIGHTER), (resource.RLIM_INFINITY, trial_process.MOST_BYTES)]
)
def test_a_limit_that_is_tighter_than_its_own_is_left_to_the_process(
    shut_in: Callable[[str], None], hard: int, kept: int
) -> None:
    shut_in(f"resource.setrlimit(resource.RLIMIT_AS, ({TIGHTER}, {hard}))")
    assert trial_process.run_trial(trial(_memory), lambda _: None) == (TIGHTER, kept)


def test_a_trial_that_a_tighter_limit_of_the_processor_ends_is_too_costly(
    shut_in: Callable[[str], None],
) -> None:
    """Where both limits are one, as LimitCPU sets them, Linux kills what reaches them."""
    spent: list[float] = []
    shut_in("resource.setrlimit(resource.RLIMIT_CPU, (3, 3))")

    with pytest.raises(TooCostlyError) as refused:
        trial_process.run_trial(trial(_busy), spent.append)

    assert 1 <= spent[0] <= 2
    assert refused.value.facts["limit_s"] == spent[0]
