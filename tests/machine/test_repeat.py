"""R1: three or more violations on one site within 24 hours."""

from datetime import timedelta

import pytest

from incidents.machine import events as e
from incidents.machine.policy import Policy
from incidents.machine.rules import repeat_rule
from tests.machine.history import MICROSECOND, History, utc


def told(site: History, *times: str) -> History:
    """Incidents at these times, each notified at once, so that no clock disturbs R1."""
    for time in times:
        site.at(time).log()
        site.contact(site.case.last_incident)
    return site


# The window.


def test_three_incidents_that_span_exactly_24_hours_meet_the_rule() -> None:
    site = told(History(), "10:00", "20:00", "03-02 10:00")
    assert (site.state, site.rule) == ("closed", "repeat")


def test_three_incidents_that_span_24_hours_and_a_microsecond_do_not() -> None:
    site = told(History(), "10:00", "20:00", "03-02 10:00:00.000001")
    assert site.state == "active"


def test_two_incidents_do_not_meet_the_rule_and_the_third_acts_at_once() -> None:
    site = told(History(), "10:00", "10:00")
    assert site.state == "active"
    site.log()
    assert (site.state, site.rule) == ("closed", "repeat")
    assert site.case.closed_at == utc("10:00")


def test_the_calendar_day_plays_no_part() -> None:
    site = told(History(), "23:30", "23:59", "03-02 00:01")
    assert site.rule == "repeat"


def test_three_within_one_calendar_day_meet_the_rule() -> None:
    site = told(History(), "00:00:00.000001", "12:00", "23:59:59.999999")
    assert site.rule == "repeat"


def test_the_window_slides_along_the_incidents() -> None:
    site = told(History(), "10:00", "03-02 06:00", "03-02 11:00")
    assert site.state == "active"
    site.at("03-03 06:00").log()
    assert site.rule == "repeat"
    assert site.reason().incidents == (2, 3, 4)


def test_a_backdated_incident_completes_a_window_that_is_already_in_the_past() -> None:
    site = told(History(), "10:00", "18:00")
    site.at("03-05 10:00").log(at="14:00")
    assert site.rule == "repeat"
    assert (site.reason().since, site.reason().until) == (utc("10:00"), utc("18:00"))
    assert site.reason().decided_at == utc("03-05 10:00")


@pytest.mark.parametrize(
    ("new", "counted"),
    [
        ("03-02 00:00", (1, 2, 3)),  # it is the first of its window
        ("03-02 13:00", (1, 2, 3)),  # in its middle
        ("03-03 00:00", (1, 2, 3)),  # the last
    ],
)
def test_the_rule_looks_at_every_window_that_holds_the_new_incident(
    new: str, counted: tuple[int, ...]
) -> None:
    site = told(History(), "03-02 12:00", "03-02 14:00")
    site.at("03-05 00:00").log(at=new)
    assert site.rule == "repeat"
    assert site.reason().incidents == counted


def test_windows_that_do_not_hold_the_new_incident_play_no_part() -> None:
    site = told(History(), "10:00", "12:00")
    site.at("03-05 00:00").log()
    assert site.state == "active"


def test_several_addresses_of_one_finding_are_one_incident() -> None:
    site = History().log("http://a.example/1", "http://a.example/2", "http://a.example/3")
    assert site.state == "active"
    assert site.incident(1).urls == (
        "http://a.example/1",
        "http://a.example/2",
        "http://a.example/3",
    )


# What counts.


def test_voided_incidents_never_count() -> None:
    site = told(History(), "10:00", "11:00").void(1)
    site.log()
    assert site.state == "active"
    site.log()
    assert site.rule == "repeat"
    assert site.reason().incidents == (2, 3, 4)


def test_incidents_on_a_suspended_site_count() -> None:
    site = History(at="10:00").miss()
    assert site.state == "suspended"
    site.log().log()
    assert (site.state, site.rule) == ("closed", "repeat")


def test_incidents_recorded_before_a_reinstatement_do_not_count() -> None:
    site = History().closed_by_repeat().reopened()
    site.log().log()
    assert site.state == "active"
    site.log()
    assert site.rule == "repeat"
    assert site.reason().incidents == (4, 5, 6)


def test_incidents_recorded_on_a_closed_site_do_not_count_after_its_reinstatement() -> None:
    site = History().false_info().log().log().reopened().log()
    assert site.state == "active"


def test_removed_refused_and_unreached_incidents_count_like_others() -> None:
    site = History(at="10:00").miss()
    site.log().removed(2)
    site.log()
    assert site.rule == "repeat"


def test_imported_incidents_count_in_no_window() -> None:
    site = History(at="10:00").imported(at="09:00").imported(at="09:30").log()
    assert site.state == "active"


def test_a_recurrence_has_a_place_in_the_window() -> None:
    site = told(History(), "10:00", "11:00").recur(1)
    assert site.rule == "repeat"


# The closure.


def test_the_closure_opens_a_call_task_that_names_what_was_counted() -> None:
    site = History().closed_by_repeat()
    (task,) = site.open_tasks
    assert (task.kind, task.incidents) == ("tell", (1, 2, 3))
    assert site.ordered == ["notify", "close", "call"]


