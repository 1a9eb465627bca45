"""What becomes of an order: where it waits, what is in force after it, when it comes again."""

from collections.abc import Callable
from typing import Any

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Delivery
from incidents.machine.policy import DOCUMENTED, Policy
from tests.machine.history import ANN, MICROSECOND, History, utc
from tests.machine.order_history import OrderHistory


def recorded_at(time: str, by: str = c.DISPATCHER) -> dict[str, Any]:
    """What each entry of that moment has in common."""
    at = utc(time)
    return {"occurred_at": at, "recorded_at": at, "by": by, "policy": DOCUMENTED.digest}


# Where an order waits.


def test_a_notice_waits_for_the_customer_alone() -> None:
    assert OrderHistory().log().waiting == [(2, "notice", "notify")]


def test_what_changes_the_world_waits_there_and_for_the_customer() -> None:
    down = OrderHistory().hold()
    assert down.waiting == [(2, "act", "suspend"), (2, "notice", "suspend")]
    assert down.unhold().waiting[2:] == [(3, "act", "reopen"), (3, "notice", "reopen")]
    assert OrderHistory().false_info().waiting == [(2, "act", "close"), (2, "notice", "close")]


def test_a_call_and_an_alarm_wait_for_the_desk_alone() -> None:
    assert OrderHistory().closed_by_repeat().waiting[-1] == (6, "desk", "call")
    alarm = OrderHistory(policy=Policy(min_attempts=1)).miss()
    assert alarm.waiting == [(2, "notice", "notify"), (4, "desk", "alarm")]


def test_an_order_waits_under_the_number_of_the_entry_that_it_follows_from() -> None:
    site = OrderHistory().log().after("1h", MICROSECOND).elapse()
    assert site.happened == ["clock_lapsed", "site_suspended"]
    assert site.case.seq == 4
    assert site.case.deliveries[4, "act"] == Delivery(order=4, lane="act", kind="suspend")


def test_what_orders_nothing_lets_nothing_wait() -> None:
    site = OrderHistory().log().contact(1, "bounced").contact(1).removed(1)
    assert site.waiting == [(2, "notice", "notify")]


def test_to_order_is_not_to_enforce() -> None:
    site = OrderHistory().miss()
    assert (site.state, site.in_force) == ("suspended", "active")
    assert OrderHistory().false_info().in_force == "active"


# Delivered.


def test_a_delivery_is_recorded_with_who_carried_it_out_and_how_often_it_was_tried() -> None:
    site = OrderHistory(at="10:00").hold().after("1h").delivered("suspend", attempts=3)
    assert site.recorded() == [
        e.OrderDelivered(
            **recorded_at("11:00"), order=2, lane="act", order_kind="suspend", adapter="panel",
            attempts=3, enforced=True,
        )
    ]  # fmt: skip


def test_what_was_carried_out_waits_no_more_and_is_in_force() -> None:
    site = OrderHistory().hold().delivered("suspend")
    assert site.waiting == [(2, "notice", "suspend")]
    assert (site.in_force, site.case.last_act) == ("suspended", 2)
    site.unhold().delivered("reopen")
    assert (site.in_force, site.case.last_act) == ("active", 4)
    site.false_info().delivered("close")
    assert (site.in_force, site.case.last_act) == ("closed", 6)


def test_where_nothing_is_enforced_nothing_else_is_in_force() -> None:
    site = OrderHistory().hold().delivered("suspend", enforced=False)
    assert (site.in_force, site.case.last_act) == ("active", 2)
    assert site.waiting == [(2, "notice", "suspend")]


@pytest.mark.parametrize("lane", ["notice", "desk"])
def test_who_is_told_puts_nothing_in_force(lane: str) -> None:
    site = OrderHistory().closed_by_repeat()
    kind = {"notice": "close", "desk": "call"}[lane]
    site.delivered(kind, lane)
    assert (site.refused_with, site.in_force, site.case.last_act) == (None, "active", 0)


def test_what_was_delivered_is_settled_and_nothing_more_becomes_of_it() -> None:
    site = OrderHistory().hold().delivered("suspend")
    for act in (site.delivered, site.failed, site.cancelled, site.retried):
        act(2)
        assert (site.refused_with, site.happened) == ("unknown_order", [])
    assert site.delivered(2, "notice").refused_with is None


