"""The leases: what a courier may take in hand, for how long, and what it puts off."""

from datetime import timedelta

import pytest

from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.store import due_orders
from incidents.store.database.engine import reading
from incidents.store.due_orders import Due
from incidents.store.leases import Claimed
from tests.desk.rehearsal import TEN, Rehearsal
from tests.store.order_rows import (
    ACT,
    LEASE,
    NOTICE,
    any_due,
    claim,
    claim_these,
    delivered,
    down_up_and_down,
    due,
    failed,
    hold,
    let_go,
    marked,
    names,
    put_off,
    read_due,
    there,
    unhold,
)

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


# What is taken in hand.


def test_an_order_is_taken_in_hand_with_all_that_is_needed_to_carry_it_out(
    day: Rehearsal,
) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=2)
    day.elapse()
    ordered_at = day.now
    day.later(minutes=1)
    assert claim(day) == [
        Claimed(
            site_id=1, site="a.example", seq=4, lane=ACT, kind="suspend",
            data={
                "site": "a.example", "site_id": "1", "rule": "unreachable", "incident": "1-1",
                "suspension": "1", "until": "2026-03-02T00:00:00Z",
            },
            ordered_at=ordered_at, since=day.now, attempt=1, taken_at=day.now,
            until=day.now + LEASE, held_by="d1", in_force="active", ordered="suspended",
        )
    ]  # fmt: skip
    found = there(day, 4)
    assert (found["attempts"], found["held_by"], found["tried_at"]) == (1, "d1", day.now)
    assert found["next_at"] == day.now + LEASE


def test_what_is_in_force_on_the_site_comes_with_it(day: Rehearsal) -> None:
    hold(day)
    day.give(delivered(2))
    unhold(day)
    (claimed,) = claim(day)
    assert (claimed.kind, claimed.in_force) == ("reopen", "suspended")


def test_of_each_site_the_first_is_taken_and_no_other_before_that_is_settled(
    day: Rehearsal,
) -> None:
    for site in ("a.example", "b.example"):
        hold(day, site)
        unhold(day, site)
    assert names(claim(day)) == [("a.example", 2), ("b.example", 2)]
    assert claim(day, "d2") == []
    day.give(delivered(2), "b.example")
    assert names(claim(day, "d2")) == [("b.example", 3)]


def test_nothing_overtakes_what_was_put_off(day: Rehearsal) -> None:
    hold(day)
    unhold(day)
    marked(day, 2, next_at=day.now + HOUR)
    assert claim(day) == []


def test_a_dead_letter_keeps_nothing_back(day: Rehearsal) -> None:
    hold(day)
    unhold(day)
    day.give(failed(2))
    assert names(claim(day)) == [("a.example", 3)]


def test_a_dead_letter_is_taken_by_nobody_until_it_is_tried_again(day: Rehearsal) -> None:
    hold(day)
    day.give(failed(2))
    assert claim(day) == []
    day.give(c.RetryOrder(by="li", order=2, lane=ACT))
    assert names(claim(day)) == [("a.example", 2)]


