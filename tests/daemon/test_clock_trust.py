"""Whether a clock can be trusted."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents import clock
from incidents.daemon import enforce
from incidents.daemon.enforce import ClockSteps
from incidents.store.database.engine import reading
from tests.acceptance.daemons import engine_of
from tests.databases import compares_clocks

SECOND = timedelta(seconds=1)
START = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.both_databases
def test_sqlite_and_a_rehearsal_have_no_clock_to_compare_with(db_url: str) -> None:
    with engine_of(db_url) as engine, reading(engine) as connection:
        assert enforce.clock_drift(connection) is None


@pytest.mark.parametrize("ahead", [-3_600, -5, 0, 5, 3_600])
def test_on_postgresql_the_drift_is_measured(postgresql_url: str, ahead: int) -> None:
    with engine_of(compares_clocks(postgresql_url)) as engine, reading(engine) as connection:
        drift = enforce.clock_drift(connection, lambda: clock.now() + ahead * SECOND)

    assert drift is not None
    assert abs(drift - ahead * SECOND) < 0.5 * SECOND


def test_a_slow_way_to_the_database_is_no_drift(postgresql_url: str) -> None:
    shown = iter([clock.now() - 10 * SECOND, clock.now() + 10 * SECOND])
    with engine_of(compares_clocks(postgresql_url)) as engine, reading(engine) as connection:
        assert enforce.clock_drift(connection, lambda: next(shown)) == timedelta(0)


@pytest.mark.parametrize("drift", [None, 0 * SECOND, 2 * SECOND, -2 * SECOND])
def test_up_to_two_seconds_the_clock_is_trusted(drift: timedelta | None) -> None:
    assert enforce.reason_to_stand_aside(drift) is None


@pytest.mark.parametrize(
    ("drift", "reason"),
    [
        (2.1 * SECOND, "its clock is 2.1 s ahead of the database's"),
        (-4000 * SECOND, "its clock is 4,000.0 s behind the database's"),
    ],
)
def test_beyond_two_seconds_a_daemon_stands_aside_and_says_why(
    drift: timedelta, reason: str
) -> None:
    assert enforce.reason_to_stand_aside(drift) == reason


class Clocks:
    """A wall clock and elapsed time, which a test moves apart."""

    def __init__(self) -> None:
        self.now, self.elapsed = START, 50.0

    def wait(self, seconds: float) -> None:
        self.now += seconds * SECOND
        self.elapsed += seconds

    def steps(self) -> ClockSteps:
        return ClockSteps(lambda: self.now, lambda: self.elapsed)


def test_a_clock_that_goes_on_takes_no_step() -> None:
    clocks = Clocks()
    steps = clocks.steps()

    clocks.wait(3_600)

    assert steps.step() is None


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(days=20_000), -SECOND, SECOND])
def test_a_clock_that_is_set_takes_one_step_of_that_size(by: timedelta) -> None:
    clocks = Clocks()
    steps = clocks.steps()
    clocks.wait(1)

    clocks.now += by

    assert steps.step() == by
    assert steps.step() is None


def test_a_clock_that_is_slewed_takes_no_step() -> None:
    clocks = Clocks()
    steps = clocks.steps()

    for _ in range(100):
        clocks.wait(1)
        clocks.now += 0.1 * SECOND
        assert steps.step() is None
