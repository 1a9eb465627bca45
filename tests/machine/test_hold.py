"""The hold: an order that the site stays down (specification, H)."""

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.orders import ACT, NOTICE
from tests.machine.history import BOB, MICROSECOND, Act, History, utc
from tests.machine.order_history import OrderHistory


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (lambda site: site, "suspended"),
        (lambda site: site.miss(), "suspended"),
        (lambda site: site.false_info(), "closed"),
    ],
)
def test_it_may_be_set_on_a_site_in_any_state(before: Act, state: str) -> None:
    site = History()
    before(site)
    site.hold(by="chief")
    assert site.refused_with is None
    assert (site.state, site.case.held) == (state, True)
    assert site.case.hold is not None
    assert site.case.hold.by == "chief"


def test_it_suspends_an_active_site() -> None:
    site = History().hold()
    assert site.state == "suspended"
    assert site.ordered == ["suspend"]


def test_a_site_that_is_only_held_is_down_by_no_rule_and_until_no_time() -> None:
    site = History().hold()
    assert (site.rule, site.suspended_until) == (None, None)


def test_a_site_that_is_down_already_is_ordered_down_once_more() -> None:
    """Else nothing outside of the record would tell of the hold."""
    assert OrderHistory().miss().delivered("suspend").hold().ordered == ["suspend"]
    assert OrderHistory().false_info().delivered("close").hold().ordered == ["close"]


def test_who_was_told_of_an_end_is_told_that_the_hold_outlasts_it() -> None:
    site = OrderHistory().miss().delivered("suspend").delivered("suspend", NOTICE).hold()
    assert site.last(e.OrderRepeated).tells
    assert [lane for _, lane, kind in site.waiting if kind == "suspend"] == [ACT, NOTICE]


def test_nobody_is_told_of_a_hold_who_was_told_of_no_end_or_is_told_with_what_was_braked() -> None:
    told = [
        OrderHistory().false_info().delivered("close").hold(),
        OrderHistory().miss().braked("suspend").hold(),
        OrderHistory().miss().failed("suspend").repeat(),
        OrderHistory().miss().failed("suspend").do(c.RepeatOrder(by=BOB, tells=True)),
    ]
    assert [site.last(e.OrderRepeated).tells for site in told] == [False] * 4


def test_one_that_is_closed_in_the_world_is_not_suspended() -> None:
    assert OrderHistory().miss().delivered("suspend").seen("closed").hold().ordered == []


def test_what_waits_to_take_the_site_down_is_ordered_once() -> None:
    assert OrderHistory().miss().hold().ordered == []
    assert OrderHistory().false_info().hold().unhold().hold().ordered == []
    assert OrderHistory().miss().failed("suspend").retried("suspend").hold().ordered == []


def test_a_site_that_is_not_known_to_be_down_is_ordered_down_once_more() -> None:
    """The brake, a cancellation or a dead letter may have left it up."""
    assert OrderHistory().miss().cancelled("suspend").hold().ordered == ["suspend"]
    assert OrderHistory().false_info().braked("close").hold().ordered == ["close"]
    site = OrderHistory().miss().failed("suspend").hold()
    # Nothing opens it at the end of the twelve hours.
    assert site.last(e.OrderRepeated).until is None


def opening() -> OrderHistory:
    """It waits to be opened at the end of its twelve hours."""
    return OrderHistory().miss().delivered("suspend").sit_out()


def test_what_waits_to_open_the_site_is_cancelled_with_the_hold() -> None:
    site = opening().hold()
    assert site.happened == ["hold_set", "order_cancelled"]
    cancelled = site.last(e.OrderCancelled)
    assert (cancelled.lane, cancelled.order_kind, cancelled.why) == (ACT, "reopen", "superseded")
    assert not cancelled.tried
    assert [kind for _, lane, kind in site.waiting if lane == ACT] == ["suspend"]
    assert site.in_force == "suspended"


def test_what_was_lifted_untried_is_cancelled_with_it() -> None:
    site = OrderHistory().hold().unhold().hold()
    assert [(n, kind) for n, lane, kind in site.waiting if lane == ACT] == [(4, "suspend")]
    site = OrderHistory().miss().braked("suspend").sit_out().hold()
    assert site.happened == [
        "hold_set", "order_cancelled", "order_cancelled", "order_cancelled",
    ]  # fmt: skip
    assert site.dead_letters == []
    tried = OrderHistory().hold().tried("suspend").unhold().hold()
    assert [kind for _, lane, kind in tried.waiting if lane == ACT] == ["suspend", "suspend"]


def test_it_is_ordered_down_once_more_where_an_opening_was_cancelled() -> None:
    site = opening().false_info().cancelled("close").hold()
    assert site.in_force == "suspended"
    assert [kind for _, lane, kind in site.waiting if lane == ACT] == ["close"]


def test_an_opening_that_was_tried_may_have_opened_the_site() -> None:
    site = opening().tried("reopen").false_info().cancelled("close").hold()
    assert site.last(e.OrderCancelled).tried
    assert (site.in_force, site.ordered) == ("unknown", ["close"])


