"""What `why` and the queue say of clocks and misses on a site that is down, and of the run."""

from dataclasses import replace

from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED, Policy, read_duration
from tests.views.day import Day, utc

HELD = c.SetHold(by="li", reason="order 7")
LIFTED = c.LiftHold(by="li", reason="withdrawn")


def would(day: Day) -> list[str]:
    found: list[str] = day.why()["would_change"]
    return found


def activate(day: Day, policy: Policy) -> Day:
    day.desk.activate(policy.toml(), by="li", login=None, reason="agreed")
    return day


def one_attempt(day: Day) -> Day:
    return activate(day, replace(DOCUMENTED, min_attempts=1))


def run_of_two(day: Day) -> Day:
    for _ in range(2):
        day.miss().after("25h").elapse()
    return day


def test_a_miss_under_a_hold_is_told_with_the_hold(day: Day) -> None:
    day.add().do(HELD).miss()
    told = (
        "1-1: nobody was reached by 2026-03-01 11:00; the site was held then. It started no"
        " suspension and does not count toward R3."
    )
    assert told in day.text()
    assert told in day.do(LIFTED).text()


def test_a_miss_after_a_lifted_hold_is_not_told_as_held(day: Day) -> None:
    one_attempt(day.add()).do(HELD).do(LIFTED).miss().do(HELD)
    assert "1-1: nobody was reached by 2026-03-01 11:00, after 0 of 1 required" in day.text()
    assert "on a held site" not in day.text()


def test_too_few_attempts_under_a_hold_are_told_with_the_hold(day: Day) -> None:
    one_attempt(day.add()).do(HELD).log()
    assert "Attempts made: 0, required: 1. The site is down: a miss starts no susp" in day.text()
    day.after("1h1s").elapse()
    assert "after 0 of 1 required attempts, on a held site. It started no" in day.text()
    assert day.item("1-1")["warning"].startswith("ALARM: the deadline of 1-1 passed after only 0")


def test_too_few_attempts_show_their_alarm_while_another_case_suspends_the_site(day: Day) -> None:
    one_attempt(day.add()).log().contact(1, "no-answer").after("10m").log()
    day.after("51m").elapse().after("10m").elapse()
    assert day.site()["state"] == "suspended"
    assert day.item("1-2")["warning"].startswith("ALARM")
    assert day.item("1-1")["warning"] is None


def test_a_suspended_site_names_the_clock_that_a_call_stops(day: Day) -> None:
    day.add().log().after("30m").log().after("31m").elapse()
    assert day.site()["state"] == "suspended"
    stops = "reaching the responsible person by 2026-03-01 11:30 stops the clock of 1-2"
    assert any(line.startswith(stops) for line in would(day))


def test_a_lapse_to_come_on_a_held_site_is_told_to_suspend_nothing(day: Day) -> None:
    day.add().do(HELD).log()
    assert day.why()["next"]["what"].endswith(" passes with nobody reached; no suspension follows")


def test_a_lapse_together_with_the_reopening_is_told_too(day: Day) -> None:
    day.add().miss()
    day.at("22:00:01").log()
    what = day.why()["next"]["what"]
    assert what == (
        "1-2: the deadline 2026-03-01 23:00:01 passes with nobody reached; no suspension follows;"
        " the suspension of shop.example ends; the site is open again"
    )


def test_a_call_that_ends_the_run_is_told_with_the_clock_that_it_stops(day: Day) -> None:
    run_of_two(day.add())
    assert (
        "reaching the responsible person in time on the next violation resets the count of misses"
        " (R3)" in would(day)
    )
    day.log()
    lines = would(day)
    assert any(
        line.endswith("stops the clock of 1-3 and resets the count of misses (R3)")
        for line in lines
    )
    assert not any("next violation ends the run" in line for line in lines)


def test_the_corrections_that_lower_a_run_are_named(day: Day) -> None:
    lines = would(run_of_two(day.add()))
    assert (
        "a timely contact on one of 1-1, 1-2, recorded with its time, lowers the count of misses"
        " (R3)" in lines
    )
    assert "voiding one of 1-1, 1-2 lowers the count of misses (R3)" in lines


def test_a_declined_request_is_not_told_to_stop_a_deadline(day: Day) -> None:
    policy = replace(DOCUMENTED, two_people_close=True, removal_within=read_duration("2h"))
    activate(day.add(), policy).log().contact(1)
    day.do(c.StateRefused(by="li", incident=1))
    assert (
        "if the request is declined or the refusal no longer holds (removed or voided), it closes"
        " nothing; deadlines run on"
    ) in would(day)


def test_a_disputed_closure_names_the_grounds_that_still_hold(day: Day) -> None:
    day.add().log().log().log().do(c.VoidIncident(by="li", incident=1, reason="an error"))
    assert "Grounds that still hold: 1-2, 1-3." in day.text()


def test_a_closure_that_another_window_holds_names_what_would_dispute_it(day: Day) -> None:
    day.add().log().contact(1).at("03-02 09:30").log().contact(2).at("03-02 12:00").log()
    day.contact(3).log(at=utc("03-02 06:00"))
    assert "voiding one of 1-2, 1-4 " in "\n".join(would(day))
    day.do(c.VoidIncident(by="li", incident=1, reason="an error"))
    assert not day.site()["disputed"]
    assert "voiding one of 1-2, 1-3, 1-4 makes the closure disputed" in "\n".join(would(day))
