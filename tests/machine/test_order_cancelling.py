"""An order that is not carried out any more: by hand, for want of an address, or since it was
lifted."""

from dataclasses import replace

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.actions.orders import is_lifted, releasing_command
from incidents.machine.case import Delivery
from incidents.machine.orders import NOTICE
from incidents.machine.policy import DOCUMENTED
from tests.machine.history import BOB, utc
from tests.machine.order_history import OrderHistory

ELEVEN = utc("11:00")

# Cancelled by hand, or since there is nobody to tell.


def test_a_cancelling_is_recorded_with_why_and_the_persons_reason() -> None:
    site = OrderHistory(at="10:00").hold().after("1h")
    site.do(c.CancelOrder(by=BOB, order=2, lane="act", why="by_hand", reason="sha256:1"))
    assert site.recorded() == [
        e.OrderCancelled(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=BOB, policy=DOCUMENTED.digest, order=2,
            lane="act", order_kind="suspend", why="by_hand", text="sha256:1",
        )
    ]  # fmt: skip
    assert site.waiting == [(2, "notice", "suspend")]
    assert (site.state, site.in_force, site.case.last_act) == ("suspended", "active", 0)


def test_what_was_never_tried_has_had_no_effect() -> None:
    assert OrderHistory().hold().cancelled("suspend").in_force == "active"


def test_what_was_tried_may_have_had_one() -> None:
    for site in (
        OrderHistory().hold().tried("suspend").cancelled("suspend"),
        OrderHistory().hold().cancelled("suspend", tried=True),
    ):
        assert site.last(e.OrderCancelled).tried
        assert site.in_force == "unknown"


def test_who_cancels_it_may_know_better_than_the_marks() -> None:
    site = OrderHistory().hold().tried("suspend").cancelled("suspend", tried=False)
    assert not site.last(e.OrderCancelled).tried
    assert site.in_force == "active"


def test_a_dead_letter_that_is_put_aside_raises_no_doubt_anew() -> None:
    site = OrderHistory().hold().tried("suspend").failed("suspend").seen("active")
    assert site.cancelled("suspend").last(e.OrderCancelled).tried
    assert site.in_force == "active"


def test_what_was_tried_and_is_in_force_already_leaves_no_doubt() -> None:
    site = OrderHistory().hold().seen("suspended").tried("suspend").cancelled("suspend")
    assert site.in_force == "suspended"


def test_a_notice_that_was_tried_leaves_what_is_in_force() -> None:
    site = OrderHistory().hold().tried("suspend", "notice").cancelled("suspend", "notice")
    assert site.last(e.OrderCancelled).tried
    assert site.in_force == "active"


def test_a_dead_letter_can_be_put_aside() -> None:
    site = OrderHistory().hold().tried("suspend").failed("suspend").cancelled("suspend")
    assert (site.refused_with, site.dead_letters) == (None, [])


def test_what_somebody_has_in_hand_is_not_cancelled_by_hand_before_the_lease_ends() -> None:
    site = OrderHistory(at="10:00").hold().tried("suspend", until="10:00:25")
    site.at("10:00:24.999999").cancelled("suspend")
    assert (site.refused_with, site.happened) == ("order_in_hand", [])
    assert site.at("10:00:25").cancelled("suspend").refused_with is None


@pytest.mark.parametrize("why", ["expired", "no_channel", "no_address", "settled"])
def test_who_has_it_in_hand_may_find_that_there_is_nobody_to_tell(why: str) -> None:
    site = OrderHistory(at="10:00").log().tried("notify", "notice", until="10:00:25")
    site.cancelled("notify", "notice", why=why)
    assert site.refused_with is None
    assert site.waiting == []


# Cancelled since it was lifted.


def test_a_suspension_that_a_reopening_waits_behind_is_lifted_and_then_the_reopening_too() -> None:
    site = OrderHistory().hold().unhold().lifted("suspend")
    assert (site.refused_with, site.last(e.OrderCancelled).why) == (None, "lifted")
    site.lifted("reopen")
    assert site.refused_with is None
    assert {lane for _, lane, _ in site.waiting} == {"notice"}
    assert site.in_force == "active"


