"""The thinning: which old checkpoints stay, and that nobody can hide a deletion behind it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from incidents.desk.thinning import Schedule
from incidents.store.log.thinning import Old

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
MONTH = timedelta(days=30)
SCHEDULE = Schedule.of(NOW, MONTH)


def old(id_: int, at: datetime, *witnesses: str, key: str = "k", stamped: bool = False) -> Old:
    return Old(id_, at, key, stamped, witnesses)


def gone(*found: Old, schedule: Schedule = SCHEDULE) -> Sequence[int]:
    return list(schedule.superfluous(found))


def test_all_of_the_last_month_stay_by_whole_hours() -> None:
    assert SCHEDULE.all_since == datetime(2026, 5, 2, 12, tzinfo=UTC)


def test_one_an_hour_stays_the_last_for_a_year_and_then_one_a_day() -> None:
    lately, long_ago = NOW - timedelta(days=40), NOW - timedelta(days=400)
    minutes = [timedelta(minutes=n) for n in (0, 10, 29, 30, 45)]
    first = old(1, NOW - timedelta(days=500))
    assert gone(first, *(old(n, lately + m) for n, m in enumerate(minutes, 2))) == [2, 3, 5]
    assert gone(first, *(old(n, long_ago + m) for n, m in enumerate(minutes, 2))) == [2, 3, 4, 5]


def test_a_setting_beyond_a_year_keeps_all_until_then() -> None:
    schedule = Schedule.of(NOW, timedelta(days=500))
    assert schedule.hourly_since <= schedule.all_since


def test_what_others_signed_or_stamped_stays() -> None:
    at = NOW - timedelta(days=40)
    found = [
        old(1, at), old(2, at, "w"), old(3, at, "w", "v"), old(4, at, "w"), old(5, at),
        old(6, at, stamped=True), old(7, at),
    ]  # fmt: skip
    assert gone(*found) == [2, 5]


def test_the_first_and_the_last_of_each_key_stay() -> None:
    at = NOW - timedelta(days=40)
    found = [old(n, at, key="a" if n < 4 else "b") for n in range(1, 8)]
    assert gone(*found) == [2, 5, 6]


def test_thinning_twice_removes_nothing_more_until_a_year_has_passed() -> None:
    at = NOW - timedelta(days=364)
    found = [old(n, at + timedelta(minutes=n)) for n in range(180)]
    left = [each for each in found if each.id not in gone(*found)]
    assert gone(*left) == []
    later = Schedule.of(NOW + timedelta(days=3), MONTH)
    assert len(left) - len(gone(*left, schedule=later)) == 2