def test_each_lane_goes_at_its_own_pace(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    hold(day)
    assert names(claim(day)) == [("a.example", 3)]
    assert names(claim(day, lane=NOTICE)) == [("a.example", 2)]
    assert claim(day, lane="desk") == []


def test_what_has_waited_longest_is_taken_first_and_no_more_than_was_asked_for(
    day: Rehearsal,
) -> None:
    hold(day, "b.example")
    day.later(minutes=1)
    hold(day)
    assert names(claim(day, most=1)) == [("b.example", 2)]
    assert names(claim(day, most=1)) == [("a.example", 2)]


def test_an_order_is_due_at_its_time_and_not_before(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, next_at=TEN + HOUR)
    assert claim(day, now=TEN + HOUR - MICROSECOND) == []
    assert names(claim(day, now=TEN + HOUR)) == [("a.example", 2)]


def test_what_cancelled_out_in_its_transaction_is_taken_by_nobody(day: Rehearsal) -> None:
    set_, lift = c.SetHold(by="li", reason="r"), c.LiftHold(by="li", reason="r")
    day.desk.submit([Envelope(site="a.example", command=each) for each in (set_, lift)])
    assert claim(day) == []


def test_an_order_has_been_tried_since_its_first_attempt(day: Rehearsal) -> None:
    """However long nobody was there to try it."""
    hold(day)
    day.later(hours=9)
    (claimed,) = claim(day)
    assert (claimed.since, claimed.ordered_at) == (day.now, TEN)
    put_off(day, claimed, HOUR)
    day.later(hours=1)
    (again,) = claim(day)
    assert again.since == claimed.since == there(day, 2)["since"]


# What was read before.


def test_what_is_taken_comes_in_the_order_in_which_it_is_named(day: Rehearsal) -> None:
    day.add("c.example")
    for site in ("a.example", "b.example", "c.example"):
        hold(day, site)
    (one, other, third) = read_due(day)

    assert names(claim_these(day, [third, one])) == [("c.example", 2), ("a.example", 2)]
    assert read_due(day) == [other]


@pytest.mark.parametrize("tried", [True, False])
def test_what_somebody_has_had_in_hand_since_it_was_read_is_not_taken(
    day: Rehearsal, tried: bool
) -> None:
    hold(day)
    found = read_due(day)
    day.later(seconds=1)
    (elsewhere,) = claim(day, "d2")
    assert claim_these(day, found) == []
    put_off(day, elsewhere, HOUR) if tried else let_go(day, elsewhere)
    day.later(hours=1)

    assert claim_these(day, found) == []
    assert there(day, 2)["attempts"] == tried
    (again,) = claim_these(day, read_due(day))
    assert (again.attempt, again.held_by, again.until) == (1 + tried, "d1", day.now + LEASE)


def test_what_is_no_longer_the_first_of_its_site_is_not_taken(day: Rehearsal) -> None:
    hold(day)
    day.give(failed(2))
    unhold(day)
    found = read_due(day)
    assert [each.kind for each in found] == ["reopen"]
    marked(day, 2, dead=False)

    assert claim_these(day, found) == []
    assert [each.seq for each in read_due(day)] == [2]


def test_what_is_settled_is_not_taken(day: Rehearsal) -> None:
    hold(day)
    found = read_due(day)
    day.give(delivered(2))

    assert claim_these(day, found) == []


def test_whether_a_hold_keeps_the_site_down_is_read_with_the_order(day: Rehearsal) -> None:
    hold(day)
    assert [(each.kind, each.held) for each in read_due(day)] == [("suspend", True)]
    (first,) = claim(day)
    day.give(delivered(first.seq))
    unhold(day)
    assert [(each.kind, each.held) for each in read_due(day)] == [("reopen", False)]


def test_pages_leave_no_order_out(day: Rehearsal) -> None:
    day.add(*(f"s{n}.example" for n in range(7)))
    for n in range(7):
        hold(day, f"s{n}.example")
        day.later(seconds=n % 2)
    found, start = list[Due](), due_orders.START
    with reading(day.engine) as connection:
        while len(page := due(connection, now=day.now, start=start, most=3)) == 3:
            found, start = found[:-1] + page if found else page, page[-1].place

    assert found[:-1] + page == read_due(day)
    assert len(read_due(day)) == 7


# How a lease ends.


def test_when_its_lease_ends_an_order_is_anybodys_again_and_that_is_another_attempt(
    day: Rehearsal,
) -> None:
    hold(day)
    claim(day)
    assert claim(day, "d2", now=TEN + LEASE - MICROSECOND) == []
    (again,) = claim(day, "d2", now=TEN + LEASE)
    assert (again.attempt, again.held_by, again.ordered_at) == (2, "d2", TEN)
    assert there(day, 2)["attempts"] == 2


def test_who_puts_an_order_off_lets_go_of_it_and_says_why(day: Rehearsal) -> None:
    hold(day)
    (claimed,) = claim(day)
    assert put_off(day, claimed, HOUR)
    found = there(day, 2)
    assert (found["held_by"], found["next_at"], found["attempts"]) == (None, TEN + HOUR, 1)
    assert (found["adapter"], found["problem"], found["detail"]) == ("panel", "http_503", "busy")
    day.later(hours=1)
    (again,) = claim(day)
    assert again.attempt == 2


def test_only_the_holder_puts_an_order_off(day: Rehearsal) -> None:
    hold(day)
    (slow,) = claim(day)
    day.now += LEASE
    (quick,) = claim(day, "d2")
    before = there(day, 2)
    assert not put_off(day, slow, HOUR)
    assert there(day, 2) == before
    assert put_off(day, quick, HOUR)
    assert not put_off(day, quick, 2 * HOUR)
    assert there(day, 2)["next_at"] == day.now + HOUR


def test_an_earlier_attempt_of_the_holder_puts_nothing_off(day: Rehearsal) -> None:
    hold(day)
    (first,) = claim(day)
    day.now += LEASE
    claim(day)
    assert not put_off(day, first, HOUR)
    assert there(day, 2)["held_by"] == "d1"


@pytest.mark.parametrize("settling", [delivered(2), failed(2)], ids=["delivered", "failed"])
def test_what_is_settled_is_not_put_off(day: Rehearsal, settling: c.Command) -> None:
    hold(day)
    (claimed,) = claim(day)
    day.give(settling)
    day.give(c.SetHold(by="li", reason="ordered"), "b.example")
    assert not put_off(day, claimed, HOUR)


def test_what_was_not_tried_after_all_is_as_if_nobody_had_taken_it(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, attempts=1, adapter="panel", problem="http_503")
    unhold(day)
    day.later(minutes=1)
    (claimed,) = claim(day)
    assert claimed.attempt == 2
    assert let_go(day, claimed)
    found = there(day, 2)
    assert (found["attempts"], found["held_by"], found["next_at"]) == (1, None, day.now)
    assert (found["adapter"], found["problem"]) == ("panel", "http_503")
    assert there(day, 3)["next_at"] == TEN
    (again,) = claim(day)
    assert again.attempt == 2


# What waits behind it.


def test_what_waits_behind_an_order_is_put_off_with_it_and_freed_with_it(day: Rehearsal) -> None:
    down_up_and_down(day)
    hold(day, "b.example")
    marked(day, 4, next_at=TEN + 2 * HOUR)
    claimed = claim(day, most=1)[0]
    assert put_off(day, claimed, HOUR)
    assert [there(day, order)["next_at"] for order in (2, 3, 4)] == [
        TEN + HOUR, TEN + HOUR, TEN + 2 * HOUR,
    ]  # fmt: skip
    assert there(day, 3, NOTICE)["next_at"] == TEN
    assert there(day, 2, ACT, site=2)["next_at"] == TEN
    day.later(hours=1)
    (_, again) = claim(day)
    assert (again.site, again.attempt) == ("a.example", 2)
    day.give(delivered(2, attempts=again.attempt))
    assert [there(day, order)["next_at"] for order in (3, 4)] == [day.now, day.now]
    assert names(claim(day)) == [("a.example", 3)]


def test_a_dead_letter_behind_it_is_left_where_it_is(day: Rehearsal) -> None:
    hold(day)
    unhold(day)
    day.give(failed(3))
    (claimed,) = claim(day)
    assert put_off(day, claimed, HOUR)
    assert there(day, 3)["next_at"] == TEN


# Whether anything is due.


def test_something_is_due_when_its_time_has_come_in_its_lane(day: Rehearsal) -> None:
    assert not any_due(day)
    hold(day)
    assert any_due(day)
    assert any_due(day, NOTICE)
    assert not any_due(day, "desk")
    claim(day)
    assert not any_due(day)
    day.now += LEASE - MICROSECOND
    assert not any_due(day)
    day.now += MICROSECOND
    assert any_due(day)


def test_what_was_put_off_with_an_order_is_not_due_either(day: Rehearsal) -> None:
    hold(day)
    unhold(day)
    (claimed,) = claim(day)
    put_off(day, claimed, HOUR)
    assert not any_due(day)


def test_a_dead_letter_is_never_due(day: Rehearsal) -> None:
    hold(day)
    day.give(failed(2))
    day.later(hours=9)
    assert not any_due(day)