def test_a_suspension_that_stands_is_not_lifted() -> None:
    site = OrderHistory().hold().lifted("suspend")
    assert (site.refused_with, site.happened) == ("not_lifted", [])


def test_a_suspension_that_was_tried_is_lifted_too_but_the_reopening_follows() -> None:
    site = OrderHistory().hold().tried("suspend").unhold().lifted("suspend")
    assert (site.refused_with, site.in_force) == (None, "unknown")
    assert site.lifted("reopen").refused_with == "not_lifted"
    assert site.delivered("reopen").in_force == "active"


def test_a_reopening_follows_a_suspension_that_was_carried_out() -> None:
    site = OrderHistory().hold().delivered("suspend").unhold().lifted("reopen")
    assert site.refused_with == "not_lifted"


def test_a_reopening_follows_a_suspension_that_was_given_up() -> None:
    site = OrderHistory().hold().failed("suspend").seen("active").unhold().lifted("reopen")
    assert site.refused_with == "not_lifted"


def test_a_reopening_is_not_lifted_while_what_would_take_the_site_down_waits_before_it() -> None:
    """Alone it would be carried out, and nothing would open the site again."""
    site = OrderHistory().hold().unhold().lifted("reopen")
    assert site.refused_with == "not_lifted"
    assert site.lifted("suspend").lifted("reopen").refused_with is None


def test_a_suspension_is_not_lifted_by_a_reopening_before_it_or_by_one_that_was_given_up() -> None:
    site = OrderHistory().hold().unhold().tried("reopen", until="03-02 10:00").hold()
    site.lifted("suspend")
    assert site.refused_with == "not_lifted"
    assert site.lifted(2).refused_with is None
    site = OrderHistory().hold().unhold().failed("reopen").lifted("suspend")
    assert site.refused_with == "not_lifted"


def test_a_closure_is_lifted_by_the_reinstatement_that_waits_behind_it() -> None:
    site = OrderHistory().hold().unhold().false_info().reopened()
    site.lifted("close").lifted("suspend").lifted("reopen").lifted("reopen")
    assert site.refused_with is None
    assert {lane for _, lane, _ in site.waiting} == {"notice"}


def test_what_waits_for_people_is_lifted_by_what_waits_in_the_world() -> None:
    site = OrderHistory().hold().unhold().lifted("suspend", "notice")
    assert site.refused_with is None
    site = OrderHistory().hold().unhold().lifted("suspend").lifted("reopen")
    assert site.lifted("suspend", "notice").refused_with == "not_lifted"


def test_what_tells_is_never_lifted() -> None:
    assert OrderHistory().log().lifted("notify", "notice").refused_with == "not_lifted"


def test_who_has_it_in_hand_finds_that_it_was_lifted() -> None:
    site = OrderHistory(at="10:00").hold().unhold()
    assert site.tried("suspend", until="10:00:25").lifted("suspend").refused_with is None


def _act(order: int, kind: str, **marks: bool | int) -> Delivery:
    return Delivery(order=order, lane="act", kind=kind, **marks)  # type: ignore[arg-type]  # fields


@pytest.mark.parametrize(
    ("before", "in_force", "lifted"),
    [
        ([], "active", True),
        ([], "suspended", False),
        ([], "unknown", False),
        ([_act(1, "suspend")], "active", False),
        ([_act(1, "close")], "active", False),
        ([_act(1, "suspend"), _act(2, "reopen")], "active", True),
        ([_act(1, "reopen"), _act(2, "suspend")], "active", False),
        ([_act(2, "suspend"), _act(1, "reopen")], "active", False),
        ([_act(1, "suspend", attempts=1), _act(2, "reopen")], "active", False),
        ([_act(1, "suspend"), _act(2, "reopen", attempts=1)], "active", False),
        ([_act(1, "reopen", dead=True)], "active", False),
        ([_act(9, "suspend", attempts=1)], "active", True),
    ],
)
def test_a_reopening_is_lifted_when_nothing_before_it_took_the_site_down_or_would(
    before: list[Delivery], in_force: str, lifted: bool
) -> None:
    reopening = _act(5, "reopen", attempts=3)
    assert is_lifted(reopening, [*before, reopening], in_force) is lifted


