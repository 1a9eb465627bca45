"""R2: the contact clock, what stops it, and corrections."""

from datetime import timedelta

import pytest

from incidents.machine import events as e
from incidents.machine.policy import Policy
from incidents.machine.rules import unreachable_rules
from tests.machine.history import ANN, MICROSECOND, Act, History, utc

ATTEMPTS = ["no-answer", "wrong-number", "bounced", "left-message"]

# The clock.


def test_the_clock_starts_when_the_incident_is_recorded_not_at_a_backdated_occurred_at() -> None:
    site = History(at="10:00").log(at="07:00")
    assert site.contact_due(1) == utc("11:00")
    site.at("10:59").elapse()
    assert site.states == ["open"]


def test_the_clock_runs_1_hour() -> None:
    site = History(at="10:00").log()
    assert site.contact_due(1) == utc("11:00")


def test_the_desk_is_told_to_call_when_the_clock_starts() -> None:
    assert History().log().ordered == ["notify"]


def test_reached_at_exactly_60_00_is_in_time() -> None:
    site = History(at="10:00").log().after("1h").contact(1)
    assert site.states == ["notified"]
    assert site.incident(1).contacts[0].stopped_clock
    site.after("5h").elapse()
    assert (site.state, site.states) == ("active", ["notified"])


def test_reached_a_microsecond_after_60_00_is_too_late() -> None:
    site = History(at="10:00").log().after("1h", MICROSECOND).contact(1)
    assert site.happened == ["clock_lapsed", "site_suspended", "contact_recorded"]
    assert (site.state, site.states) == ("suspended", ["notified"])
    assert not site.incident(1).contacts[0].stopped_clock


def test_a_lapsed_clock_suspends_the_site_by_the_rule_unreachable() -> None:
    site = History(at="10:00").miss()
    assert (site.state, site.rule, site.states) == ("suspended", "unreachable", ["unreached"])
    assert site.ordered == ["suspend"]


def test_the_deadline_is_stored_with_the_incident_and_a_later_policy_does_not_move_it() -> None:
    site = History(at="10:00").log().after("10m")
    site.under(Policy(unreachable_within=timedelta(minutes=5)))
    assert site.contact_due(1) == utc("11:00")
    site.after("30m").elapse()
    assert site.states == ["open"]
    site.log()
    assert site.contact_due(2) == utc("10:45")


def test_the_suspension_is_explained_by_its_incident_deadline_and_policy() -> None:
    site = History(at="10:00").log().at("11:30").elapse()
    reason = site.reason(e.SiteSuspended)
    assert (reason.rule, reason.incidents) == ("unreachable", (1,))
    assert (reason.deadline, reason.decided_at) == (utc("11:00"), utc("11:30"))
    assert site.last(e.SiteSuspended).policy == site.policy.digest
    assert site.last(e.SiteSuspended).by == "clock"


# Reaching, and mere attempts.


def test_reaching_the_responsible_person_stops_the_clock_and_notifies() -> None:
    site = History(at="10:00").log().after("30m").contact(1, "reached")
    assert site.states == ["notified"]
    site.after("2h").elapse()
    assert site.state == "active"


@pytest.mark.parametrize("outcome", ATTEMPTS)
def test_an_attempt_is_kept_on_record_and_does_not_stop_the_clock(outcome: str) -> None:
    site = History(at="10:00").log().after("30m").contact(1, outcome)
    assert [contact.outcome for contact in site.incident(1).contacts] == [outcome]
    assert site.states == ["open"]
    assert not site.incident(1).contacts[0].stopped_clock
    site.at("11:00").after(MICROSECOND).elapse()
    assert (site.state, site.states) == ("suspended", ["unreached"])


def test_a_contact_from_before_the_incident_occurred_is_refused() -> None:
    site = History(at="10:00").log(at="09:00")
    site.contact(1, at="08:59:59.999999")
    assert site.refused_with == "before_incident"
    assert "check the time" in site.answer
    site.contact(1, at="09:00")
    assert site.refused_with is None


def test_a_contact_between_the_occurrence_and_the_recording_is_in_time() -> None:
    site = History(at="10:00").log(at="09:00").contact(1, at="09:30")
    assert site.states == ["notified"]
    assert site.incident(1).reached_in_time


def test_a_contact_of_a_voided_incident_is_refused() -> None:
    site = History().log().void(1).contact(1)
    assert site.refused_with == "state_forbids"


