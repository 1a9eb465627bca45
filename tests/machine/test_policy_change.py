"""Another policy is activated in the middle of a history (specification, P)."""

from datetime import timedelta

import pytest

from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.machine.rules import unreachable_rules
from tests.machine.history import History, utc

HOURS = {n: timedelta(hours=n) for n in (1, 2, 3, 6, 48)}


def test_what_was_due_before_is_decided_under_the_old_policy() -> None:
    site = History(at="10:00").log().after("2h").under(Policy(suspend_for=HOURS[1]))
    assert site.suspended_until == utc("03-02 00:00")
    assert site.last(e.SiteSuspended).policy == DOCUMENTED.digest


def test_decisions_after_it_are_taken_under_it() -> None:
    quick = Policy(suspend_for=HOURS[1])
    site = History(at="10:00").log().under(quick).after("2h").elapse()
    assert site.suspended_until == utc("13:00")
    assert site.last(e.SiteSuspended).policy == quick.digest


def test_every_decision_records_the_version_that_it_was_taken_under() -> None:
    other = Policy(repeat_count=9)
    site = History().log().under(other).log()
    logged = [event for event in site.events if isinstance(event, e.IncidentLogged)]
    assert [event.policy for event in logged] == [DOCUMENTED.digest, other.digest]


def test_contact_deadlines_already_set_stay() -> None:
    site = History(at="10:00").log().under(Policy(unreachable_within=HOURS[3]))
    assert site.contact_due(1) == utc("11:00")
    site.at("11:01").elapse()
    assert site.state == "suspended"


@pytest.mark.parametrize("said", ["removed", "reached"])
def test_a_correction_brings_no_contact_deadline_forward(said: str) -> None:
    site = History(at="10:00").log()
    (site.removed if said == "removed" else site.contact)(1)
    site.under(Policy(unreachable_within=HOURS[1] / 6)).at("10:20")
    (site.take_back if said == "removed" else site.void_contact)(1)
    assert (site.contact_due(1), site.states) == (utc("11:00"), ["open"])
    site.removed(1).at("10:55").take_back(1)
    assert site.contact_due(1) == utc("11:05")


def test_nor_a_removal_deadline() -> None:
    site = History(at="10:00", policy=Policy(removal_within=HOURS[6])).log().contact(1).removed(1)
    site.under(Policy(removal_within=HOURS[1])).after("1h").take_back(1)
    assert site.incident(1).removal_due == utc("16:00")
    assert site.removed(1).under(DOCUMENTED).take_back(1).incident(1).removal_due is None


def test_the_end_of_a_running_suspension_stays() -> None:
    site = History(at="10:00").log().after("2h").elapse().under(Policy(suspend_for=HOURS[1]))
    site.at("23:59").elapse()
    assert site.state == "suspended"


def test_removal_deadlines_already_set_stay_and_none_is_set_for_who_was_told_before() -> None:
    site = History(at="10:00", policy=Policy(removal_within=HOURS[2])).log().contact(1)
    site.under(Policy(removal_within=HOURS[6])).log().contact(2)
    assert site.incident(1).removal_due == utc("12:00")
    assert site.incident(2).removal_due == utc("16:00")
    site.under(DOCUMENTED)
    assert site.incident(1).removal_due == utc("12:00")
    assert site.at("12:01").elapse().rule == "refusal"


@pytest.mark.parametrize("other", [DOCUMENTED, Policy(removal_within=HOURS[1])])
def test_a_voided_call_brings_no_removal_deadline_forward_and_takes_none_away(
    other: Policy,
) -> None:
    site = History(at="10:00", policy=Policy(removal_within=HOURS[6])).log().contact(1)
    site.after("30m").contact(1).under(other).void_contact(1)
    assert site.incident(1).removal_due == utc("16:00")


def test_a_voided_call_gives_no_removal_deadline_to_who_was_told_without_one() -> None:
    site = History(at="10:00").log().contact(1).after("30m").contact(1)
    site.under(Policy(removal_within=HOURS[6])).void_contact(1)
    assert site.incident(1).removal_due is None


def test_a_wider_window_counts_at_the_next_incident_and_not_by_itself() -> None:
    site = History(at="10:00").log().contact(1).at("03-02 12:00").log().contact(2).log()
    assert site.state == "active"
    site.under(Policy(repeat_within=HOURS[48])).after("1h").elapse()
    assert site.state == "active"
    site.log()
    assert site.rule == "repeat"
    assert site.reason().within == HOURS[48]


def test_an_incident_before_a_window_that_was_full_under_the_old_count_closes_nothing() -> None:
    site = History(policy=Policy(repeat_count=9)).log().log().log().contact(None).under(DOCUMENTED)
    site.log(ago="48h")
    assert site.state == "active", "1, 2 and 3 do not hold the new incident"
    site.log()
    assert site.rule == "repeat"


def test_a_closure_is_disputed_by_the_numbers_that_it_was_decided_under() -> None:
    site = History(policy=Policy(repeat_count=2)).log().log()
    assert site.rule == "repeat"
    site.under(Policy(repeat_count=9)).contact(1)
    assert not site.disputed
    site.void(1)
    assert site.disputed


def test_a_run_closure_is_disputed_by_the_counting_that_it_was_decided_under() -> None:
    site = History(policy=Policy(run="total")).miss().after("24h").log().contact(2)
    site.after("24h").miss().after("24h").miss()
    assert site.rule == "unreachable_run"
    site.under(DOCUMENTED).contact(2)
    assert not site.disputed, "all standing cases were to count, and they still stand"
    site.void(1)
    assert site.disputed


def test_a_smaller_count_closes_at_the_next_miss() -> None:
    site = History().miss().sit_out().under(Policy(run_count=2)).miss()
    assert site.rule == "unreachable_run"
    assert (site.reason().counted, site.reason().needed) == (2, 2)


def test_attempts_are_required_by_the_policy_that_is_active_when_the_clock_lapses() -> None:
    site = History().log().under(Policy(min_attempts=1)).after("2h").elapse()
    assert (site.state, site.states) == ("active", ["unreached"])


def test_another_way_to_count_the_run_is_followed_by_the_next_miss() -> None:
    site = History().miss().after("24h").miss().after("24h").log().contact(3)
    assert site.run == 0
    site.under(Policy(run="total"))
    assert unreachable_rules.run(site.case, site.policy) == 2
    site.after("24h").miss()
    assert (site.state, site.rule, site.run) == ("closed", "unreachable_run", 3)
