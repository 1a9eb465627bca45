"""Late truth: the state follows it, and the history is kept (specification, C)."""

from incidents.machine import events as e
from incidents.machine.policy import Policy
from tests.machine.history import MICROSECOND, History, utc

MANY = Policy(repeat_count=9)

# A contact in time, recorded late; an incident that was none.


def test_a_contact_in_time_recorded_late_proves_that_the_incident_should_not_have_lapsed() -> None:
    site = History(at="10:00").miss().at("14:00").contact(1, at="10:59")
    assert site.states == ["notified"]
    assert site.incident(1).reached_in_time
    assert (site.state, site.run) == ("active", 0)


def test_a_contact_at_exactly_the_deadline_recorded_late_is_in_time() -> None:
    site = History(at="10:00").miss().at("14:00").contact(1, at="11:00")
    assert site.state == "active"


def test_a_contact_a_microsecond_after_the_deadline_proves_nothing() -> None:
    site = History(at="10:00").miss().at("14:00").contact(1, at="11:00:00.000001")
    assert (site.state, site.run) == ("suspended", 1)


def test_an_attempt_in_time_recorded_late_proves_nothing() -> None:
    site = History(at="10:00").miss().at("14:00").contact(1, "no-answer", at="10:30")
    assert (site.state, site.states) == ("suspended", ["unreached"])


def test_voiding_an_incident_proves_that_there_was_none() -> None:
    site = History().miss().void(1)
    assert (site.state, site.states, site.run) == ("active", ["voided"], 0)
    assert site.suspension(1).struck


def test_stating_removed_proves_nothing_about_who_was_reached() -> None:
    site = History().miss().removed(1)
    assert (site.state, site.run) == ("suspended", 1)


# A case that is struck.


def test_a_case_is_struck_when_none_of_the_incidents_it_rests_on_still_stands() -> None:
    site = History(at="10:00").log().log().at("12:00").elapse()
    site.contact(1, at="10:30")
    assert (site.state, site.suspension(1).struck) == ("suspended", False)
    site.void(2)
    assert (site.state, site.suspension(1).struck) == ("active", True)
    assert site.run == 0


def test_a_case_still_stands_on_an_incident_that_joined_it() -> None:
    site = History(policy=MANY).miss().miss().void(1)
    assert (site.state, site.run) == ("suspended", 1)
    assert site.suspension(1).starter == 1, "its place in the run stays where it started"


def test_if_its_suspension_still_runs_the_site_is_opened_at_once() -> None:
    site = History(at="10:00").miss().at("14:00").contact(1, at="10:30")
    assert site.happened == ["contact_recorded", "suspension_struck", "task_opened"]
    assert site.ordered == ["reopen"]
    assert site.suspension(1).ended_at == utc("14:00")
    assert site.suspended_until is None


def test_opening_it_early_leaves_a_recheck_of_what_is_not_known_to_be_removed() -> None:
    site = History().miss().contact(1, ago=MICROSECOND)
    (task,) = site.open_tasks
    assert (task.kind, task.incidents) == ("recheck", (1,))
    assert History().miss().void(1).open_tasks == []


def test_unless_it_is_held() -> None:
    site = History().miss().hold().contact(1, ago=MICROSECOND)
    assert site.suspension(1).struck
    assert site.state == "suspended"
    assert site.ordered == []
    assert site.rule is None


def test_who_was_reached_in_time_on_the_incident_that_closed_the_site_disputes_its_closure() -> (
    None
):
    # Three cases stood already: the second was struck, and stands again.
    site = History(policy=MANY, at="03-01 08:00").miss()
    site.at("03-02 10:00").miss().contact(2, at="03-02 10:30")
    site.at("03-03 12:00").miss()
    site.at("03-04 08:00").void_contact(2, 1)
    assert (site.state, site.run) == ("active", 3)
    site.at("03-04 14:00").miss()
    assert (site.state, site.run) == ("closed", 4)

    site.contact(4, at="03-04 14:05")

    assert (site.run, site.case.disputed) == (0, True)
    site.void_contact(4, 1)
    assert not site.case.disputed, "the rule is met again"


