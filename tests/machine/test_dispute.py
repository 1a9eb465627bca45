"""Disputes: late truth about a closure flags it, and no machine undoes it (specification, C)."""

from datetime import timedelta

from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.machine.rules import closure_grounds
from incidents.machine.work import withdrawn
from tests.machine.history import History, utc

MANY = Policy(repeat_count=9)

# Closures are disputed, never undone.


def test_a_closure_is_never_undone_by_a_machine() -> None:
    site = History().closed_by_repeat().void(1).void(2).void(3)
    assert (site.state, site.disputed, site.rule) == ("closed", True, "repeat")
    assert "reopen" not in site.ordered


def test_a_window_left_unmet_disputes_the_closure() -> None:
    site = History().closed_by_repeat().void(2)
    assert site.happened == ["incident_voided", "closure_disputed"]
    disputed = site.last(e.ClosureDisputed)
    assert (disputed.counted, disputed.needed) == (2, 3)


def test_of_a_window_of_one_nothing_is_left() -> None:
    site = History(policy=Policy(repeat_count=1)).log().void(1)
    assert site.disputed
    assert site.last(e.ClosureDisputed).counted == 0


def test_what_came_after_the_closure_was_moot_and_stands_in_for_nothing() -> None:
    site = History().closed_by_repeat().log()
    assert site.states[3] == "moot"
    assert site.void(1).disputed


def test_what_came_before_a_reinstatement_stands_in_for_nothing() -> None:
    site = History().log().false_info().reopened().log().log().log()
    assert site.rule == "repeat"
    assert site.void(2).disputed


def test_a_window_that_still_holds_three_others_is_met() -> None:
    site = History(at="10:00").log().contact(1).at("03-02 09:00").log().contact(2)
    site.at("03-03 08:00").log().contact(3).log(at="03-02 09:30")
    assert site.rule == "repeat"
    assert site.reason().incidents == (1, 2, 4)
    site.void(1)
    assert not site.disputed, "2, 4 and 3 lie within 23 hours"
    site.void(2)
    assert site.disputed


def test_what_is_left_on_both_sides_of_the_completing_incident_must_lie_within_24_hours() -> None:
    site = History(at="10:00").log().contact(1).at("03-02 09:00").log().contact(2)
    site.at("03-03 08:00").log().contact(3).log(at="03-02 09:30")
    site.void(2)
    assert site.disputed, "1, 4 and 3 span 46 hours"
    assert site.last(e.ClosureDisputed).counted == 2


def test_a_window_left_that_spans_exactly_24_hours_is_met() -> None:
    site = History(at="03-02 10:00").log(ago="24h").log(ago="12h").log().log(ago="6h").void(4)
    assert site.rule == "repeat"
    assert not site.disputed


def test_each_window_around_the_completing_incident_is_looked_at() -> None:
    site = History(at="03-03 10:00").log(ago="46h").log(ago="45h").log(ago="1h").log()
    assert site.state == "active"
    site.log(ago="23h").contact(3)
    assert not site.disputed
    site.void(1)
    assert not site.disputed, "5, 3 and 4 lie within 23 hours"
    site.void(2)
    assert not site.disputed
    assert site.void(3).disputed


def test_a_full_window_without_the_completing_incident_does_not_stand_in_for_its_own() -> None:
    site = History(policy=MANY).log().log().log().contact(None).under(DOCUMENTED)
    site.after("96h").log().log().log()
    assert site.reason().incidents == (4, 5, 6)
    site.void(4)
    assert site.disputed, "1, 2 and 3 are a window that closed nothing"


def test_the_grounds_that_still_hold_are_named() -> None:
    def grounds(site: History) -> tuple[int, ...]:
        assert site.case.closure is not None
        return closure_grounds.still_grounds(site.case, site.case.closure)

    assert grounds(History().closed_by_repeat().void(2)) == (1, 3)
    run = History().miss().after("25h").miss().after("25h").miss()
    assert grounds(run) == (1, 2, 3)
    assert grounds(run.void(1)) == (2, 3)
    assert grounds(History().log().contact(1).refused(1)) == ()


def test_a_run_left_below_3_disputes_the_closure() -> None:
    site = History(at="10:00").closed_by_run().contact(1, at="10:30")
    assert (site.state, site.disputed) == ("closed", True)
    assert (site.last(e.ClosureDisputed).counted, site.run) == (2, 2)


def test_a_run_that_is_still_3_is_met() -> None:
    site = History(policy=MANY).miss().sit_out().miss().miss().sit_out().miss()
    assert site.rule == "unreachable_run"
    site.void(2)
    assert not site.disputed, "the second case still stands on the third incident"
    site.void(3)
    assert site.disputed


def test_somebody_reached_in_the_middle_of_the_run_disputes_it_too() -> None:
    site = History(at="10:00").miss().after("24h").log().contact(2, "no-answer")
    site.after("24h").elapse().after("24h").miss()
    assert site.rule == "unreachable_run"
    site.contact(2, at="03-02 11:30")
    assert site.disputed


def test_somebody_reached_later_than_the_closing_case_disputes_nothing() -> None:
    site = History(at="10:00").miss().after("24h").miss().after("24h").log()
    site.after("30m").log().after("31m").elapse()
    assert site.rule == "unreachable_run"
    site.contact(4)
    assert (site.run, site.disputed) == (0, False)


