"""What wakes the duties."""

from datetime import UTC, datetime, timedelta

from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from incidents.daemon.loop import Every

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
