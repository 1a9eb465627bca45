"""The alarms' rows: raised once, in one hand at a time, told once, and gone with their cause."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine

from incidents.store import monitoring
from incidents.store.database.engine import reading, writing
from incidents.store.monitoring import Raised
from tests.store.conftest import Opener

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
S, LEASE, MOMENT = timedelta(seconds=1), timedelta(seconds=25), timedelta(microseconds=1)
KEY = "order_dead:1-o4"


@pytest.fixture
def engine(opened: Opener, db_url: str) -> Engine:
    return opened(db_url)


def new(at: datetime = START, subject: str = "1-o4") -> Raised:
    return monitoring.new_alarms(f"order_dead:{subject}", "order_dead", subject, at)


def raise_(engine: Engine, *raised: Raised) -> Raised:
    with writing(engine) as connection:
        monitoring.add_alarms(connection, raised)
    return raised[0]


def known(engine: Engine) -> dict[str, Raised]:
    with reading(engine) as connection:
        return monitoring.known_alarms(connection)


def claim(engine: Engine, seen: Raised, now: datetime) -> Raised | None:
    with writing(engine) as connection:
        return monitoring.claim_alarms(connection, seen, now=now, lease=LEASE)


def test_an_alarm_is_due_from_when_it_is_raised(engine: Engine) -> None:
    seen = raise_(engine, new())

    assert known(engine) == {KEY: seen}
    assert seen.due(START)
    assert not seen.due(START - MOMENT)


def test_what_is_raised_already_stays_as_it_is(engine: Engine) -> None:
    first = raise_(engine, new())

    raise_(engine, new(START + 5 * S), new(START + 5 * S, "2-o1"))

    assert known(engine)[KEY] == first
    assert set(known(engine)) == {KEY, "order_dead:2-o1"}


def test_of_two_who_saw_it_one_has_it_in_hand(engine: Engine) -> None:
    seen = raise_(engine, new())

    one, other = claim(engine, seen, START), claim(engine, seen, START)

    assert one is not None
    assert (one.attempts, one.next_at) == (1, START + LEASE)
    assert other is None
    assert known(engine)[KEY] == one
    assert not one.due(START + LEASE - MOMENT)


def test_of_many_at_one_moment_one_has_it_in_hand(engine: Engine) -> None:
    seen = raise_(engine, new())
    together = Barrier(6)

    def take() -> Raised | None:
        together.wait()
        return claim(engine, seen, START)

    with ThreadPoolExecutor(6) as many:
        taken = list(many.map(lambda _: take(), range(6)))

    assert taken.count(None) == 5


def test_what_is_neither_told_nor_put_off_is_anybodys_when_the_lease_ends(engine: Engine) -> None:
    claimed = claim(engine, raise_(engine, new()), START)
    assert claimed is not None

    assert claimed.due(START + LEASE)
    again = claim(engine, claimed, START + LEASE)

    assert again is not None
    assert again.attempts == 2


def test_what_is_told_is_told_by_nobody_else(engine: Engine) -> None:
    claimed = claim(engine, raise_(engine, new()), START)
    assert claimed is not None

    with writing(engine) as connection:
        monitoring.record_alarm_sent(connection, claimed, START + S)
    found = known(engine)[KEY]

    assert found.told_at == START + S
    assert not found.due(START + timedelta(days=365))
    assert claim(engine, found, START + LEASE) is None


def test_told_late_it_is_told_all_the_same(engine: Engine) -> None:
    first = claim(engine, raise_(engine, new()), START)
    assert first is not None
    second = claim(engine, first, START + LEASE)
    assert second is not None

    with writing(engine) as connection:
        monitoring.record_alarm_sent(connection, first, START + 26 * S)
        monitoring.record_alarm_sent(connection, second, START + 30 * S)

    assert known(engine)[KEY].told_at == START + 26 * S


@pytest.mark.parametrize(("tried", "attempts"), [(True, 1), (False, 0)])
def test_what_is_put_off_is_due_then(engine: Engine, tried: bool, attempts: int) -> None:
    claimed = claim(engine, raise_(engine, new()), START)
    assert claimed is not None

    with writing(engine) as connection:
        monitoring.postpone_alarm(connection, claimed, START + 60 * S, tried=tried)

    found = known(engine)[KEY]
    assert (found.attempts, found.next_at) == (attempts, START + 60 * S)


def test_who_has_lost_the_lease_puts_nothing_off(engine: Engine) -> None:
    slow = claim(engine, raise_(engine, new()), START)
    assert slow is not None
    quick = claim(engine, slow, START + LEASE)

    with writing(engine) as connection:
        monitoring.postpone_alarm(connection, slow, START + timedelta(hours=2))

    assert known(engine)[KEY] == quick


def test_what_is_forgotten_can_be_raised_again(engine: Engine) -> None:
    first = raise_(engine, new())
    with writing(engine) as connection:
        monitoring.delete_alarms(connection, [first])
    assert known(engine) == {}

    again = raise_(engine, new(START + 60 * S))

    assert known(engine) == {KEY: again}


@pytest.mark.parametrize(
    "late",
    [
        lambda connection, old: monitoring.delete_alarms(connection, [old]),
        lambda connection, old: monitoring.record_alarm_sent(connection, old, START + 61 * S),
        lambda connection, old: monitoring.postpone_alarm(connection, old, START + 61 * S),
    ],
    ids=["forget", "told", "put_off"],
)
def test_who_saw_the_one_before_does_nothing_to_the_one_that_came_again(
    engine: Engine, late: Callable[..., None]
) -> None:
    old = raise_(engine, new())
    with writing(engine) as connection:
        monitoring.delete_alarms(connection, [old])
    again = raise_(engine, new(START + 60 * S))

    with writing(engine) as connection:
        late(connection, old)

    assert known(engine) == {KEY: again}
    assert claim(engine, old, START + 61 * S) is None


def test_who_saw_it_before_it_was_put_off_untried_has_nothing_in_hand(engine: Engine) -> None:
    seen = raise_(engine, new())
    claimed = claim(engine, seen, START)
    assert claimed is not None
    with writing(engine) as connection:
        monitoring.postpone_alarm(connection, claimed, START + timedelta(hours=8), tried=False)

    assert claim(engine, seen, START + S) is None
