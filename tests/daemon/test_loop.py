"""What wakes the duties."""

import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread, get_ident

import pytest
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED

from incidents import clock
from incidents.app import App
from incidents.daemon import loop
from incidents.daemon.journal import Systemd
from incidents.daemon.loop import Every
from incidents.daemon.signals import blocked_signals
from incidents.errors import IncidentsError
from incidents.settings import sources
from incidents.store.database.sqlite_file import ReplacedError
from tests.patience import PATIENCE_S, until

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_duty_is_due_at_once_and_then_after_its_interval() -> None:
    every = Every(5)

    assert every.get_next_fire_time(None, START) == START
    assert every.get_next_fire_time(START, START) == START + timedelta(seconds=5)


def test_after_fifty_years_of_missed_beats_a_duty_is_run_once() -> None:
    today = START + timedelta(days=50 * 365)
    scheduler = BackgroundScheduler(timezone=UTC)
    job: Job = scheduler.add_job(lambda: None, Every(1), next_run_time=START)

    # The scheduler's own question before it runs a job; its interval would count 1.6 billion.
    assert job._get_run_times(today) == [START]


def is_for_tomorrow(scheduler: BackgroundScheduler) -> bool:
    due = scheduler.get_job("due")
    return bool(due.next_run_time > clock.now() + timedelta(hours=1))


def test_a_wake_up_that_a_look_asks_for_is_kept_though_it_comes_while_the_look_is_at_work(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[datetime] = []
    second = Event()

    def look() -> None:
        looks.append(clock.now())
        if len(looks) == 2:
            second.set()
            return
        whole._wake_at(clock.now())
        until(lambda: is_for_tomorrow(scheduler), "its time comes while it is at work")

    app = App(sources.load(db=sqlite_url))
    whole = loop.Loop(app, Systemd({}))
    scheduler = whole._scheduler
    monkeypatch.setattr(whole._enforcement, "run", look)
    scheduler.start()
    try:
        whole._wake_at(clock.now())
        assert second.wait(PATIENCE_S)
    finally:
        scheduler.shutdown()
        app.close()


def test_a_look_that_asks_to_be_woken_while_the_daemon_ends_keeps_it_from_nothing(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = Event()

    def look() -> None:
        at_work.set()
        until(lambda: scheduler.state == STATE_STOPPED, "the daemon ends")
        whole._wake_at(clock.now())

    app = App(sources.load(db=sqlite_url))
    whole = loop.Loop(app, Systemd({}))
    scheduler = whole._scheduler
    monkeypatch.setattr(whole._enforcement, "run", look)
    scheduler.start()
    whole._wake_at(clock.now())
    assert at_work.wait(PATIENCE_S)

    ending = Thread(target=whole._finish, daemon=True)
    ending.start()
    ending.join(PATIENCE_S)

    assert not ending.is_alive()
    app.close()


def test_a_stop_that_comes_while_the_scheduler_wakes_a_look_leaves_no_traceback(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the scheduler's own thread would fail this test."""
    app = App(sources.load(db=sqlite_url))
    whole = loop.Loop(app, Systemd({}))
    scheduler, executor = whole._scheduler, whole._executors["clock"]
    ending = Thread(target=whole._finish, daemon=True)
    submit = executor.submit_job

    def submit_and_stop(job: Job, times: list[datetime]) -> None:
        submit(job, times)
        ending.start()
        until(lambda: scheduler.state == STATE_STOPPED, "it is stopped")

    monkeypatch.setattr(whole._enforcement, "run", lambda: None)
    monkeypatch.setattr(executor, "submit_job", submit_and_stop)
    scheduler.start()
    own_thread = scheduler._thread
    whole._wake_at(clock.now())
    own_thread.join(PATIENCE_S)
    ending.join(PATIENCE_S)

    assert not own_thread.is_alive()
    assert not ending.is_alive()
    app.close()


def test_it_ends_once_another_file_is_where_its_database_was(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever watches over it starts it again, and then it goes on with what is there."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    shutil.copy(file, copy := file.with_name("copy.db"))
    app = App(sources.load(db=sqlite_url))
    whole = loop.Loop(app, Systemd({}))
    looked, wait = [], whole._wait

    def wait_and_put_back() -> int | None:
        until(lambda: whole._enforcement.is_working, "it enforces")
        looked.append(True)
        copy.replace(file)
        return wait()

    monkeypatch.setattr(whole, "_wait", wait_and_put_back)
    with blocked_signals(), pytest.raises(ReplacedError):
        whole.run()

    app.close()
    assert looked
    assert '"the daemon cannot continue"' in capsys.readouterr().err


def stop_this_thread() -> None:
    """Send the signal to this thread alone: others do not block it."""
    signal.pthread_kill(get_ident(), signal.SIGTERM)


def a_part(url: str) -> loop.Loop:
    return loop.Loop(App(sources.load(db=url)), Systemd({}), enforces=False, duties=())


def test_a_part_says_that_it_goes_on(sqlite_url: str) -> None:
    beats: list[int] = []

    def report(error: IncidentsError | None) -> None:
        assert error is None
        beats.append(1)
        if len(beats) == 2:
            stop_this_thread()

    with blocked_signals():
        a_part(sqlite_url).run_part(report)

    assert len(beats) == 2


def test_a_part_whose_scheduler_has_stopped_is_silent(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, beats = a_part(sqlite_url), list[int]()
    long_ago = time.monotonic() - 60
    monkeypatch.setattr(part, "_start", lambda: setattr(part, "_looked_at", long_ago))
    monkeypatch.setattr(part, "_close", lambda: None)
    monkeypatch.setattr(part, "_run_all_now", stop_this_thread)

    with blocked_signals():
        part.run_part(lambda _: beats.append(1))

    assert beats == []
