"""R5: the customer was told by phone and does not delete."""

from datetime import timedelta

import pytest

from incidents.machine import events as e
from incidents.machine.policy import Policy
from tests.machine.history import MICROSECOND, Act, History, utc

TWO_HOURS = Policy(removal_within=timedelta(hours=2))


def test_the_site_is_closed_at_once() -> None:
    site = History().closed_by_refusal()
    assert (site.state, site.rule, site.states) == ("closed", "refusal", ["refused"])
    assert site.ordered == ["close"]
    assert site.reason().incidents == (1,)


def test_a_suspended_site_is_closed_too() -> None:
    site = History().miss().contact(1).refused(1)
    assert (site.state, site.rule) == ("closed", "refusal")
    assert not site.suspension(1).running


@pytest.mark.parametrize(
    "before",
    [
        lambda site: site.log(),
        lambda site: site.miss(),
        lambda site: site.log().removed(1),
        lambda site: site.log().contact(1).removed(1),
        lambda site: site.log().contact(1).void(1),
        lambda site: site.log().contact(1, "left-message"),
    ],
)
def test_it_is_said_only_while_the_incident_is_notified(before: Act) -> None:
    site = History()
    before(site)
    site.refused(1)
    assert site.refused_with == "state_forbids"
    assert "only when it is notified" in site.answer


def test_nobody_refuses_before_they_are_told() -> None:
    site = History(at="10:00").log().at("10:30").contact(1, at="10:20").contact(1)
    assert site.refused(1, at="10:19:59.999999").refused_with == "before_told"
    assert site.refused(1, at="10:20").state == "closed"


def test_under_the_documented_policy_a_notified_incident_has_no_removal_deadline() -> None:
    site = History().log().contact(1)
    assert site.incident(1).removal_due is None
    site.after("24h").elapse().after("2400h").elapse()
    assert (site.state, site.states) == ("active", ["notified"])


def test_a_notified_incident_stays_in_the_desks_queue() -> None:
    site = History().log().contact(1).after("2400h").elapse()
    assert site.queue == {"1": "check_removal"}


# A removal deadline (a policy may set one).


def test_the_removal_deadline_counts_from_the_recording_of_the_contact() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().at("10:50").contact(1, at="10:20")
    assert site.incident(1).removal_due == utc("12:50")


def test_its_lapse_counts_as_refusal() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).at("15:00").elapse()
    assert site.happened == ["incident_refused", "site_closed"]
    assert (site.state, site.rule, site.states) == ("closed", "refusal", ["refused"])
    assert site.reason().deadline == utc("12:00")
    assert site.last(e.IncidentRefused).by == "clock"
    assert site.last(e.IncidentRefused).occurred_at == utc("12:00")


def test_at_the_deadline_itself_it_can_still_be_stated_removed() -> None:
    site = History(policy=TWO_HOURS).log().contact(1).after("2h").removed(1)
    assert site.refused_with is None
    site.after("24h").elapse()
    assert site.state == "active"


def test_a_microsecond_later_it_is_too_late_and_the_refusal_has_happened() -> None:
    site = History(policy=TWO_HOURS).log().contact(1).after("2h", MICROSECOND).removed(1)
    assert site.refused_with == "state_forbids"
    assert site.state == "closed"


def test_a_removal_in_time_that_is_typed_late_needs_the_refusal_taken_back_first() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).at("15:00").removed(1, at="11:00")
    assert site.refused_with == "state_forbids"
    assert "no removal was on record by 2026-03-01 12:00" in site.answer
    assert "withdraw the refusal" in site.answer
    again = site.take_back(1).removed(1, at="11:00")
    assert (again.refused_with, again.states, again.disputed) == (None, ["removed"], True)


