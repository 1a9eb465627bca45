"""R3: the contact is missed three times in a row."""

from datetime import timedelta

from incidents.machine import events as e
from incidents.machine.policy import Policy
from incidents.machine.rules import unreachable_rules
from tests.machine.history import MICROSECOND, History, utc

TOTAL = Policy(run="total")

# What the run is.


def test_the_run_is_the_number_of_standing_cases() -> None:
    site = History()
    assert site.run == 0
    assert site.miss().run == 1
    assert site.sit_out().run == 1
    assert site.miss().run == 2


def test_the_third_case_in_a_row_closes_the_site_in_place_of_a_third_suspension() -> None:
    site = History().closed_by_run()
    assert (site.state, site.rule) == ("closed", "unreachable_run")
    assert site.happened == ["clock_lapsed", "site_closed"]
    assert site.ordered == ["close"]
    assert site.suspended_until is None


def test_the_record_shows_it_as_case_3_of_3() -> None:
    site = History().closed_by_run()
    assert site.run == 3
    closing = site.suspension(3)
    assert closing.closed
    assert closing.until is None
    assert site.reason().incidents == (1, 2, 3)
    assert (site.reason().counted, site.reason().needed) == (3, 3)
    assert site.last(e.SiteClosed).suspension == 3


def test_the_closure_is_explained_by_the_deadline_that_lapsed_and_when_it_was_decided() -> None:
    site = History(at="10:00").miss().sit_out().miss().sit_out().at("03-03 10:00").log()
    site.at("03-03 18:00").elapse()
    assert site.reason().deadline == utc("03-03 11:00")
    assert site.reason().decided_at == utc("03-03 18:00")
    assert site.last(e.SiteClosed).policy == site.policy.digest


def test_somebody_reached_in_time_breaks_the_run() -> None:
    site = History().miss().after("24h").miss().after("24h").log().contact(3)
    assert site.run == 0
    site.after("24h").miss()
    assert (site.state, site.run) == ("suspended", 1)


def test_somebody_reached_too_late_does_not_break_the_run() -> None:
    site = History().miss().contact(1).sit_out().miss().contact(2).sit_out().miss()
    assert site.rule == "unreachable_run"


def test_time_alone_does_not_break_a_run() -> None:
    site = History().miss().after("2400h").miss().after("2400h").miss()
    assert site.rule == "unreachable_run"


def test_the_incidents_are_taken_in_the_order_of_their_contact_deadlines() -> None:
    # The second has happened first; its deadline is later all the same, and so is its place.
    site = History(at="10:00").miss().after("24h").log(at="09:00").contact(2)
    assert site.run == 0


def test_a_fresh_hour_moves_an_incident_to_its_new_deadline_in_that_order() -> None:
    site = History(at="10:00").log().contact(1).after("24h").miss()
    assert site.run == 1, "reached at 11:00, missed a day later"
    site.after("24h").void_contact(1).contact(1)
    assert site.run == 0, "reached by a deadline that is now after the case"


def test_a_voided_incident_breaks_no_run() -> None:
    site = History().miss().after("24h").miss().after("24h").log().contact(3)
    assert site.run == 0
    site.void(3)
    assert site.run == 2


def test_a_voided_incident_carries_no_case() -> None:
    site = History().miss().sit_out().miss().sit_out()
    assert site.run == 2
    site.void(1)
    assert site.run == 1
    site.miss()
    assert site.state == "suspended"


def test_a_struck_case_does_not_count() -> None:
    site = History().miss().sit_out().miss().contact(1, at="10:30")
    assert site.suspension(1).struck
    assert site.run == 1


def test_cases_from_before_a_reinstatement_do_not_count() -> None:
    site = History().miss().sit_out().miss().false_info().reopened()
    assert site.run == 0
    site.miss()
    assert (site.state, site.run) == ("suspended", 1)


def test_somebody_reached_about_an_incident_from_before_a_reinstatement_breaks_no_run() -> None:
    site = History(at="10:00").log().false_info().reopened().after("2h").miss()
    site.contact(1, at="10:30")
    assert site.run == 1


def test_a_contact_from_before_a_reinstatement_breaks_no_run_under_a_shorter_hour_either() -> None:
    site = History(at="10:00").log().contact(1).false_info().reopened()
    site.under(Policy(unreachable_within=timedelta(minutes=10))).miss()
    assert (site.state, site.run) == ("suspended", 1)


def test_moot_incidents_count_for_nothing() -> None:
    site = History().false_info().log().reopened().contact(1)
    assert site.run == 0
    site.miss()
    site.contact(1)
    assert site.run == 1


def test_imported_incidents_count_for_nothing() -> None:
    site = History(at="10:00").miss().imported(at="10:00", contact="reached")
    assert site.run == 1


