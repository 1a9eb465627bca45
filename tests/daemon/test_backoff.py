"""The back-off."""

from typing import Any

from incidents.daemon.part import FIRST_S, MAX_S, Backoff, Part
from incidents.errors import IncidentsError


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


def test_a_part_waits_as_long_as_is_set_for_its_error() -> None:
    seconds, waits = Seconds(), list[float]()

    def note(_: str, *, wait_s: float, **_more: Any) -> None:
        waits.append(wait_s)

    part = Part("it fails", seconds, note, longest_s=lambda _: 10 * MAX_S)
    for n in range(12):

        def fail(n: int = n) -> None:
            raise IncidentsError(f"fault {n}")

        assert not part.attempt(fail)
        seconds.now += 10 * MAX_S

    assert 5 * MAX_S <= max(waits) <= 10 * MAX_S