def test_an_order_that_never_was_is_unknown() -> None:
    site = OrderHistory().hold()
    assert site.delivered(3).refused_with == "unknown_order"
    assert site.delivered(1).refused_with == "unknown_order"
    assert site.delivered(2, "desk").refused_with == "unknown_order"
    assert "12-o2.desk" in site.answer


def test_a_dead_letter_that_did_arrive_is_recorded_since_it_is_the_truth() -> None:
    site = OrderHistory().hold().failed("suspend").delivered("suspend")
    assert site.refused_with is None
    assert (site.in_force, site.dead_letters) == ("suspended", [])


def test_a_dead_letter_that_arrives_late_was_not_carried_out_last() -> None:
    site = OrderHistory().hold().failed("suspend").unhold().delivered("reopen").delivered(2)
    assert (site.in_force, site.case.last_act) == ("suspended", 4)


# Given up.


def test_a_failure_is_recorded_with_its_problem_and_its_attempts() -> None:
    site = OrderHistory(at="10:00").hold().after("1h").failed("suspend")
    assert site.recorded() == [
        e.OrderFailed(
            **recorded_at("11:00"), order=2, lane="act", order_kind="suspend", adapter="panel",
            attempts=9, problem="http_503",
        )
    ]  # fmt: skip


def test_what_was_given_up_is_a_dead_letter_and_nobody_knows_what_is_in_force() -> None:
    site = OrderHistory().hold().failed("suspend")
    assert site.dead_letters == [(2, "act", "suspend")]
    assert site.waiting == [(2, "notice", "suspend")]
    assert (site.in_force, site.state, site.case.last_act) == ("unknown", "suspended", 0)


def test_what_is_in_force_already_stays_so_whatever_a_failed_attempt_has_done() -> None:
    site = OrderHistory().hold().delivered("suspend").seen("active").repeat()
    assert site.seen("suspended").failed("suspend").in_force == "suspended"


def test_a_notice_that_was_given_up_leaves_what_is_in_force() -> None:
    site = OrderHistory().hold().failed("suspend", "notice")
    assert site.dead_letters == [(2, "notice", "suspend")]
    assert site.in_force == "active"


def test_of_what_was_overtaken_no_doubt_is_left() -> None:
    site = OrderHistory().hold().unhold().delivered("reopen").failed("suspend")
    assert (site.in_force, site.dead_letters) == ("active", [(2, "act", "suspend")])
    site = OrderHistory().hold().unhold().delivered("suspend").failed("reopen")
    assert site.in_force == "unknown"


def test_a_dead_letter_is_not_given_up_twice() -> None:
    site = OrderHistory().hold().failed("suspend").failed("suspend")
    assert (site.refused_with, site.happened) == ("order_dead", [])


# Tried again.


def test_a_dead_letter_is_tried_again_at_somebodys_word() -> None:
    site = OrderHistory(at="10:00").hold().failed("suspend").after("1h").retried("suspend")
    assert site.recorded() == [
        e.OrderRetried(**recorded_at("11:00", ANN), order=2, lane="act", order_kind="suspend")
    ]
    assert (site.dead_letters, site.waiting[0]) == ([], (2, "act", "suspend"))
    assert site.in_force == "unknown"
    assert site.failed("suspend").refused_with is None


def test_what_is_no_dead_letter_is_tried_by_itself() -> None:
    site = OrderHistory().hold().retried("suspend")
    assert (site.refused_with, site.happened) == ("order_not_dead", [])


def test_what_is_not_ordered_any_more_is_not_tried_again() -> None:
    site = OrderHistory().hold().failed("suspend").unhold().retried("suspend")
    assert (site.refused_with, site.happened) == ("overtaken", [])
    site = OrderHistory().hold().failed("suspend").false_info().retried("suspend")
    assert site.refused_with == "overtaken"


def test_what_is_ordered_again_may_be_tried_again() -> None:
    site = OrderHistory().hold().failed("suspend").unhold().hold().retried(2)
    assert site.refused_with is None


def test_what_something_later_was_carried_out_after_is_not_tried_again() -> None:
    site = OrderHistory().hold().failed("suspend")
    assert site.retried(2).refused_with is None
    site.failed(2).unhold().delivered("reopen").hold().delivered("suspend")
    assert site.case.last_act > 2
    assert site.retried(2).refused_with == "overtaken"