@pytest.mark.parametrize("removed", [False, True])
def test_on_a_notified_or_removed_incident_a_further_contact_moves_nothing(
    removed: bool,
) -> None:
    site = History(at="10:00").log().contact(1)
    if removed:
        site.removed(1)
    before = site.incident(1).state
    site.after("10m").contact(1)
    assert site.refused_with is None
    assert site.happened == ["contact_recorded"]
    assert site.incident(1).state == before
    assert len(site.incident(1).contacts) == 2


@pytest.mark.parametrize("removed", [False, True])
def test_a_further_contact_that_was_in_time_when_the_first_was_not_lets_late_truth_speak(
    removed: bool,
) -> None:
    site = History(at="10:00").miss().contact(1)
    if removed:
        site.removed(1)
    assert site.state == "suspended"
    site.contact(1, at="10:30")
    assert (site.state, site.run) == ("active", 0)
    assert site.suspension(1).struck
    assert site.states == ["removed" if removed else "notified"]


def test_an_unreached_incident_is_notified_when_somebody_is_reached_at_last() -> None:
    site = History(at="10:00").miss().after("1h").contact(1)
    assert (site.state, site.states) == ("suspended", ["notified"])


# A call that is typed late.


def test_a_call_made_in_time_and_typed_late_is_in_time_if_its_time_is_said() -> None:
    site = History(at="10:00").log().at("11:30").contact(1, at="10:59")
    assert (site.state, site.states) == ("active", ["notified"])
    assert site.decision.remarks == ()


def test_a_call_typed_late_without_its_time_stops_no_clock_and_the_answer_asks_for_it() -> None:
    site = History(at="10:00").log().at("11:30").contact(1)
    assert site.state == "suspended"
    assert [remark.name for remark in site.decision.remarks] == ["too_late"]
    assert "record it again with its time" in site.answer
    assert "12-1" in site.answer
    assert "11:00" in site.answer


def test_a_call_of_which_a_late_time_is_said_needs_no_advice() -> None:
    site = History(at="10:00").log().at("11:30").contact(1, at="11:10")
    assert site.state == "suspended"
    assert site.decision.remarks == ()


def test_no_deadline_is_named_for_an_incident_that_has_none_since_a_reinstatement() -> None:
    site = History().miss().false_info().reopened().contact(1)
    assert site.states == ["notified"]
    assert site.decision.remarks == ()


# At least N attempts (a policy may require them).

THREE_ATTEMPTS = Policy(min_attempts=3)


def test_attempts_of_a_lapsed_clock_are_those_on_record_then() -> None:
    site = History(at="10:00", policy=THREE_ATTEMPTS).log().contact(1, "no-answer")
    site.contact(1, "no-answer").void_contact(1, 2)
    assert unreachable_rules.attempts(site.case.incidents[1]) == 1
    site.after("61m").contact(1, "no-answer", at="10:30").void_contact(1, 1)
    assert site.case.incidents[1].state == "unreached"
    assert unreachable_rules.attempts(site.case.incidents[1]) == 1


def test_the_documented_policy_requires_no_attempt() -> None:
    assert Policy().min_attempts == 0
    assert History().miss().state == "suspended"


def test_too_few_attempts_raise_an_alarm_in_place_of_a_suspension() -> None:
    site = History(at="10:00", policy=THREE_ATTEMPTS).log()
    site.contact(1, "no-answer").contact(1, "bounced")
    site.after("1h", MICROSECOND).elapse()
    assert (site.state, site.states, site.run) == ("active", ["unreached"], 0)
    assert site.happened == ["clock_lapsed", "alarm_raised"]
    assert site.ordered == ["alarm"]
    assert (site.last(e.AlarmRaised).attempts, site.last(e.AlarmRaised).needed) == (2, 3)


def test_as_many_attempts_as_the_policy_requires_let_it_suspend() -> None:
    site = History(at="10:00", policy=THREE_ATTEMPTS).log()
    site.contact(1, "no-answer").contact(1, "bounced").after("1h").contact(1, "left-message")
    site.after(MICROSECOND).elapse()
    assert site.state == "suspended"


def test_an_attempt_made_by_the_deadline_counts_and_one_made_later_does_not() -> None:
    def history(second: str) -> History:
        site = History(at="10:00", policy=Policy(min_attempts=2)).log().contact(1, "no-answer")
        return site.at(second).contact(1, "no-answer").at("12:00").elapse()

    assert history("11:00").state == "suspended"
    assert history("11:00:00.000001").state == "active"


