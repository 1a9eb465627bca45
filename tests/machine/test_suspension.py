"""R2: what a suspension is, what it rests on, and how it ends."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from incidents.machine import events as e
from incidents.machine.policy import Policy
from tests.machine.history import MICROSECOND, History, utc

# Twelve hours.


def test_a_suspension_lasts_12_hours_from_when_it_was_really_made() -> None:
    site = History(at="10:00").log().at("15:00").elapse()
    assert site.suspended_until == utc("03-02 03:00")
    site.at("03-02 03:00").after(MICROSECOND).elapse()
    assert site.state == "active"
    assert site.rule is None
    assert site.case.suspended_until is None
    assert site.ordered == ["reopen"]


def test_both_its_due_time_and_its_real_time_stay_on_record() -> None:
    site = History(at="10:00").log().at("15:00").elapse().at("03-02 09:00").elapse()
    suspension = site.suspension(1)
    assert (suspension.due, suspension.made_at) == (utc("11:00"), utc("15:00"))
    assert (suspension.until, suspension.ended_at) == (utc("03-02 03:00"), utc("03-02 09:00"))
    ended = site.last(e.SuspensionEnded)
    assert (ended.occurred_at, ended.recorded_at) == (utc("03-02 03:00"), utc("03-02 09:00"))
    assert site.reason(e.SuspensionEnded).deadline == utc("03-02 03:00")


def test_a_suspension_is_as_long_as_its_policy_says_and_a_later_policy_does_not_move_it() -> None:
    site = History(at="10:00", policy=Policy(suspend_for=timedelta(hours=2))).miss()
    site.under(Policy())
    assert site.suspended_until == utc("13:00:00.000001")


def test_when_a_clock_and_a_reopening_fall_due_together_the_clock_is_taken_first() -> None:
    site = History(at="10:00").log().at("11:30").elapse()
    site.at("22:30").log()
    assert site.contact_due(2) == site.suspended_until == utc("23:30")
    site.at("03-02 00:00").elapse()
    assert site.happened == ["clock_lapsed", "suspension_ended", "task_opened"]
    assert site.members(1) == [1, 2]
    assert (site.state, site.run) == ("active", 1)


def test_a_daemon_that_was_down_for_a_day_never_opens_a_site_that_it_has_not_suspended() -> None:
    site = History(at="10:00").log().after("24h").elapse()
    assert site.happened == ["clock_lapsed", "site_suspended"]
    assert site.ordered == ["suspend"]
    assert site.suspended_until == utc("03-02 22:00")


# What it rests on.


def test_it_rests_on_every_incident_whose_clock_lapsed_at_its_start_or_while_it_ran() -> None:
    site = History(at="10:00", policy=Policy(repeat_count=9)).log().after("1m").log()
    site.at("11:30").elapse()
    assert site.members(1) == [1, 2]
    assert site.suspension(1).starter == 1
    site.at("18:00").log().at("19:01").elapse()
    assert site.rule == "unreachable"
    assert site.members(1) == [1, 2, 3]


def test_a_clock_that_lapses_while_it_runs_starts_no_second_and_adds_nothing_to_the_run() -> None:
    site = History(at="10:00").miss().miss()
    assert site.happened == ["clock_lapsed"]
    assert site.states == ["unreached", "unreached"]
    assert (site.run, list(site.case.suspensions)) == (1, [1])
    assert site.suspended_until == utc("23:00:00.000001")


def test_a_clock_that_lapses_under_a_hold_alone_starts_no_case_at_all() -> None:
    site = History(at="10:00").hold().miss()
    assert site.happened == ["clock_lapsed"]
    assert site.states == ["unreached"]
    assert (site.run, site.case.suspensions) == (0, {})
    assert site.incident(1).suspension is None


def test_a_clock_that_lapses_after_it_has_ended_starts_another() -> None:
    site = History().miss().sit_out().miss()
    assert (site.state, site.run, list(site.case.suspensions)) == ("suspended", 2, [1, 2])
    assert site.members(2) == [2]


# Reopening does not settle the incident.


def test_reopening_leaves_the_incident_unreached_and_gives_the_desk_a_recheck() -> None:
    site = History().miss().sit_out()
    assert site.states == ["unreached"]
    (task,) = site.open_tasks
    assert (task.kind, task.incidents) == ("recheck", (1,))


def test_the_recheck_names_what_is_not_known_to_be_removed_and_nothing_else() -> None:
    site = History(at="10:00", policy=Policy(repeat_count=9)).log().log().log().log()
    site.after("2h").elapse().contact(2).removed(3).void(4)
    site.at("23:59").elapse().at("03-02 00:01").elapse()
    (task,) = site.open_tasks
    assert task.incidents == (1, 2)


def test_no_recheck_is_opened_when_all_is_known_to_be_removed() -> None:
    site = History().miss().removed(1).sit_out()
    assert site.happened == ["suspension_ended"]
    assert site.open_tasks == []


def test_a_recheck_is_completed_beside_one_that_is_done_and_by_nothing_but_its_own() -> None:
    site = History().miss().sit_out().done(1).after("24h").miss().sit_out()
    assert [task.n for task in site.open_tasks] == [2]
    site.removed(1)
    assert site.happened == ["incident_removed"], "what is done already is not completed again"
    site.removed(2)
    assert site.happened == ["incident_removed", "task_completed"]
    assert site.open_tasks == []


def test_telling_the_customer_is_still_to_be_done_when_the_content_is_gone() -> None:
    site = History().closed_by_repeat().removed(1).removed(2).removed(3)
    assert [task.kind for task in site.open_tasks] == ["tell"]


@pytest.mark.parametrize("settle", [lambda s, n: s.removed(n), lambda s, n: s.void(n)])
def test_the_recheck_is_completed_once_each_of_its_incidents_is_settled(
    settle: Callable[[History, int], History],
) -> None:
    site = History(at="10:00").log().log().after("2h").elapse().sit_out()
    settle(site, 1)
    assert [task.kind for task in site.open_tasks] == ["recheck"]
    settle(site, 2)
    assert site.open_tasks == []
    assert site.case.tasks[1].outcome == "settled"


# Content found still there.


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (lambda: History().log().contact(1), "notified"),
        (lambda: History().miss(), "unreached"),
        (lambda: History().log().removed(1), "removed"),
    ],
)
def test_content_found_still_there_is_a_new_incident_linked_to_the_first(
    before: Callable[[], History], state: str
) -> None:
    site = before().recur(1)
    assert site.states == [state, "open"]
    assert site.incident(2).recurs == 1


def test_a_recurrence_has_a_clock_of_its_own_and_the_addresses_of_the_first() -> None:
    site = History(at="10:00").log("http://a.example/").contact(1)
    site.at("18:00").recur(1)
    assert site.refused_with is None, "it is no double entry: it says itself that it is another"
    assert site.contact_due(2) == utc("19:00")
    assert site.incident(2).urls == ("http://a.example/",)
    site.after("1h", MICROSECOND).elapse()
    assert (site.state, site.states) == ("suspended", ["notified", "unreached"])


def test_only_a_notified_unreached_or_removed_incident_recurs() -> None:
    site = History(policy=Policy(repeat_count=9)).log().recur(1)
    assert site.refused_with == "state_forbids"
    site.void(1).recur(1)
    assert site.refused_with == "state_forbids"
    assert "notified or unreached or removed" in site.answer


def test_nothing_recurs_on_a_closed_site() -> None:
    site = History().log().contact(1).false_info().recur(1)
    assert site.refused_with == "site_closed"
    assert "recur" in site.answer