# What the brake holds.


def test_what_the_brake_holds_was_not_tried_and_raises_no_doubt() -> None:
    site = OrderHistory().hold().braked("suspend")
    assert site.dead_letters == [(2, "act", "suspend"), (2, "notice", "suspend")]
    assert all(delivery.braked for delivery in site.case.deliveries.values())
    assert (site.state, site.in_force) == ("suspended", "active")


def test_what_is_released_waits_again_in_each_lane() -> None:
    site = OrderHistory().hold().braked("suspend").retried("suspend")
    assert site.happened == ["order_retried", "order_retried"]
    assert site.waiting == [(2, "act", "suspend"), (2, "notice", "suspend")]
    assert not any(delivery.braked for delivery in site.case.deliveries.values())


def test_the_release_of_a_notice_means_its_order_while_the_brake_holds_that() -> None:
    braked = OrderHistory().hold().braked("suspend").case
    order = c.RetryOrder(by="sup-1", order=2, lane="act")
    notice, other = replace(order, lane="notice"), replace(order, order=9, lane="notice")
    assert [releasing_command(braked, each) for each in (order, notice, other)] == [
        order,
        order,
        other,
    ]
    failed = OrderHistory().hold().failed("suspend", "act").failed("suspend", "notice").case
    assert releasing_command(failed, notice) == notice
    hold = c.SetHold(by="sup-1", reason="a court")
    assert releasing_command(braked, hold) == hold


def test_nobody_is_told_of_a_braked_order_that_is_cancelled() -> None:
    site = OrderHistory().hold().braked("suspend").cancelled("suspend")
    assert site.happened == ["order_cancelled", "order_cancelled"]
    assert not site.last(e.OrderCancelled).tried
    assert (site.case.deliveries, site.in_force) == ({}, "active")


def test_a_notice_that_failed_stays_where_a_braked_order_is_released_or_cancelled() -> None:
    for act in ("retried", "cancelled"):
        site = OrderHistory().hold().failed("suspend", "notice").braked("suspend")
        assert getattr(site, act)("suspend").happened == [f"order_{act}"]
        assert site.dead_letters == [(2, "notice", "suspend")]


def test_an_opening_lifts_what_the_brake_holds_and_is_needless_itself() -> None:
    site = OrderHistory().hold().braked("suspend").unhold()
    assert site.lifted("suspend").refused_with is None
    assert site.lifted("reopen").refused_with is None
    assert (site.in_force, site.waiting) == ("active", [(5, "notice", "reopen")])


def test_what_is_ordered_once_more_leaves_what_the_brake_holds() -> None:
    site = OrderHistory().hold().braked("suspend").repeat()
    assert site.happened == ["order_repeated"]
    assert (2, "act", "suspend") in site.dead_letters


def test_a_braked_order_that_was_released_and_failed_is_a_dead_letter_like_any_other() -> None:
    site = OrderHistory().hold().braked("suspend").retried("suspend").failed("suspend")
    assert not site.case.deliveries[2, "act"].braked
    assert site.in_force == "unknown"


def test_only_what_would_be_less_far_down_is_cancelled_since_a_loss_has_left_a_site_down() -> None:
    def opening() -> OrderHistory:
        return OrderHistory().hold().delivered("suspend").unhold()

    site = opening().cancelled("reopen", why="left_down")
    assert site.refused_with is None
    assert site.last(e.OrderCancelled).why == "left_down"
    assert OrderHistory().hold().cancelled("suspend", why="left_down").refused_with == "not_lifted"
    assert opening().cancelled("reopen", NOTICE, why="left_down").refused_with == "not_lifted"
    over_a_closure = OrderHistory().miss().seen("closed").cancelled("suspend", why="left_down")
    assert over_a_closure.last(e.OrderCancelled).why == "left_down"
    assert over_a_closure.in_force == "closed"
    dead = opening().failed("reopen").cancelled("reopen", why="left_down")
    assert dead.refused_with == "not_lifted"
