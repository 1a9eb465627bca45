"""The orders: what the world is told to do, and what cancels before anybody is told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from incidents.machine import events as e
from incidents.machine.command import FORCE
from incidents.machine.orders import LANES, Order, order_of, orders
from incidents.machine.policy import Policy
from tests.machine.history import MICROSECOND, History, utc
from tests.machine.order_history import OrderHistory


def since(site: History, mark: int) -> Sequence[Order]:
    """The orders of one transaction that held all acts since `mark`."""
    return orders(site.events[mark:])


def test_a_new_incident_is_a_notice_to_the_customer() -> None:
    site = History().log()
    (order,) = orders(site.decision.events)
    assert (order.kind, order.incident, order.event) == ("notify", 1, 0)


def test_a_moot_incident_an_attempt_and_a_statement_order_nothing() -> None:
    site = History().log().contact(1, "bounced")
    assert site.ordered == []
    assert site.removed(1).ordered == []
    assert site.false_info().log().ordered == []


def test_a_suspension_is_ordered_with_its_rule_incident_and_end() -> None:
    site = History(at="10:00").log().at("12:00").elapse()
    (order,) = orders(site.decision.events)
    assert (order.kind, order.rule) == ("suspend", "unreachable")
    assert (order.incident, order.suspension) == (1, 1)
    assert order.until == utc("03-02 00:00")
    assert order.event == 1


def test_a_hold_orders_a_suspension_that_no_timer_ends() -> None:
    (order,) = orders(History().hold().decision.events)
    assert (order.kind, order.rule, order.until) == ("suspend", None, None)
    assert (order.incident, order.suspension, order.task) == (None, None, None)


def test_what_opens_a_site_is_ordered_with_the_suspension_that_is_over() -> None:
    site = History().miss().sit_out()
    assert orders(site.decision.events) == [Order(event=0, kind="reopen", suspension=1)]
    site = History().log().after("2h").elapse().void(1)
    assert orders(site.decision.events) == [Order(event=1, kind="reopen", suspension=1)]
    site = History().hold().unhold()
    assert orders(site.decision.events) == [Order(event=0, kind="reopen")]
    site = History().log().removed(1).closed_by_repeat().reopened()
    assert orders(site.decision.events) == [Order(event=1, kind="reopen")]


def test_a_hold_after_what_was_due_names_its_own_event() -> None:
    site = History().miss().after("12h", MICROSECOND).hold()
    assert site.happened[:3] == ["suspension_ended", "task_opened", "hold_set"]
    assert orders(site.decision.events) == [
        Order(event=0, kind="reopen", suspension=1),
        Order(event=2, kind="suspend"),
    ]


def test_every_closure_orders_its_closing_by_its_rule() -> None:
    for site in (
        History().closed_by_repeat(),
        History().closed_by_run(),
        History().false_info(),
        History().closed_by_refusal(),
    ):
        closing = [o.rule for o in orders(site.decision.events) if o.kind == "close"]
        assert closing == [site.rule]


def test_a_recheck_and_a_review_are_work_of_the_desk_and_no_order() -> None:
    assert History().miss().sit_out().ordered == ["reopen"]
    site = History().log().contact(1).void_contact(1).contact(1).void_contact(1, 2)
    assert site.ordered == []


def test_a_suspension_struck_in_the_same_transaction_was_never_in_force_for_anybody() -> None:
    site = History(at="10:00").log().after("2h").contact(1, at="10:30")
    assert site.happened[:4] == [
        "clock_lapsed",
        "site_suspended",
        "contact_recorded",
        "suspension_struck",
    ]
    assert site.ordered == []


def test_a_suspension_struck_in_a_later_transaction_is_lifted_by_order() -> None:
    site = History(at="10:00").log().after("2h").elapse()
    assert site.ordered == ["suspend"]
    assert site.contact(1, at="10:30").ordered == ["reopen"]


def test_what_cancels_is_judged_over_all_acts_of_the_transaction() -> None:
    site = History()
    mark = len(site.events)
    site.hold().log().unhold()
    assert [order.kind for order in since(site, mark)] == ["notify"]


def test_a_reopening_and_a_new_suspension_both_stand() -> None:
    site = History(at="10:00").miss().at("22:30").log().at("03-02 12:00").elapse()
    assert site.ordered == ["reopen", "suspend"]


def test_a_reopening_and_a_suspension_that_cancels_leave_the_reopening() -> None:
    site = History(at="10:00").miss().at("22:30").log()
    site.at("03-02 12:00").contact(2, at="22:45")
    assert site.ordered == ["reopen"]


def test_a_closure_is_never_cancelled_by_the_reinstatement_after_it() -> None:
    site = History()
    mark = len(site.events)
    site.false_info().reinstate().approve()
    assert [order.kind for order in since(site, mark)] == ["close", "reopen"]


def test_a_suspension_before_a_closure_stays_when_the_site_is_reinstated() -> None:
    site = History().log().after("1h", MICROSECOND)
    mark = len(site.events)
    site.false_info().reinstate().approve()
    assert [order.kind for order in since(site, mark)] == ["suspend", "close", "reopen"]


def test_an_alarm_is_an_order_too() -> None:
    site = History(policy=Policy(min_attempts=1)).miss()
    (order,) = orders(site.decision.events)
    assert (order.kind, order.incident, order.event) == ("alarm", 1, 1)


def test_each_order_names_the_event_that_it_follows_from() -> None:
    site = History().closed_by_repeat()
    found = orders(site.decision.events)
    assert [(order.event, order.kind) for order in found] == [
        (0, "notify"),
        (1, "close"),
        (2, "call"),
    ]
    assert found[2].task == 1


def test_what_is_ordered_once_more_says_so_and_nobody_is_told_again() -> None:
    (order,) = orders(OrderHistory().hold().repeat().decision.events)
    assert order == Order(event=0, kind="suspend", again=True)
    assert order.lanes == ("act",)
    assert Order(event=0, kind="suspend").lanes == ("act", "notice")


def test_a_suspension_that_is_ordered_once_more_ends_when_it_was_meant_to() -> None:
    site = OrderHistory(at="10:00").log().at("12:00").elapse().repeat()
    (order,) = orders(site.decision.events)
    assert order == Order(event=0, kind="suspend", until=utc("03-02 00:00"), again=True)


def test_a_suspension_that_was_repeated_is_opened_all_the_same() -> None:
    """It stood before this transaction: only what was begun in one cancels out in it."""
    site = OrderHistory().hold()
    mark = len(site.events)
    site.repeat().unhold()
    assert [order.kind for order in since(site, mark)] == ["suspend", "reopen"]


def test_what_repeats_a_suspension_that_cancels_goes_with_it() -> None:
    site = OrderHistory()
    mark = len(site.events)
    site.hold().repeat().repeat().unhold()
    assert since(site, mark) == []
    site.false_info().repeat().reopened()
    assert [order.kind for order in since(site, mark)] == ["close", "close", "reopen"]


def test_a_reopening_that_is_repeated_cancels_nothing() -> None:
    site = OrderHistory().hold().delivered("suspend").unhold()
    mark = len(site.events)
    site.repeat().hold().unhold()
    assert [(order.kind, order.again) for order in since(site, mark)] == [("reopen", True)]


@pytest.mark.parametrize("kind", LANES)
def test_every_kind_of_order_has_its_lanes(kind: str) -> None:
    assert ("act" in LANES[kind]) == (kind in FORCE)
    assert set(LANES[kind]) <= {"act", "notice", "desk"}
    assert LANES[kind]


def test_only_an_event_that_orders_something_lets_something_wait() -> None:
    for site in (
        OrderHistory().closed_by_run().reopened(),
        OrderHistory().hold().failed("suspend").repeat().unhold().hold(),
        OrderHistory(policy=Policy(min_attempts=1)).miss(),
    ):
        for event in site.events:
            (*_, expected) = (None, *orders([event]))
            assert order_of(event) == expected


def test_without_events_there_are_no_orders() -> None:
    assert orders([]) == []


def test_events_of_a_site_that_is_down_already_order_no_second_suspension() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    held = e.HoldSet(
        occurred_at=now, recorded_at=now + timedelta(0), by="ann", policy="sha256:",
        site_from="suspended", site_to="suspended", text="order",
    )  # fmt: skip
    assert orders([held]) == []