def test_an_opening_that_somebody_has_in_hand_comes_before_the_order_of_the_hold() -> None:
    site = opening().tried("reopen", until="03-05 12:00").hold()
    assert site.happened == ["hold_set"]
    assert [kind for _, lane, kind in site.waiting if lane == ACT] == ["reopen", "suspend"]


def test_so_it_does_where_the_site_was_ordered_down_since() -> None:
    site = opening().tried("reopen", until="03-05 12:00").false_info().cancelled("close")
    assert site.hold().ordered == ["close"]


def test_the_letter_of_what_the_brake_held_is_sent_since_the_hold_does_it() -> None:
    site = OrderHistory().false_info().braked("close").hold()
    assert site.happened == ["hold_set", "order_repeated", "order_cancelled", "order_retried"]
    assert site.dead_letters == []
    assert [lane for _, lane, kind in site.waiting if kind == "close"] == [NOTICE, ACT]


def test_older_holds_did_nothing_about_orders() -> None:
    older = c.SetHold(by=BOB, reason="sha256:1", alone=True)
    assert opening().do(older).happened == ["hold_set"]
    assert OrderHistory().false_info().braked("close").do(older).happened == ["hold_set"]


def test_what_gave_way_is_decided_again_by_itself() -> None:
    """A replay asks for each event of a hold as for an act of its own."""
    alone = c.SetHold(by=BOB, reason="sha256:1", alone=True)
    site = opening().do(alone).cancelled("reopen", why="superseded")
    assert site.refused_with is None
    assert site.last(e.OrderCancelled).why == "superseded"


def test_nobody_says_of_an_order_that_it_gave_way_where_no_hold_is() -> None:
    assert opening().cancelled("reopen", why="superseded").refused_with == "not_lifted"
    site = OrderHistory().hold().cancelled("suspend", why="superseded")
    assert site.refused_with == "not_lifted"


def test_it_adds_nothing_to_the_run() -> None:
    assert History().hold().run == 0
    assert History().miss().hold().run == 1


def test_when_12_hours_end_under_it_the_suspension_ends_and_the_site_stays_down_held() -> None:
    site = History().miss().hold().sit_out()
    assert not site.suspension(1).running
    assert (site.state, site.rule, site.case.held) == ("suspended", None, True)
    assert "suspension_ended" in site.happened
    assert site.ordered == []


def test_while_it_holds_no_timer_will_open_the_site() -> None:
    site = History().miss()
    assert site.suspended_until is not None
    assert site.hold().suspended_until is None
    assert site.unhold().suspended_until == utc("23:00:00.000001")


def test_no_late_truth_opens_a_held_site() -> None:
    site = History().miss().hold().void(1)
    assert (site.state, site.suspension(1).running) == ("suspended", False)
    assert site.ordered == []


@pytest.mark.parametrize("act", [History.reinstate, History.approve])
def test_a_held_site_cannot_be_reinstated(act: Act) -> None:
    site = History().false_info()
    if act is History.approve:
        site.reinstate()
    site.hold()
    act(site)
    assert site.refused_with == "held"
    assert site.state == "closed"


def test_a_request_outlives_a_hold() -> None:
    site = History().false_info().reinstate().hold().unhold().approve()
    assert site.state == "active"


def test_a_second_hold_is_refused() -> None:
    site = History(at="10:00").hold(by="chief").hold()
    assert site.refused_with == "already_held"
    assert "chief" in site.answer


def test_lifting_where_there_is_none_is_refused() -> None:
    assert History().unhold().refused_with == "not_held"
    assert History().miss().unhold().refused_with == "not_held"


def test_lifting_it_opens_the_site_at_once() -> None:
    site = History().hold().after("1m").unhold()
    assert (site.state, site.case.held) == ("active", False)
    assert site.ordered == ["reopen"]


def test_lifting_it_opens_a_site_whose_suspension_ended_under_it() -> None:
    assert History().miss().hold().sit_out().unhold().state == "active"


def test_unless_a_suspension_still_runs() -> None:
    site = History().miss().hold().unhold()
    assert (site.state, site.rule, site.ordered) == ("suspended", "unreachable", [])
    assert site.sit_out().state == "active"


def test_and_unless_the_site_is_closed() -> None:
    site = History().hold().false_info().unhold()
    assert (site.state, site.case.held, site.ordered) == ("closed", False, [])


def test_under_a_hold_the_rules_close_as_ever() -> None:
    site = History().hold().closed_by_repeat()
    assert (site.state, site.rule) == ("closed", "repeat")


def test_lapsed_clocks_under_a_hold_count_for_no_run_and_no_closure() -> None:
    site = History().miss().sit_out().miss().sit_out().hold().miss()
    assert (site.state, site.run) == ("suspended", 2)
    assert site.happened == ["clock_lapsed"]


def test_what_is_due_comes_before_the_hold() -> None:
    site = History().log().after("1h", MICROSECOND).hold()
    assert site.happened == ["clock_lapsed", "site_suspended", "hold_set"]


def test_its_reason_is_on_record_both_ways() -> None:
    site = History().hold().unhold()
    assert site.last(e.HoldSet).text == site.last(e.HoldLifted).text == "the police say so"