def test_three_that_stand_still_meet_the_rule_without_the_fourth_that_closed_the_site() -> None:
    site = History(policy=MANY, at="03-01 08:00").miss()
    site.at("03-02 10:00").miss().contact(2, at="03-02 10:30")
    site.at("03-03 12:00").miss()
    site.at("03-04 08:00").void_contact(2, 1)
    site.at("03-04 14:00").miss()
    site.void(4)
    assert (site.state, site.run, site.case.disputed) == ("closed", 3, False)


def test_a_case_that_is_over_is_struck_without_an_order() -> None:
    site = History().miss().sit_out().void(1)
    assert (site.suspension(1).struck, site.ordered) == (True, [])
    assert site.suspension(1).ended_at is not None


def test_a_struck_case_of_the_past_leaves_a_later_suspension_alone() -> None:
    site = History().miss().sit_out().miss().void(1)
    assert (site.state, site.run, site.rule) == ("suspended", 1, "unreachable")


def test_a_case_is_struck_once() -> None:
    site = History().miss().void(1)
    struck = site.happened.count("suspension_struck")
    site = History(at="10:00").miss().contact(1, at="10:30").void(1)
    assert struck == 1
    assert site.happened == ["incident_voided", "task_completed"]


def test_nothing_is_deleted() -> None:
    site = History(at="10:00").miss().contact(1, at="10:30").void_contact(1).void(1)
    assert list(site.case.suspensions) == [1]
    assert [contact.stands for contact in site.incident(1).contacts] == [False]
    assert [event.kind for event in site.events] == [
        "site_added", "incident_logged", "clock_lapsed", "site_suspended", "contact_recorded",
        "suspension_struck", "task_opened", "contact_voided", "suspension_restored",
        "incident_voided", "suspension_struck", "task_completed",
    ]  # fmt: skip


# Statements taken back.


def test_removed_taken_back_puts_a_notified_incident_where_it_was() -> None:
    site = History().log().contact(1).removed(1).take_back(1)
    assert site.states == ["notified"]
    assert site.last(e.StatementTakenBack).contact_due is None


def test_removed_taken_back_puts_an_unreached_incident_where_it_was() -> None:
    site = History(at="10:00").miss().removed(1).take_back(1)
    assert site.states == ["unreached"]
    assert site.contact_due(1) == utc("11:00")


def test_removed_taken_back_opens_an_incident_with_a_fresh_hour_if_its_clock_was_stopped() -> None:
    site = History(at="10:00").log().removed(1).at("15:00").take_back(1)
    assert site.states == ["open"]
    assert site.contact_due(1) == utc("16:00")
    site.at("16:00").after(MICROSECOND).elapse()
    assert site.state == "suspended"


def test_a_statement_taken_back_counts_as_a_correction() -> None:
    site = History().log().removed(1).take_back(1).removed(1)
    assert site.open_tasks == []
    site.take_back(1)
    assert [task.kind for task in site.open_tasks] == ["review"]


def test_only_removed_and_refused_are_taken_back() -> None:
    site = History().log().take_back(1)
    assert site.refused_with == "nothing_to_take_back"
    site.contact(1).take_back(1)
    assert site.refused_with == "nothing_to_take_back"
    assert "only a recorded removal or refusal" in site.answer


def test_refused_taken_back_puts_the_incident_where_it_was_and_disputes_the_closure() -> None:
    site = History().closed_by_refusal().take_back(1)
    assert site.states == ["notified"]
    assert (site.state, site.disputed) == ("closed", True)


def test_refused_taken_back_from_an_incident_of_which_nobody_was_told_after_all() -> None:
    site = History().closed_by_refusal().void_contact(1)
    due = site.contact_due(1)
    assert site.states == ["refused"]
    assert site.disputed, "who was never told has refused nothing"
    site.take_back(1)
    assert site.states == ["open"]
    assert site.contact_due(1) == due, "no clock starts on a closed site"
    assert site.after("24h").elapse().happened == []


def test_after_a_reinstatement_a_statement_taken_back_starts_no_clock() -> None:
    site = History().log().removed(1).false_info().reopened().take_back(1)
    assert site.states == ["open"]
    assert site.contact_due(1) is None
    assert site.after("24h").elapse().happened == []
