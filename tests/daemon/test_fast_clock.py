"""A daemon under a fast clock: it wakes in time, and does not take itself for dead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.loop import Loop
from incidents.settings import sources
from incidents.store.monitoring import Heartbeat
from incidents.views.health import is_alive

SINCE = datetime(2026, 3, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "fast_clock", clock.FastClock(60, SINCE))


def test_it_wakes_at_the_moment_at_which_the_fast_clock_shows_the_deadline(
    empty_db_url: str,
) -> None:
    loop = Loop(App(sources.load(db=empty_db_url)), journal.Systemd(), duties=())
    loop._wake_at(SINCE + 60 * MINUTE)
    [job] = loop._scheduler.get_jobs()
    assert job.next_run_time - (SINCE + MINUTE) == timedelta(milliseconds=1)


def test_it_beats_each_five_seconds_of_the_machine_and_is_alive_between_two_beats() -> None:
    beat = Heartbeat(daemon="a", host="a", pid=1, started_at=SINCE, beat_at=SINCE)
    assert is_alive(beat, SINCE + 5 * MINUTE)
    assert is_alive(replace(beat, beat_at=SINCE - 5 * MINUTE), SINCE)
    assert not is_alive(beat, SINCE + 11 * MINUTE)