def test_a_voided_attempt_is_none() -> None:
    site = History(policy=Policy(min_attempts=1)).log().contact(1, "no-answer").void_contact(1)
    site.after("2h").elapse()
    assert (site.state, site.happened) == ("active", ["clock_lapsed", "alarm_raised"])


def test_an_incident_alarmed_for_belongs_to_no_case_even_while_a_suspension_runs() -> None:
    site = History(at="10:00").miss().under(Policy(min_attempts=1)).miss()
    assert site.state == "suspended"
    assert site.members(1) == [1]
    assert site.incident(2).suspension is None


def test_a_later_attempt_does_not_turn_it_into_a_case() -> None:
    site = History(at="10:00", policy=Policy(min_attempts=1)).miss()
    site.contact(1, "no-answer").contact(1, "no-answer", at="10:30").after("24h").elapse()
    assert (site.state, site.run, site.case.suspensions) == ("active", 0, {})


# One call for the whole site.


def test_told_about_one_incident_the_person_has_been_told_about_that_one() -> None:
    site = History(at="10:00").log().log().contact(1)
    assert site.states == ["notified", "open"]
    site.after("1h", MICROSECOND).elapse()
    assert (site.state, site.states) == ("suspended", ["notified", "unreached"])


def test_one_call_for_the_site_covers_its_open_and_unreached_incidents() -> None:
    site = History(at="10:00").miss().log().contact(None)
    assert site.states == ["notified", "notified"]


def test_one_call_for_the_site_is_kept_as_one_record_per_incident() -> None:
    site = History(at="10:00").log().log().contact(None, "no-answer")
    assert site.happened == ["contact_recorded", "contact_recorded"]
    assert site.last(e.ContactRecorded).whole_site
    assert [len(site.incident(n).contacts) for n in (1, 2)] == [1, 1]
    assert site.decision.touched == (1, 2)


def test_one_call_covers_what_had_happened_by_then_and_names_the_rest() -> None:
    site = History(at="10:00").log().after("20m").log().log(at="10:10")
    site.contact(None, at="10:15")
    assert site.states == ["notified", "open", "notified"]
    assert [remark.name for remark in site.decision.remarks] == ["not_covered"]
    assert "12-2" in site.answer
    assert "12-1" not in site.answer


def test_one_call_covers_an_incident_that_happened_at_that_very_moment() -> None:
    site = History(at="10:00").log().after("20m").contact(None, at="10:00")
    assert site.states == ["notified"]


def test_one_call_leaves_notified_removed_and_voided_incidents_alone() -> None:
    site = History(policy=Policy(repeat_count=9)).log().log().log().log()
    site.contact(1).removed(2).void(3).contact(None)
    assert site.decision.touched == (4,)


@pytest.mark.parametrize("settled", [lambda s: s.removed(1), lambda s: s.contact(1)])
def test_one_call_is_refused_when_there_is_nobody_to_tell(settled: Act) -> None:
    site = History().contact(None)
    assert site.refused_with == "nobody_to_tell"
    site.log()
    settled(site)
    site.contact(None)
    assert site.refused_with == "nobody_to_tell"


def test_one_call_from_before_all_that_happened_is_refused() -> None:
    site = History(at="10:00").log().contact(None, at="09:59")
    assert site.refused_with == "nobody_to_tell"
    assert "name an incident" in site.answer


def test_one_call_typed_late_is_in_time_only_if_its_time_is_said() -> None:
    silent = History(at="10:00").log().log().at("11:30").contact(None)
    assert silent.state == "suspended"
    assert [remark.name for remark in silent.decision.remarks] == ["too_late", "too_late"]
    said = History(at="10:00").log().log().at("11:30").contact(None, at="11:00")
    assert said.state == "active"


# A wrong contact record.


def test_a_voided_contact_that_had_stopped_a_clock_opens_the_incident_with_a_new_hour() -> None:
    site = History(at="10:00").log().contact(1).at("15:00").void_contact(1)
    assert site.states == ["open"]
    assert site.contact_due(1) == utc("16:00")
    assert site.last(e.ContactVoided).fresh_hour


