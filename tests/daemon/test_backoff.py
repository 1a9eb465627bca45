"""The back-off."""

from incidents.daemon.part import FIRST_S, MAX_S, Backoff


class Seconds:
    """Elapsed time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_waited_for_before_anything_has_failed() -> None:
    backoff = Backoff()

    assert not backoff.waiting
    assert backoff.succeeded() is None


def test_each_failure_doubles_the_wait_up_to_a_limit() -> None:
    backoff = Backoff(jitter=lambda: 0.0)

    waits = [backoff.failed() for _ in range(8)]

    assert waits == [FIRST_S, 2, 4, 8, 16, MAX_S, MAX_S, MAX_S]


def test_a_thousand_failures_wait_no_longer_than_the_limit() -> None:
    backoff = Backoff(jitter=lambda: 0.0)

    assert max(backoff.failed() for _ in range(1_000)) == MAX_S


def test_chance_shortens_a_wait_by_up_to_a_half() -> None:
    assert Backoff(jitter=lambda: 1.0).failed() == FIRST_S / 2


def test_it_waits_until_the_time_is_up() -> None:
    seconds = Seconds()
    backoff = Backoff(monotonic=seconds, jitter=lambda: 0.0)
    backoff.failed()

    seconds.now += FIRST_S - 0.01
    assert backoff.waiting
    seconds.now += 0.01
    assert not backoff.waiting


def test_a_success_tells_how_long_it_had_failed_and_begins_anew() -> None:
    seconds = Seconds()
    backoff = Backoff(monotonic=seconds, jitter=lambda: 0.0)
    backoff.failed()
    seconds.now += 5
    backoff.failed()
    seconds.now += 5

    assert backoff.succeeded() == 10
    assert not backoff.waiting
    assert backoff.failed() == FIRST_S