def test_what_something_later_was_tried_after_is_not_tried_again_until_that_is_given_up() -> None:
    site = OrderHistory().hold().failed("suspend").unhold().hold().tried("suspend").retried(2)
    assert (site.refused_with, site.happened) == ("overtaken", [])
    assert "-o2 is outdated: it would undo a later order for site.example" in site.answer
    assert site.failed("suspend").retried(2).refused_with is None


def test_what_was_tried_before_a_dead_letter_keeps_it_from_nothing() -> None:
    site = OrderHistory().hold().tried("suspend").repeat().failed("suspend")
    assert site.retried(3).refused_with is None


def test_what_something_earlier_was_carried_out_before_may_be_tried_again() -> None:
    site = OrderHistory().hold().delivered("suspend").seen("active").repeat().failed("suspend")
    assert site.case.last_act < site.order("suspend")
    assert site.retried("suspend").refused_with is None


def test_a_notice_is_tried_again_at_any_time() -> None:
    site = OrderHistory().hold().failed("suspend", "notice").unhold().delivered("reopen", "notice")
    site.tried("reopen")
    assert site.retried("suspend", "notice").refused_with is None


def test_every_closure_and_every_reopening_can_be_tried_again_while_it_is_what_is_ordered() -> None:
    assert OrderHistory().false_info().failed("close").retried("close").refused_with is None
    site = OrderHistory().hold().unhold().failed("reopen").retried("reopen")
    assert site.refused_with is None


# What is seen in the world.


def test_what_is_seen_is_recorded_and_is_in_force() -> None:
    site = OrderHistory(at="10:00").hold().after("1h").seen("suspended")
    assert site.recorded() == [
        e.StateSeen(**recorded_at("11:00", ANN), adapter="panel", seen="suspended")
    ]
    assert site.in_force == "suspended"
    assert site.waiting == [(2, "act", "suspend"), (2, "notice", "suspend")]


def test_what_was_known_is_no_news() -> None:
    site = OrderHistory().seen("active")
    assert (site.happened, site.refused_with) == ([], None)


@pytest.mark.parametrize(("in_force", "last_act"), [("active", 2), ("suspended", 1)])
def test_what_was_seen_before_something_else_was_carried_out_is_no_news(
    in_force: str, last_act: int
) -> None:
    site = OrderHistory().hold().delivered("suspend")
    sighting = {"by": ANN, "adapter": "panel", "seen": "active"}
    site.do(c.RecordState(**sighting, in_force=in_force, last_act=last_act))
    assert (site.refused_with, site.happened, site.in_force) == ("seen_too_early", [], "suspended")
    site.do(c.RecordState(**sighting, in_force="suspended", last_act=2))
    assert (site.refused_with, site.in_force) == (None, "active")


def test_what_is_seen_ends_a_doubt() -> None:
    site = OrderHistory().hold().failed("suspend")
    assert site.seen("active").in_force == "active"


# Ordered once more.


ORDERED: dict[str, tuple[Callable[[], OrderHistory], str]] = {
    "suspended": (lambda: OrderHistory().hold(), "suspend"),
    "closed": (lambda: OrderHistory().false_info(), "close"),
    "active": (lambda: OrderHistory().seen("suspended"), "reopen"),
}


@pytest.mark.parametrize("state", ORDERED)
def test_what_is_ordered_is_ordered_once_more_in_the_world_alone(state: str) -> None:
    history, kind = ORDERED[state]
    site = history()
    assert site.state == state
    waiting = site.waiting
    site.repeat()
    assert site.happened == ["order_repeated"]
    assert site.ordered == [kind]
    assert site.waiting == [*waiting, (site.case.seq, "act", kind)]


def test_a_repeated_suspension_is_recorded_with_when_a_timer_ends_it() -> None:
    site = OrderHistory(at="10:00").log().at("12:00").elapse().after("1h").repeat()
    assert site.recorded() == [
        e.OrderRepeated(**recorded_at("13:00", ANN), order_kind="suspend", until=utc("03-02 00:00"))
    ]
    assert OrderHistory().hold().repeat().last(e.OrderRepeated).until is None
    assert OrderHistory().miss().false_info().repeat().last(e.OrderRepeated).until is None