def test_the_new_hour_starts_at_the_correction_and_nobody_is_suspended_for_the_desks_slip() -> None:
    site = History(at="10:00").log().contact(1).at("15:00").void_contact(1)
    assert site.happened == ["contact_voided"]
    site.at("16:00").elapse()
    assert site.state == "active"
    site.after(MICROSECOND).elapse()
    assert site.state == "suspended"


def test_a_voided_contact_stays_on_record_with_its_time_and_reason() -> None:
    site = History(at="10:00").log().contact(1).after("5m").void_contact(1)
    (contact,) = site.incident(1).contacts
    assert contact.voided_at == utc("10:05")
    assert not contact.stands
    assert site.last(e.ContactVoided).text == "a slip"


def test_a_voided_contact_moves_nothing_while_another_stands_that_reached() -> None:
    site = History().log().contact(1).contact(1).void_contact(1, 1)
    assert site.states == ["notified"]
    assert not site.last(e.ContactVoided).fresh_hour
    site.void_contact(1, 2)
    assert site.states == ["open"]


def test_so_it_is_with_an_incident_that_had_lapsed_before_anybody_was_reached() -> None:
    site = History().miss().contact(1).contact(1).void_contact(1, 1)
    assert site.states == ["notified"]
    site.void_contact(1, 2)
    assert site.states == ["unreached"]


def test_voiding_a_mere_attempt_moves_no_deadline() -> None:
    site = History(at="10:00").log().contact(1, "no-answer").after("10m").void_contact(1)
    assert site.states == ["open"]
    assert site.contact_due(1) == utc("11:00")
    assert site.incident(1).corrections == 0
    assert not site.last(e.ContactVoided).fresh_hour
    assert site.last(e.ContactVoided).contact_due is None


def test_a_voided_contact_that_came_late_makes_the_incident_unreached_again() -> None:
    site = History(at="10:00").miss().contact(1).void_contact(1)
    assert site.states == ["unreached"]
    assert site.contact_due(1) == utc("11:00")


def test_its_case_stands_again_without_a_new_suspension() -> None:
    site = History(at="10:00").miss().contact(1, at="10:30")
    assert (site.state, site.run, site.suspension(1).struck) == ("active", 0, True)
    site.void_contact(1)
    assert site.states == ["unreached"]
    assert site.happened == ["contact_voided", "suspension_restored"]
    assert (site.state, site.run, site.suspension(1).struck) == ("active", 1, False)
    site.after("24h").elapse()
    assert site.happened == []


def test_the_second_correction_on_one_incident_is_shown_to_a_supervisor() -> None:
    site = History(at="10:00").log().contact(1).void_contact(1)
    assert site.open_tasks == []
    site.after("50m").contact(1).void_contact(1, 2)
    (task,) = site.open_tasks
    assert (task.kind, task.incidents) == ("review", (1,))
    site.contact(1).void_contact(1, 3)
    assert len(site.open_tasks) == 2


def test_corrections_of_two_incidents_are_no_second_correction() -> None:
    site = History().log().log().contact(None).void_contact(1).void_contact(2)
    assert site.open_tasks == []


def test_a_contact_is_voided_once_and_only_one_that_exists() -> None:
    site = History().log().contact(1).void_contact(1, 2)
    assert site.refused_with == "unknown_contact"
    site.void_contact(1, 1).void_contact(1, 1)
    assert site.refused_with == "already_voided"


# Clocks that never fire.


@pytest.mark.parametrize(
    "settle",
    [
        lambda site: site.void(1),
        lambda site: site.contact(1),
        lambda site: site.removed(1),
        lambda site: site.false_info(),
    ],
)
def test_a_clock_of_a_closed_site_or_a_voided_notified_or_removed_incident_never_fires(
    settle: Act,
) -> None:
    site = History().log()
    settle(site)
    site.after("48h").elapse()
    assert site.happened == []


def test_a_closure_ends_the_clocks_that_would_have_fired_in_the_same_pass() -> None:
    site = History(at="10:00", policy=Policy(run_count=1)).log().log(ago="1m").log(ago="2d")
    site.after("5h").elapse()
    assert site.happened == ["clock_lapsed", "site_closed"]
    assert site.states == ["unreached", "open", "open"]


# Who acted.


def test_each_act_bears_the_name_of_its_person_and_what_is_due_that_of_the_clock() -> None:
    site = History().log(by=ANN).after("2h").log(by="eve")
    assert [event.by for event in site.decision.events] == ["clock", "clock", "eve"]