def test_the_flag_falls_when_the_rule_is_met_again() -> None:
    site = History(at="10:00").closed_by_run().contact(1, at="10:30")
    assert site.disputed
    assert not site.void_contact(1).disputed
    assert site.happened == ["contact_voided", "suspension_restored", "dispute_settled"]


def test_a_call_after_the_contact_s_hour_may_meet_the_refusal_again() -> None:
    site = History(at="10:00").miss().at("12:00").contact(1).at("13:00").refused(1)
    assert site.void_contact(1).disputed
    assert not site.at("14:00").contact(1, at="12:00").disputed


def test_a_refusal_met_again_settles_the_dispute() -> None:
    site = History().closed_by_refusal().void_contact(1)
    assert site.disputed
    assert not site.contact(1).disputed
    assert site.states == ["refused"]


def test_a_call_after_the_closure_settles_nothing_since_nobody_refuses_before_being_told() -> None:
    site = History(at="10:00").closed_by_refusal().void_contact(1)
    assert site.at("15:00").contact(1).disputed
    assert not site.contact(1, at="10:00").disputed


def test_a_call_between_the_refusal_and_its_record_does_not_stand_for_the_one_before_it() -> None:
    site = History(at="10:00").log().contact(1, at="10:00").at("10:20").contact(1)
    site.at("10:30").refused(1, at="10:10")
    assert site.reason().since == utc("10:10")
    assert site.void_contact(1, 1).disputed, "nobody refuses before being told"
    assert not site.contact(1, at="10:05").disputed


def test_a_voided_refusal_disputes_the_closure_for_good() -> None:
    site = History().closed_by_refusal().void(1)
    assert site.disputed
    assert (site.last(e.ClosureDisputed).counted, site.last(e.ClosureDisputed).needed) == (0, 2)


def test_a_lapsed_removal_deadline_taken_back_disputes_the_closure() -> None:
    site = History(policy=Policy(removal_within=timedelta(hours=2))).log().contact(1)
    site.after("3h").elapse().take_back(1)
    assert (site.state, site.disputed) == ("closed", True)


def test_incidents_that_closed_nothing_dispute_nothing() -> None:
    site = History().closed_by_refusal().log().void(2)
    assert not site.disputed


def test_what_changes_no_dispute_says_nothing_of_it() -> None:
    site = History().closed_by_refusal().log().void(2)
    assert site.happened == ["incident_voided"]
    site = History().closed_by_repeat().void(1)
    assert site.happened == ["incident_voided", "closure_disputed"]
    assert site.void(2).happened == ["incident_voided"]


# A dispute can be upheld.


def test_a_dispute_can_be_upheld_with_a_reason_which_clears_the_flag() -> None:
    site = History().closed_by_repeat().void(2).uphold()
    assert (site.state, site.disputed) == ("closed", False)
    assert site.last(e.ClosureUpheld).text == "it was right all the same"


def test_what_was_upheld_is_disputed_again_only_by_new_truth() -> None:
    site = History().closed_by_repeat().void(2).uphold().after("1h").elapse()
    site.log().contact(1)
    assert not site.disputed
    site.void(1)
    assert site.disputed


def test_what_was_upheld_falls_when_the_rule_is_met_again_so_another_doubt_is_a_new_one() -> None:
    site = History(at="10:00").closed_by_run().contact(1, at="10:30").uphold()
    site.void_contact(1)
    assert site.happened == ["contact_voided", "suspension_restored", "dispute_settled"]
    assert not site.disputed
    assert site.void(2).disputed, "nobody has upheld it without the second case"
    assert site.last(e.ClosureDisputed).counted == 2


def test_a_rule_met_again_says_once_that_the_doubt_is_over() -> None:
    site = History(at="10:00").closed_by_refusal().void_contact(1).uphold().contact(1)
    assert site.happened[-1] == "dispute_settled"
    site.void_contact(2).uphold().contact(1).contact(1)
    assert "dispute_settled" not in site.happened


def test_a_flag_that_rose_again_falls_where_the_closure_was_upheld_and_the_uphold_stays() -> None:
    site = History(at="10:00").closed_by_run().contact(1, at="10:30").uphold()
    site.contact(2, at="03-01 23:30")
    assert site.disputed, "one of three is less than was upheld"
    assert not site.void_contact(2).disputed
    assert site.last(e.DisputeSettled).upheld
    assert site.case.closure is not None
    assert site.case.closure.upheld_at == 2


def test_there_is_nothing_to_uphold_where_nothing_is_disputed() -> None:
    assert History().uphold().refused_with == "not_disputed"
    assert History().closed_by_repeat().uphold().refused_with == "not_disputed"


# The task to tell the customer of the closure.


def test_nobody_tells_a_customer_of_a_closure_while_it_is_disputed() -> None:
    site = History().closed_by_repeat().void(2)
    assert site.answer.endswith("while the closure is disputed: 12-t1 (call about closure)")
    [task] = site.case.tasks.values()
    assert withdrawn(site.case, task)
    # It is in the queue again when the closure stands, and says so.
    site.uphold()
    assert site.answer == "returned to the queue: 12-t1 (call about closure)"
    assert not withdrawn(site.case, task)


def test_of_a_closure_that_opened_no_such_task_nothing_is_said() -> None:
    assert History().closed_by_refusal().void_contact(1).answer == ""


def test_who_has_told_the_customer_already_has_nothing_to_be_taken_back() -> None:
    site = History().closed_by_repeat().done(1).void(2)
    assert (site.disputed, site.answer) == (True, "")
    assert site.uphold().answer == ""
