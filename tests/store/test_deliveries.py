"""The rows of orders that are not settled: how they come, change and go."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.machine.case import Delivery
from incidents.store import deliveries
from incidents.store.database.engine import reading, writing
from incidents.store.schema.log_tables import deliveries as table
from tests.desk.rehearsal import TEN, Rehearsal
from tests.store.order_rows import (
    ACT,
    LEASE,
    NOTICE,
    claim_due,
    delivered,
    down_up_and_down,
    failed,
    hold,
    marked,
    slice_for,
    there,
    unhold,
)

HOUR = timedelta(hours=1)


# How they come.


def test_an_order_waits_from_its_moment_on_in_each_of_its_lanes(day: Rehearsal) -> None:
    hold(day)
    assert day.orders() == [(2, ACT), (2, NOTICE)]
    for lane in (ACT, NOTICE):
        assert there(day, 2, lane) == {
            "site_id": 1, "lane": lane, "site_seq": 2, "n": 1, "kind": "suspend", "dead": False,
            "since": TEN, "attempts": 0, "next_at": TEN, "held_by": None, "tried_at": None,
            "adapter": None, "problem": None, "detail": None,
        }  # fmt: skip


def test_each_kind_of_order_waits_in_its_own_lanes(day: Rehearsal) -> None:
    for _ in range(3):
        day.give(c.Log(by="li"))
    assert day.rows("SELECT kind, lane FROM deliveries ORDER BY site_seq, lane") == [
        ("notify", NOTICE), ("notify", NOTICE), ("notify", NOTICE), ("close", ACT),
        ("close", NOTICE), ("call", "desk"),
    ]  # fmt: skip


def test_what_cancels_out_in_one_transaction_lets_nothing_wait(day: Rehearsal) -> None:
    day.desk.submit(
        [
            Envelope(site="a.example", command=c.SetHold(by="li", reason="ordered")),
            Envelope(site="a.example", command=c.LiftHold(by="li", reason="ordered")),
        ]
    )
    assert day.orders() == []


def test_what_is_ordered_on_a_clock_that_has_stepped_back_waits_by_that_clock(
    day: Rehearsal,
) -> None:
    """It is ordered at the time of the entry before it, and is not put off until then."""
    hold(day)
    day.later(minutes=-10)
    unhold(day)
    assert there(day, 3)["since"] == TEN
    for lane in (ACT, NOTICE):
        assert there(day, 3, lane)["next_at"] == day.now < TEN


def test_a_dry_run_lets_nothing_wait(day: Rehearsal) -> None:
    day.give(c.SetHold(by="li", reason="ordered"), dry_run=True)
    assert day.orders() == []


def test_every_row_has_its_order_and_no_order_waits_twice(day: Rehearsal) -> None:
    for _ in range(3):
        day.give(c.Log(by="li"))
        day.later(hours=2)
        day.elapse()
    assert day.rows(
        "SELECT count(*) FROM deliveries d LEFT JOIN orders o ON o.site_id = d.site_id"
        " AND o.site_seq = d.site_seq AND o.n = d.n AND o.kind = d.kind WHERE o.n IS NULL"
    ) == [(0,)]


# How they go.


def test_what_is_delivered_or_cancelled_is_gone_in_its_lane_and_the_order_stays(
    day: Rehearsal,
) -> None:
    hold(day)
    day.give(delivered(2))
    assert day.orders() == [(2, NOTICE)]
    day.give(c.CancelOrder(by="li", order=2, lane=NOTICE, why="by_hand"))
    assert day.orders() == []
    assert day.rows("SELECT site_seq, kind FROM orders") == [(2, "suspend")]


def test_what_is_given_up_is_dead_with_its_problem_and_in_nobodys_hand(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, attempts=9, held_by="d1", next_at=TEN + LEASE, tried_at=TEN)
    day.give(failed(2))
    found = there(day, 2)
    assert (found["dead"], found["held_by"]) == (True, None)
    assert (found["adapter"], found["problem"], found["attempts"]) == ("panel", "http_503", 9)
    assert not there(day, 2, NOTICE)["dead"]


def test_what_is_tried_again_waits_at_once_and_as_long_as_if_it_were_new(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, attempts=9, next_at=TEN + 9 * HOUR)
    day.give(failed(2))
    day.later(hours=5)
    day.give(c.RetryOrder(by="li", order=2, lane=ACT))
    found = there(day, 2)
    assert (found["dead"], found["attempts"]) == (False, 0)
    assert (found["since"], found["next_at"]) == (day.now, day.now)


@pytest.mark.parametrize("last", ["failed", "retried"])
def test_of_what_happens_to_an_order_in_one_transaction_the_last_counts(
    day: Rehearsal, last: str
) -> None:
    hold(day)
    commands = [failed(2), c.RetryOrder(by="li", order=2, lane=ACT), failed(2)]
    given = commands if last == "failed" else commands[:2]
    answers = day.desk.submit([Envelope(site="a.example", command=each) for each in given])
    assert all(answer.refusal is None for answer in answers)
    assert there(day, 2)["dead"] == (last == "failed")


def test_a_refused_command_leaves_the_row_as_it_is(day: Rehearsal) -> None:
    hold(day)
    before = there(day, 2)
    assert day.give(c.RetryOrder(by="li", order=2, lane=ACT)).refusal is not None
    assert day.give(c.CancelOrder(by="li", order=2, lane=ACT, why="lifted")).refusal is not None
    assert there(day, 2) == before


# What waits before it.


def test_a_new_order_into_the_world_wakes_what_was_put_off_before_it(day: Rehearsal) -> None:
    """It may not be needed any more."""
    hold(day)
    marked(day, 2, attempts=3, next_at=TEN + HOUR)
    marked(day, 2, NOTICE, next_at=TEN + HOUR)
    day.later(minutes=5)
    unhold(day)
    assert there(day, 2)["next_at"] == day.now
    assert there(day, 2)["attempts"] == 3
    assert there(day, 2, NOTICE)["next_at"] == TEN + HOUR


def test_a_new_notice_wakes_nothing(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, next_at=TEN + HOUR)
    day.give(c.Log(by="li"))
    assert there(day, 2)["next_at"] == TEN + HOUR


def test_a_new_order_leaves_what_is_in_hand_and_what_is_dead(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, attempts=1, held_by="d1", next_at=TEN + LEASE)
    day.later(seconds=5)
    unhold(day)
    assert there(day, 2)["next_at"] == TEN + LEASE
    day.give(failed(2))
    marked(day, 2, next_at=TEN)
    hold(day)
    assert there(day, 2)["next_at"] == TEN


# What waited behind it.


def _three_in_a_row(day: Rehearsal) -> None:
    """Suspend, reopen, suspend; the first was put off for an hour, and the others with it."""
    down_up_and_down(day)
    for order in (2, 3, 4):
        marked(day, order, next_at=TEN + HOUR)


@pytest.mark.parametrize(
    "settling",
    [
        delivered(2, attempts=2),
        failed(2),
        c.CancelOrder(by="li", order=2, lane=ACT, why="lifted"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_was_put_off_with_an_order_is_freed_when_that_is_settled(
    day: Rehearsal, settling: c.Command
) -> None:
    _three_in_a_row(day)
    day.later(minutes=10)
    assert day.give(settling).refusal is None
    for order in (3, 4):
        assert there(day, order)["next_at"] == day.now
    assert there(day, 3, NOTICE)["next_at"] == TEN


def test_what_is_delivered_at_once_has_put_nothing_off(day: Rehearsal) -> None:
    _three_in_a_row(day)
    day.give(delivered(2, attempts=1))
    assert there(day, 3)["next_at"] == TEN + HOUR


def test_the_orders_of_another_site_are_not_freed(day: Rehearsal) -> None:
    _three_in_a_row(day)
    day.give(c.SetHold(by="li", reason="ordered"), "b.example")
    with writing(day.engine) as connection:
        other = update(table).where(table.c.site_id == 2).values(next_at=TEN + HOUR)
        connection.execute(other)
    day.give(failed(2))
    assert there(day, 2, ACT, site=2)["next_at"] == TEN + HOUR


def test_what_somebody_has_in_hand_stays_with_them_when_a_dead_letter_before_it_is_settled(
    day: Rehearsal,
) -> None:
    """Else a second one would take it in hand beside them."""
    hold(day)
    day.give(failed(2))
    unhold(day)
    with writing(day.engine) as connection:
        (claimed,) = claim_due(connection, "d1", now=day.now)
    assert claimed.kind == "reopen"
    day.give(c.CancelOrder(by="li", order=2, lane=ACT, why="by_hand"))
    assert there(day, claimed.seq)["next_at"] == TEN + LEASE
    with writing(day.engine) as connection:
        assert claim_due(connection, "d2", now=day.now) == []


# What a case is given of them.


def test_a_case_has_the_marks_of_the_order_that_a_command_names(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, attempts=3, held_by="d1", next_at=TEN + LEASE)
    assert slice_for(day, c.RetryOrder(by="li", order=2, lane=ACT)).deliveries == {
        (2, ACT): Delivery(
            order=2, lane=ACT, kind="suspend", attempts=3, lease_until=TEN + LEASE
        ),
        # What is braked waits in both lanes, and is let go in both.
        (2, NOTICE): Delivery(order=2, lane=NOTICE, kind="suspend"),
    }  # fmt: skip


def test_what_is_put_off_is_in_nobodys_hand(day: Rehearsal) -> None:
    hold(day)
    marked(day, 2, attempts=3, next_at=TEN + HOUR)
    found = slice_for(day, c.RetryOrder(by="li", order=2, lane=ACT))
    assert found.deliveries[2, ACT].lease_until is None


def test_what_is_in_hand_is_not_cancelled_by_hand_and_what_was_tried_leaves_a_doubt(
    day: Rehearsal,
) -> None:
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    marked(day, 2, attempts=1, held_by="d1", next_at=TEN + LEASE)
    cancelling = c.CancelOrder(by="li", order=2, lane=ACT, why="by_hand")
    assert day.refused(cancelling) == "order_in_hand"
    day.now += LEASE
    assert day.give(cancelling).refusal is None
    assert day.rows("SELECT in_force FROM sites WHERE id = 1") == [("unknown",)]


def test_the_chain_of_a_site_is_all_that_is_not_settled_in_the_world_in_order(
    day: Rehearsal,
) -> None:
    _three_in_a_row(day)
    day.give(failed(2))
    day.give(c.SetHold(by="li", reason="ordered"), "b.example")
    with reading(day.engine) as connection:
        found = deliveries.chains(connection, [2, 1])
    assert [(site, d.order, d.kind, d.dead) for site, d in found] == [
        (1, 2, "suspend", True), (1, 3, "reopen", False), (1, 4, "suspend", False),
        (2, 2, "suspend", False),
    ]  # fmt: skip
