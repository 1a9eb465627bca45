"""The naive model against clauses of the specification."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.model.naive import NaiveDesk, Policy, Refused

START = datetime(2026, 3, 1, tzinfo=UTC)


def t(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.fixture
def desk() -> NaiveDesk:
    desk = NaiveDesk()
    desk.add_site("s", START)
    return desk


def miss(desk: NaiveDesk, hours: float) -> int:
    """Log an incident that nobody is told of, and let its clock lapse."""
    number = desk.log("s", t(hours), "ann")
    desk.elapse(t(hours + 1.5))
    return number


def close_by_run(desk: NaiveDesk) -> None:
    for hours in (0, 30, 60):
        miss(desk, hours)
    assert desk.site("s")["rule"] == "unreachable_run"


def check_refused(name: str, act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as refusal:
        act()
    assert refusal.value.name == name


def test_three_violations_within_exactly_24_hours_close_the_site(desk: NaiveDesk) -> None:
    for hours in (0, 12, 24):
        assert desk.site("s")["state"] == "active"
        number = desk.log("s", t(hours), "ann")
        if hours < 24:
            desk.contact("s", number, "reached", t(hours), "ann")
    assert desk.closures("s") == [{"rule": "repeat", "at": t(24)}]


def test_a_backdated_incident_completes_a_window_in_the_past(desk: NaiveDesk) -> None:
    for hours in (0, 20, 50):
        number = desk.log("s", t(hours), "ann")
        desk.contact("s", number, "reached", t(hours), "ann")
    assert desk.site("s")["state"] == "active"
    desk.log("s", t(60), "ann", at=t(24))
    assert desk.site("s")["rule"] == "repeat"


def test_a_clock_is_due_strictly_after_its_time(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.elapse(t(1))
    assert desk.site("s")["state"] == "active"
    desk.contact("s", 1, "reached", t(1), "ann")
    desk.elapse(t(5))
    assert desk.incident("s", 1)["state"] == "notified"


def test_a_suspension_lasts_12_hours_from_when_it_was_really_made(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.log("s", t(1.5), "ann", at=t(1))  # does what is due first
    desk.elapse(t(5))
    assert desk.site("s")["suspended_until"] == t(13.5)
    assert desk.suspensions("s")[0]["incidents"] == [1, 2]
    desk.elapse(t(14))
    assert desk.site("s")["state"] == "active"
    assert desk.site("s")["run"] == 1


def test_the_third_miss_in_a_row_closes_in_place_of_a_suspension(desk: NaiveDesk) -> None:
    close_by_run(desk)
    assert [case["closed"] for case in desk.suspensions("s")] == [False, False, True]
    assert desk.site("s")["run"] == 3


def test_somebody_reached_in_time_breaks_the_run(desk: NaiveDesk) -> None:
    miss(desk, 0)
    miss(desk, 30)
    number = desk.log("s", t(60), "ann")
    desk.contact("s", number, "reached", t(60.5), "ann")
    miss(desk, 90)
    assert desk.site("s")["state"] == "suspended"
    assert desk.site("s")["run"] == 1


def test_run_may_be_0_while_a_suspension_runs(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.log("s", t(0.5), "ann", at=t(0.4))
    desk.elapse(t(1.2))
    desk.contact("s", 2, "reached", t(1.3), "ann")
    assert (desk.site("s")["state"], desk.site("s")["run"]) == ("suspended", 0)


def test_late_truth_opens_the_site_and_its_voiding_suspends_nobody(desk: NaiveDesk) -> None:
    miss(desk, 0)
    assert desk.contact("s", None, "reached", t(2), "ann", at=t(0.9)) == [(1, 1)]
    assert desk.site("s")["state"] == "active"
    assert desk.suspensions("s")[0]["struck"]
    desk.void_contact("s", 1, 1, t(3), "ann")
    assert desk.incident("s", 1)["state"] == "unreached"
    assert (desk.site("s")["state"], desk.site("s")["run"]) == ("active", 1)


def test_a_voided_contact_that_had_stopped_the_clock_gives_a_new_hour(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.contact("s", 1, "reached", t(0.5), "ann")
    desk.void_contact("s", 1, 1, t(7), "ann")
    assert desk.incident("s", 1)["state"] == "open"
    assert desk.incident("s", 1)["contact_due"] == t(8)
    check_refused("already_voided", lambda: desk.void_contact("s", 1, 1, t(7), "ann"))


def test_late_truth_disputes_a_closure_and_never_opens_it(desk: NaiveDesk) -> None:
    close_by_run(desk)
    desk.contact("s", 2, "reached", t(70), "ann", at=t(30.5))
    assert (desk.site("s")["state"], desk.site("s")["disputed"]) == ("closed", True)
    desk.uphold("s", t(71), "bob")
    assert not desk.site("s")["disputed"]
    desk.void("s", 3, t(72), "ann")
    assert desk.site("s")["disputed"]


def test_a_window_that_still_holds_three_others_is_met(desk: NaiveDesk) -> None:
    for hours in (0, 23, 47):
        number = desk.log("s", t(hours), "ann")
        desk.contact("s", number, "reached", t(hours), "ann")
    desk.log("s", t(48), "ann", at=t(23.5))
    assert desk.site("s")["rule"] == "repeat"
    desk.void("s", 1, t(49), "ann")
    assert not desk.site("s")["disputed"]
    desk.void("s", 2, t(49), "ann")
    assert desk.site("s")["disputed"]
    check_refused("state_forbids", lambda: desk.void("s", 2, t(49), "ann"))


def test_refusal_closes_and_its_taking_back_disputes(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    check_refused("state_forbids", lambda: desk.refused("s", 1, t(0.1), "ann"))
    desk.contact("s", 1, "reached", t(0.2), "ann")
    desk.refused("s", 1, t(0.3), "ann")
    assert desk.site("s")["rule"] == "refusal"
    desk.take_back("s", 1, t(0.4), "ann")
    assert desk.incident("s", 1)["state"] == "notified"
    assert desk.site("s")["disputed"]


def test_a_removal_deadline_counts_as_refusal_strictly_after_it() -> None:
    desk = NaiveDesk(Policy(removal_within=timedelta(hours=6)))
    desk.add_site("s", START)
    desk.log("s", t(0), "ann")
    desk.contact("s", 1, "reached", t(0.5), "ann", at=t(0.1))
    desk.elapse(t(6.5))
    assert desk.site("s")["state"] == "active"
    desk.elapse(t(6.6))
    assert desk.site("s")["rule"] == "refusal"
    assert desk.incident("s", 1)["state"] == "refused"


def test_under_min_attempts_a_lapse_without_them_suspends_nobody() -> None:
    desk = NaiveDesk(Policy(min_attempts=1))
    desk.add_site("s", START)
    miss(desk, 0)
    assert desk.incident("s", 1)["state"] == "unreached"
    assert (desk.site("s")["state"], desk.suspensions("s")) == ("active", [])


def test_twelve_hours_that_end_under_a_hold_leave_the_site_down(desk: NaiveDesk) -> None:
    miss(desk, 0)
    desk.hold("s", t(2), "sue")
    assert (desk.site("s")["rule"], desk.site("s")["suspended_until"]) == ("unreachable", None)
    check_refused("already_held", lambda: desk.hold("s", t(20), "sue"))
    assert (desk.site("s")["state"], desk.site("s")["rule"]) == ("suspended", None)
    desk.unhold("s", t(21), "sue")
    assert desk.site("s")["state"] == "active"


def test_a_reinstatement_needs_a_second_person_and_starts_afresh(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.false_info("s", t(0.5), "ann")
    assert desk.log("s", t(0.6), "ann") == 2
    assert desk.incident("s", 2)["state"] == "moot"
    desk.reinstate("s", t(1), "sue")
    check_refused("same_person", lambda: desk.approve("s", t(1), "sue"))
    desk.approve("s", t(1), "tom")
    desk.elapse(t(9))
    assert (desk.incident("s", 1)["state"], desk.incident("s", 1)["contact_due"]) == ("open", None)
    assert desk.site("s")["state"] == "active"


def test_what_is_due_is_done_also_when_the_command_is_refused(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann", urls=["u"])
    check_refused("double_entry", lambda: desk.log("s", t(2), "ann", urls=["u", "v"]))
    assert desk.site("s")["suspended_until"] == t(14)


def test_a_policy_activated_late_does_not_move_what_was_due_before(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.activate(Policy(suspend_for=timedelta(hours=2)), t(2))
    assert desk.site("s")["suspended_until"] == t(14)


def test_a_clock_that_stepped_back_writes_no_entry_before_its_predecessor(desk: NaiveDesk) -> None:
    desk.log("s", t(5), "ann")
    desk.log("s", t(3), "ann", at=t(4))
    assert desk.incident("s", 2)["recorded_at"] == t(5)


def test_what_is_not_known_to_be_removed_is_looked_at_again_when_the_site_opens(
    desk: NaiveDesk,
) -> None:
    miss(desk, 0)
    desk.elapse(t(14))
    assert desk.tasks("s") == [{"kind": "recheck", "incidents": [1], "done": False}]
    desk.removed("s", 1, t(15), "ann")
    assert desk.tasks("s")[0]["done"]


def test_the_second_correction_of_an_incident_is_shown_to_a_supervisor(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    for n in (1, 2):
        desk.contact("s", 1, "reached", t(0), "ann")
        desk.void_contact("s", 1, n, t(0), "ann")
    assert [task["kind"] for task in desk.tasks("s")] == ["review"]


def test_what_is_brought_in_has_no_clock_and_counts_in_no_rule(desk: NaiveDesk) -> None:
    for _ in range(3):
        desk.bring_in("s", t(1), "ann", at=t(0))
    desk.elapse(t(30))
    assert desk.site("s")["state"] == "active"
    assert desk.incident("s", 3)["contact_due"] is None


def test_what_the_police_were_told_moves_nothing_and_is_told_once(desk: NaiveDesk) -> None:
    desk.log("s", t(0), "ann")
    desk.reported("s", 1, t(0.5), "ann", at=t(0.2))
    check_refused("already_reported", lambda: desk.reported("s", 1, t(0.6), "ann"))
    desk.elapse(t(1.5))
    assert (desk.incident("s", 1)["state"], desk.site("s")["state"]) == ("unreached", "suspended")
    desk.void("s", 1, t(2), "ann")
    check_refused("state_forbids", lambda: desk.reported("s", 1, t(2), "ann"))


def test_the_customers_word_stops_no_clock_and_gives_the_desk_something_to_look_at(
    desk: NaiveDesk,
) -> None:
    desk.log("s", t(0), "ann")
    desk.say_removed("s", 1, t(0.5), "customer")
    assert desk.tasks("s") == [{"kind": "recheck", "incidents": [1], "done": False}]
    check_refused("already_said", lambda: desk.say_removed("s", 1, t(0.6), "customer"))
    desk.elapse(t(1.5))
    assert desk.site("s")["state"] == "suspended"
    desk.removed("s", 1, t(2), "ann")
    assert desk.tasks("s")[0]["done"]
    check_refused("state_forbids", lambda: desk.say_removed("s", 1, t(2), "customer"))