def test_the_closure_is_explained_by_what_it_counted_and_compared() -> None:
    site = told(History(), "10:00", "20:00")
    site.at("03-03 09:00").log(at="09:00")
    reason = site.reason()
    assert reason.rule == "repeat"
    assert reason.incidents == (1, 2, 3), "the completing incident comes last"
    assert (reason.counted, reason.needed) == (3, 3)
    assert reason.within == timedelta(hours=24)
    assert (reason.since, reason.until) == (utc("09:00"), utc("20:00"))
    assert site.last(e.SiteClosed).policy == site.policy.digest
    assert site.last(e.SiteClosed).by == "ann"


def test_a_running_suspension_ends_with_the_closure() -> None:
    site = History(at="10:00").miss().log().log()
    assert site.suspension(1).ended_at == site.clock
    assert site.suspended_until is None


def test_both_numbers_are_policy_data() -> None:
    site = History(policy=Policy(repeat_count=2, repeat_within=timedelta(hours=1)))
    told(site, "10:00", "11:00:00.000001")
    assert site.state == "active"
    site.at("12:00:00.000001").log()
    assert site.rule == "repeat"
    assert (site.reason().counted, site.reason().needed) == (2, 2)


def test_a_policy_of_one_closes_at_the_first_incident() -> None:
    assert History(policy=Policy(repeat_count=1)).log().rule == "repeat"


def test_a_fourth_incident_after_a_fuller_window_counts_the_first_that_is_met() -> None:
    site = told(History(), "10:00", "03-02 11:00", "03-02 12:00")
    site.at("03-02 12:00").log(at="10:00", ago=MICROSECOND)
    assert site.reason().incidents == (2, 3, 4)


def test_what_two_people_find_still_there_is_one_recurrence() -> None:
    site = History().log().contact(1).recur(1).recur(1)
    assert (site.refused_with, site.state, site.states) == (
        "recurred_already", "active", ["notified", "open"],
    )  # fmt: skip


def test_nor_is_it_found_again_while_nobody_could_be_told_of_the_first_time() -> None:
    site = History().log().contact(1).recur(1).after("2h").elapse()
    assert (site.states, site.recur(1).refused_with) == (
        ["notified", "unreached"],
        "recurred_already",
    )
    assert site.state == "suspended"


def test_after_a_call_about_it_or_if_it_is_said_it_is_another_one() -> None:
    assert History().log().contact(1).recur(1).contact(2).recur(1).state == "closed"
    assert History().log().contact(1).recur(1).recur(1, again=True).state == "closed"
    assert History().log().contact(1).recur(1).removed(2).recur(1).state == "closed"
    assert History().log().contact(1).recur(1).void(2).recur(1).refused_with is None


# What is told of it.


def counting(site: History) -> list[tuple[str, int]]:
    """What the last act was answered on how far the rule is met."""
    return [(remark.name, remark.facts["n"]) for remark in site.decision.remarks]


def test_each_violation_is_counted_and_the_one_before_the_last_says_what_the_next_does() -> None:
    site = History().log()
    assert (counting(site), site.answer) == ([("counted", 1)], "violation 1 of 3 in 24 h")
    site.at("20:00").log()
    assert site.answer == (
        "violation 2 of 3 in 24 h: another violation by 2026-03-02 10:00:00+00:00 closes this site"
    )
    assert site.log().state == "closed"
    assert counting(site) == []
    # What is found on a closed site counts for nothing.
    assert counting(site.log()) == []


def test_until_when_the_next_one_closes_is_included() -> None:
    site = told(History(policy=Policy(repeat_count=4)), "08:00", "10:00", "20:00")
    site.void(1).log(at="09:00")
    [remark] = site.decision.remarks
    assert (remark.name, remark.facts["until"]) == ("next_closes", utc("03-02 09:00"))
    assert site.at("03-02 09:00").log().state == "closed"
    site = told(History(), "10:00", "20:00")
    assert site.at("03-02 10:00:00.000001").log().state == "active"


def test_it_is_counted_in_the_fullest_window_that_holds_the_violation() -> None:
    site = told(History(policy=Policy(repeat_count=9)), "10:00", "20:00", "03-02 09:00")
    assert counting(site.at("03-02 12:00").log(at="10:00")) == [("counted", 4)]
    assert counting(site.log(at="03-01 09:00")) == [("counted", 5)]
    assert counting(site.at("03-04 10:00").log()) == [("counted", 1)]


def test_one_that_was_found_before_the_span_says_nothing_of_the_next() -> None:
    site = told(History(), "10:00", "03-03 10:00")
    assert counting(site.at("03-03 12:00").log(at="11:00")) == [("counted", 2)]


def test_nor_does_it_hide_that_others_are_enough_for_the_next_to_close() -> None:
    site = told(History(), "10:00", "20:00").log(at="02-28 09:00")
    assert counting(site) == [("others_close", 1)]
    assert site.decision.remarks[0].facts["until"] == utc("03-02 10:00")
    assert site.log().state == "closed"


def test_a_recurrence_is_counted_too() -> None:
    assert counting(History().log().contact(1).recur(1)) == [("next_closes", 2)]


def test_one_more_takes_the_place_after_those_of_the_span_both_ends_included() -> None:
    times = [utc("03-01 10:00"), utc("03-01 20:00")]
    assert repeat_rule.place_of_next(times, Policy(), utc("03-02 10:00")) == 3
    assert repeat_rule.place_of_next(times, Policy(), utc("03-02 10:00:00.000001")) == 2
    assert repeat_rule.place_of_next([], Policy(repeat_count=1), utc("03-02 10:00")) == 1