def test_it_is_derived_each_time_from_what_stands() -> None:
    site = History().miss().after("24h").log().contact(2).after("24h").miss()
    assert site.run == unreachable_rules.run(site.case, site.policy) == 1
    site.void_contact(2)
    assert site.run == unreachable_rules.run(site.case, site.policy) == 2
    site.contact(2)
    assert site.run == unreachable_rules.run(site.case, site.policy) == 0


# Where a case stands, and when its place is judged.


def test_a_case_stands_at_the_deadline_of_the_incident_that_started_it() -> None:
    site = History(at="10:00").log().after("5h").elapse()
    assert site.suspension(1).due == utc("11:00")
    assert site.suspension(1).place == (utc("11:00"), 1)


def test_whoever_is_reached_later_does_not_undo_a_cases_place_in_the_run() -> None:
    # The fourth is recorded before the third lapses, and its person is reached in time, later.
    site = History(at="10:00").miss().after("24h").miss().after("24h").log()
    site.after("30m").log().contact(4)
    assert site.run == 0
    site.after("31m").elapse()
    assert (site.state, site.rule) == ("closed", "unreachable_run")
    assert (site.reason().counted, site.reason().incidents) == (3, (1, 2, 3))


def test_whoever_was_reached_by_an_earlier_deadline_does_break_it() -> None:
    site = History(at="10:00").miss().after("24h").miss().after("24h").log().log().contact(3)
    site.after("1h", MICROSECOND).elapse()
    assert (site.state, site.run) == ("suspended", 1)


def test_the_run_may_be_0_while_a_suspension_runs() -> None:
    site = History(at="10:00").log().after("30m").log().at("11:01").elapse()
    assert (site.state, site.run) == ("suspended", 1)
    site.contact(2)
    assert (site.state, site.run) == ("suspended", 0)
    assert not site.suspension(1).struck


def test_the_run_may_be_3_on_an_active_site_after_a_recount_and_the_next_miss_closes_it() -> None:
    site = History().miss().after("24h").log().contact(2).after("24h").miss().after("24h").miss()
    site.sit_out().void_contact(2)
    site.contact(2, "no-answer").void(2)
    assert (site.state, site.run) == ("active", 3)
    site.after("24h").miss()
    assert (site.state, site.rule) == ("closed", "unreachable_run")
    assert (site.reason().counted, site.reason().needed) == (4, 3)


def test_a_case_whose_starter_was_reached_in_time_stands_outside_the_run() -> None:
    site = History(at="10:00").log().log().after("2h").elapse().contact(1, at="10:30")
    assert not site.suspension(1).struck, "it rests on the second incident"
    assert site.run == 0
    site.void(1)
    assert (site.state, site.run) == ("suspended", 1), "a voided incident breaks no run"


def test_who_was_reached_on_what_closed_the_site_broke_the_run_unless_that_is_voided() -> None:
    site = History(policy=Policy(run_count=4)).miss().sit_out().miss().sit_out().miss().sit_out()
    site.under(Policy(run_count=3)).miss()
    assert (site.rule, site.run) == ("unreachable_run", 4)
    assert site.contact(4, ago="30m").disputed, "three cases stand, and the run was broken there"
    assert not site.void(4).disputed, "a run of three stands"


# The policy's numbers.


def test_the_count_is_policy_data() -> None:
    assert History(policy=Policy(run_count=1)).miss().rule == "unreachable_run"
    site = History(policy=Policy(run_count=4)).closed_by_run()
    assert (site.state, site.run) == ("suspended", 3)


def test_the_default_is_consecutive() -> None:
    assert Policy().run == "consecutive"


def test_under_total_all_standing_cases_count_whoever_is_reached_between() -> None:
    site = History(policy=TOTAL).miss().after("24h").log().contact(2).after("24h")
    site.miss().after("24h").log().contact(4)
    assert site.run == 2
    site.after("24h").miss()
    assert (site.state, site.rule, site.run) == ("closed", "unreachable_run", 3)
    assert site.last(e.SiteClosed).total
    assert site.reason().incidents == (1, 3, 5)


def test_under_total_a_struck_case_still_does_not_count() -> None:
    site = History(policy=TOTAL).miss().void(1).after("24h").miss().after("24h").miss()
    assert (site.state, site.run) == ("suspended", 2)


def test_a_closed_site_is_not_suspended_and_the_other_clocks_of_that_moment_stay() -> None:
    site = History(policy=Policy(run_count=1, unreachable_within=timedelta(hours=2)))
    site.log().log().after("3h").elapse()
    assert site.states == ["unreached", "open"]


def test_whose_hour_began_anew_has_its_place_at_the_new_deadline() -> None:
    site = History(at="03-01 02:00").log().after("10m").contact(1)
    for day in ("03-02", "03-03"):
        site.at(f"{day} 03:00").miss().sit_out()
    assert site.run == 2
    site.at("03-04 00:00").void_contact(1).contact(1, at="03-01 02:10")
    assert site.run == 0