def test_what_is_in_force_already_is_not_ordered_once_more() -> None:
    for site in (
        OrderHistory(),
        OrderHistory().hold().delivered("suspend"),
        OrderHistory().false_info().delivered("close"),
    ):
        assert site.repeat().refused_with == "in_force_already"
        assert site.happened == []


def test_what_nobody_knows_to_be_in_force_can_be_ordered_once_more() -> None:
    site = OrderHistory().hold().delivered("suspend").unhold().failed("reopen").repeat()
    assert site.refused_with is None
    assert site.delivered("reopen").in_force == "active"


def test_what_follows_from_a_repetition_is_an_order_like_any_other() -> None:
    site = OrderHistory().hold().delivered("suspend").seen("active").repeat()
    again = site.order("suspend")
    assert again == site.case.seq
    assert site.delivered(again).in_force == "suspended"


def test_the_dead_letter_that_is_repeated_is_done_with() -> None:
    site = OrderHistory().hold().failed("suspend").failed("suspend", "notice").repeat()
    assert site.happened == ["order_repeated", "order_cancelled"]
    cancelled = site.last(e.OrderCancelled)
    assert (cancelled.order, cancelled.why, cancelled.tried) == (2, "repeated", True)
    assert site.dead_letters == [(2, "notice", "suspend")]
    assert site.in_force == "unknown"
    assert site.delivered("suspend").in_force == "suspended"


def test_a_repetition_that_is_meant_alone_leaves_the_dead_letter() -> None:
    site = OrderHistory().hold().failed("suspend").do(c.RepeatOrder(by=ANN, alone=True))
    assert site.happened == ["order_repeated"]
    assert site.dead_letters == [(2, "act", "suspend")]


def test_a_repetition_leaves_the_dead_letters_of_what_was_ordered_before() -> None:
    site = OrderHistory().hold().failed("suspend").unhold().failed("reopen").repeat()
    assert site.dead_letters == [(2, "act", "suspend")]


def looked_at(site: OrderHistory) -> c.RepeatOrder:
    """What somebody would ask who has looked at the site as it stands."""
    return c.RepeatOrder(by=ANN, in_force=site.case.in_force, last_act=site.case.last_act)


def test_a_site_that_stands_as_it_was_looked_at_has_its_order_repeated() -> None:
    site = OrderHistory().hold().failed("suspend")
    assert site.do(looked_at(site)).happened == ["order_repeated", "order_cancelled"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda site: site.repeat(),
        lambda site: site.repeat().delivered("suspend", enforced=False),
        lambda site: site.seen("closed"),
        lambda site: site.seen("suspended"),
    ],
    ids=["ordered again", "carried out", "seen as another", "seen as ordered"],
)
def test_what_was_looked_at_before_something_else_happened_is_not_ordered_once_more(
    meanwhile: Callable[[OrderHistory], OrderHistory],
) -> None:
    site = OrderHistory().hold().delivered("suspend").seen("active")
    command = looked_at(site)
    meanwhile(site).do(command)
    assert (site.refused_with, site.happened) == ("seen_too_early", [])
    assert site.answer.startswith("an order for site.example was given or carried out after")


# What it leaves alone.


def test_what_becomes_of_orders_moves_no_state_no_clock_and_no_queue() -> None:
    site = OrderHistory(at="10:00").log().hold()
    before, queue = site.case, site.queue
    site.delivered("notify", "notice").failed("suspend").retried("suspend")
    site.seen("active").repeat().cancelled("suspend").cancelled(3).seen("suspended")
    assert (site.state, site.states, site.queue) == ("suspended", ["open"], queue)
    assert site.incident(1) == before.incidents[1]
    assert site.at("11:00").after(MICROSECOND).elapse().happened == ["clock_lapsed"]


def test_what_is_due_comes_first() -> None:
    site = OrderHistory(at="10:00").hold().log().at("12:00").delivered("suspend")
    assert site.happened == ["clock_lapsed", "order_delivered"]
    assert site.decision.due == 1


def test_an_act_about_an_order_is_about_no_incident() -> None:
    site = OrderHistory().log().delivered("notify", "notice")
    assert (site.decision.touched, site.decision.incident) == ((), None)


def test_a_site_that_was_only_added_has_no_orders() -> None:
    assert History().case.deliveries == {}
