"""What can still be recorded on a closed site (specification, X)."""

import pytest

from incidents.machine.policy import Policy
from tests.machine.history import Act, History, utc


def test_an_incident_logged_on_a_closed_site_is_moot_and_has_no_clock() -> None:
    site = History().false_info().log()
    assert site.states == ["moot"]
    assert site.contact_due(1) is None
    assert site.ordered == []
    assert site.after("24h").elapse().happened == []


def test_moot_incidents_complete_no_window() -> None:
    site = History().false_info().log().log().log()
    assert site.rule == "false_info"


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (lambda site: site.contact(1), "notified"),
        (lambda site: site.contact(None), "notified"),
        (lambda site: site.removed(1), "removed"),
        (lambda site: site.void(1), "voided"),
        (lambda site: site.contact(1).void_contact(1), "open"),
        (lambda site: site.removed(1).take_back(1), "open"),
        (lambda site: site.contact(1).removed(1).take_back(1), "notified"),
    ],
)
def test_its_incidents_move_as_ever_and_of_the_site_nothing_moves(act: Act, state: str) -> None:
    site = History().log().false_info()
    closed_at = site.case.closed_at
    act(site)
    assert site.refused_with is None
    assert site.states == [state]
    assert (site.state, site.rule, site.case.closed_at) == ("closed", "false_info", closed_at)


def test_unreached_incidents_move_as_ever_too() -> None:
    site = History(at="10:00").miss().false_info().contact(1)
    assert site.states == ["notified"]
    site.void_contact(1)
    assert site.states == ["unreached"]


def test_of_the_site_only_the_dispute_moves() -> None:
    site = History().closed_by_repeat().void(1)
    assert (site.state, site.disputed) == ("closed", True)


def test_no_clock_starts_on_it() -> None:
    site = History().log()
    due = site.contact_due(1)
    site.contact(1).false_info().void_contact(1)
    assert site.states == ["open"]
    assert site.contact_due(1) == due, "the hour that it had"
    assert site.after("24h").elapse().happened == []


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (lambda site: site.refused(1), "refused"),
        (lambda site: site.false_info(), "false-info"),
        (lambda site: site.recur(1), "recur"),
    ],
)
def test_statements_and_acts_on_it_are_refused(act: Act, named: str) -> None:
    site = History().log().contact(1).false_info()
    act(site)
    assert site.refused_with == "site_closed"
    refusal = site.decision.refusal
    assert refusal is not None
    assert refusal.facts["act"] == named
    assert site.happened == []


def test_its_open_incidents_keep_their_state() -> None:
    site = History().closed_by_repeat()
    assert site.states == ["open", "open", "open"]
    site.after("24h").elapse()
    assert site.states == ["open", "open", "open"]


def test_a_contact_in_time_recorded_on_it_is_in_time_as_ever() -> None:
    site = History(at="10:00").log().false_info().at("15:00").contact(1, at="10:30")
    assert site.incident(1).reached_in_time


def test_a_contact_of_a_moot_incident_is_kept_and_moves_nothing() -> None:
    site = History().false_info().log().contact(1)
    assert site.states == ["moot"]
    assert len(site.incident(1).contacts) == 1


def test_no_removal_deadline_runs_on_it() -> None:
    site = History(policy=Policy(removal_within=Policy().unreachable_within)).log().contact(1)
    site.false_info().after("24h").elapse()
    assert site.states == ["notified"]


def test_it_is_never_due() -> None:
    site = History(at="10:00").miss().log().false_info()
    assert site.case.closed_at == utc("11:00:00.000001")
    assert site.after("2400h").elapse().happened == []


def test_a_call_in_time_whose_record_is_corrected_on_it_breaks_the_run_as_before() -> None:
    site = History(at="03-01 00:00").miss().sit_out()
    site.at("03-02 02:00").log().after("10m").contact(2)
    for day in ("03-03", "03-04", "03-05"):
        site.at(f"{day} 03:00").miss().sit_out()
    assert (site.rule, site.run, site.disputed) == ("unreachable_run", 3, False)
    site.void_contact(2)
    assert (site.run, site.disputed) == (4, False)
    site.contact(2, at="03-02 02:10")
    assert site.run == 3, "who was reached in time breaks the run, whenever that is recorded"
    site.void(3)
    assert (site.run, site.disputed) == (2, True)