@pytest.mark.parametrize(
    "late",
    [
        lambda site: site.log().contact(1).at("15:00").removed(1, at="12:00:00.000001"),
        lambda site: site.log().contact(1).refused(1).at("15:00").removed(1, at="11:00"),
    ],
    ids=["after the deadline", "on the customer's word"],
)
def test_no_other_removal_is_told_to_take_the_refusal_back(late: Act) -> None:
    site = History(at="10:00", policy=TWO_HOURS)
    late(site)
    assert site.refused_with == "state_forbids"
    assert "withdraw the refusal" not in site.answer


def test_a_further_contact_does_not_stretch_it() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("1h").contact(1)
    assert site.incident(1).removal_due == utc("12:00")


def test_a_late_reached_person_has_the_same_time_to_delete() -> None:
    site = History(at="10:00", policy=TWO_HOURS).miss().at("15:00").contact(1)
    assert site.incident(1).removal_due == utc("17:00")


def test_a_voided_contact_ends_it() -> None:
    site = History(policy=TWO_HOURS).log().contact(1).void_contact(1)
    assert site.incident(1).removal_due is None


def test_a_voided_contact_beside_one_that_stands_leaves_it() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).contact(1).void_contact(1, 2)
    assert site.incident(1).removal_due == utc("12:00")


def test_removed_taken_back_starts_it_anew() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).removed(1)
    site.at("15:00").take_back(1)
    assert (site.states, site.incident(1).removal_due) == (["notified"], utc("17:00"))


def test_no_removal_clock_starts_on_a_closed_site() -> None:
    site = History(policy=TWO_HOURS).log().false_info().contact(1)
    assert site.incident(1).removal_due is None


def test_a_removal_clock_ends_with_the_closure_and_stays_ended_after_a_reinstatement() -> None:
    site = History(policy=TWO_HOURS).log().contact(1).false_info().reopened()
    site.after("24h").elapse()
    assert site.happened == []
    site.log().false_info().reopened().contact(2)
    assert site.incident(2).removal_due is None


def test_contact_and_removal_deadlines_due_in_one_pass_are_taken_in_their_order() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().log().contact(2)
    site.at("20:00").elapse()
    assert site.happened == ["clock_lapsed", "site_suspended", "incident_refused", "site_closed"]
    assert site.ordered == ["suspend", "close"]


def test_a_removal_deadline_runs_from_the_first_call_that_was_really_made() -> None:
    """The call that set it told nobody; the next one did, and who was told has all of the time."""
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("90m").contact(1)
    site.void_contact(1, 1)
    assert site.incident(1).removal_due == utc("13:30")
    assert site.after("90m").elapse().state == "active"
    assert site.after("30m", MICROSECOND).elapse().rule == "refusal"


def test_a_removal_deadline_that_a_voided_call_does_not_move_is_not_recorded_as_moved() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).contact(1).void_contact(1, 1)
    assert site.last(e.ContactVoided).removal_due is None
    assert site.incident(1).removal_due == utc("12:00")


def test_where_the_content_is_removed_a_voided_call_moves_no_removal_deadline() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("90m").contact(1)
    site.removed(1).void_contact(1, 1)
    assert site.last(e.ContactVoided).removal_due is None


def test_a_later_call_that_was_wrong_moves_no_removal_deadline() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("90m").contact(1)
    site.void_contact(1, 2)
    assert site.incident(1).removal_due == utc("12:00")


def test_a_removal_deadline_that_ran_from_a_wrong_call_disputes_the_closure_for_good() -> None:
    """A call just before the lapse left nobody the time to delete; one that early did."""
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("2h", MICROSECOND).elapse()
    assert (site.state, site.reason().since) == ("closed", utc("10:00"))
    assert site.void_contact(1, 1).disputed
    assert site.contact(1, at="11:59").disputed
    assert not site.contact(1, at="10:00").disputed


def test_after_a_statement_was_taken_back_the_time_to_delete_begins_then() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("30m").removed(1)
    site.after("10m").contact(1).after("20m").take_back(1)
    assert site.after("2h", MICROSECOND).elapse().reason().since == utc("11:00")
    assert not site.void_contact(1, 1).disputed
