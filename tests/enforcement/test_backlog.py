"""The backlog: in turn, as soon as the limit allows, and by the clock not all at once."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents.enforcement.dispatcher import Backlog, ConcurrencyLimit
from incidents.machine.orders import ACT
from incidents.store.leases import Key
from tests.enforcement.limit_rig import HANDS, SHARE, Seconds, finish, free, take

_TAKEN_AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def line(hands: ConcurrencyLimit, seconds: Seconds) -> Backlog:
    return Backlog(hands, seconds=seconds)


def _keys(many: int, first: int = 1) -> list[Key]:
    return [(site, 2, ACT, _TAKEN_AT) for site in range(first, first + many)]


def _s(wait: timedelta) -> float:
    return round(wait.total_seconds(), 3)


# By the clock.


def test_each_lot_waits_until_those_before_it_have_had_their_turn(line: Backlog) -> None:
    waits = [_s(line.postpone("panel", _keys(many))) for many in (SHARE, 2 * SHARE, SHARE)]

    assert waits == [0.1, 1.1, 3.1]
    assert _s(line.postpone("mail", _keys(1))) == 0.1


def test_where_an_adapter_is_quick_a_turn_is_short(hands: ConcurrencyLimit, line: Backlog) -> None:
    finish(hands, "panel", 3 * SHARE)

    waits = [_s(line.postpone("panel", _keys(2 * SHARE))) for _ in range(2)]
    assert waits == [0.1, 0.6]


def test_a_lot_of_one_takes_its_time_too(line: Backlog) -> None:
    assert [_s(line.postpone("panel", _keys(1))) for _ in range(3)] == [0.1, 0.35, 0.6]


def test_a_line_that_is_over_keeps_nobody_waiting(line: Backlog, seconds: Seconds) -> None:
    line.postpone("panel", _keys(10 * SHARE))
    seconds.now += 10

    assert _s(line.postpone("panel", _keys(1))) == 0.1 + 0.0


def test_nobody_waits_for_longer_than_a_lease(line: Backlog) -> None:
    waits = [_s(line.postpone("panel", _keys(10 * SHARE))) for _ in range(5)]

    assert waits == [0.1, 10.1, 20.1, 25, 25]


# As soon as there is a hand.


def test_those_who_have_waited_longest_are_next_as_many_as_there_are_hands(
    hands: ConcurrencyLimit, line: Backlog
) -> None:
    take(hands, "panel", SHARE)
    line.postpone("panel", _keys(SHARE))
    assert line.pop(HANDS) == []

    free(hands, "panel", 5, outcome=None)
    assert line.pop(HANDS) == _keys(5)
    assert line.pop(2) == _keys(2, first=6)


def test_a_hand_or_two_are_not_worth_a_transaction(hands: ConcurrencyLimit, line: Backlog) -> None:
    take(hands, "panel", SHARE)
    line.postpone("panel", _keys(SHARE))
    free(hands, "panel", 3, outcome=None)

    assert line.pop(HANDS) == []


def test_one_adapters_line_is_not_behind_anothers(hands: ConcurrencyLimit, line: Backlog) -> None:
    take(hands, "panel", SHARE)
    line.postpone("panel", _keys(1))
    line.postpone("mail", _keys(1, first=9))

    assert line.pop(HANDS) == _keys(1, first=9)


def test_who_was_taken_in_hand_meanwhile_is_not_next(line: Backlog) -> None:
    line.postpone("panel", _keys(3))
    site, seq, lane, taken_at = _keys(1)[0]
    line.remove("panel", (site, seq, lane, taken_at + timedelta(seconds=1)))
    line.remove("mail", _keys(2)[1])

    assert line.pop(HANDS) == _keys(2, first=2)
