"""What is told of a call that was made in time and recorded late."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli

IN_TIME = "1-1: reached the responsible person in time, at 2026-03-02 12:40; recorded after"


def test_a_call_in_time_is_told_as_one_however_late_it_is_recorded(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(minutes=90))
    late = desk("contact", "1-1", "reached")
    in_time = desk("contact", "1-1", "reached", "--at", "12:40")

    assert "1-1: reached the responsible person; the clock had already lapsed" in late.out
    assert f"{IN_TIME} the deadline" in in_time.out


def test_the_answer_and_the_story_say_when_it_was(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    clock.tick(timedelta(minutes=90))
    answer = desk("contact", "1-1", "reached", "--at", "12:40")

    assert f"{IN_TIME} the deadline" in answer.out
    assert f"{IN_TIME} the deadline" in desk("site", "why", "shop.example").out
    assert f"{IN_TIME} the deadline" in desk("show", "1-1").out


def test_what_could_open_a_suspended_site_is_told_with_the_time_of_the_call(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    running = desk("site", "why", "shop.example").out
    clock.tick(timedelta(minutes=90))
    desk("daemon", "--once")
    lapsed = desk("site", "why", "shop.example").out

    assert "incidents contact 1-1 reached\n" in running
    assert "incidents contact 1-1 reached --at T\n" in lapsed
    assert "incidents contact 1-1 reached\n" not in lapsed


def test_a_call_in_time_that_is_not_enough_names_what_keeps_the_site_down(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    desk("log", "shop.example", "--again", "--url", "https://shop.example/b")
    clock.tick(timedelta(minutes=90))
    desk("daemon", "--once")
    first = desk("contact", "1-1", "reached", "--at", "12:40")
    second = desk("contact", "1-2", "reached", "--at", "12:40")

    assert "shop.example stays suspended because of 1-2. If " in first.out
    assert "next: incidents contact 1-2 reached --at T" in first.out
    assert "the site is open again" in second.out
    assert "stays suspended" not in second.out


def test_an_earlier_suspension_keeps_nothing_down(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    clock.tick(timedelta(minutes=61))
    desk("daemon", "--once")
    clock.tick(timedelta(hours=25))
    desk("log", "shop.example", "--again", "--url", "https://shop.example/b")
    clock.tick(timedelta(minutes=30))
    desk("log", "shop.example", "--again", "--url", "https://shop.example/c")
    clock.tick(timedelta(minutes=61))
    desk("daemon", "--once")
    told = desk("contact", "1-3", "reached", "--at", "2026-03-03 14:40").out
    assert "shop.example stays suspended because of 1-2. If " in told


def test_what_a_hold_keeps_down_is_not_said_to_be_suspended(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(minutes=61))
    desk("daemon", "--once")
    desk("log", "shop.example", "--again", "--url", "https://shop.example/b")
    desk("site", "hold", "shop.example", "--reason", "order 7")
    clock.tick(timedelta(minutes=61))
    told = desk("contact", "1-1", "reached", "--at", "12:40").out
    assert "shop.example is down, held by order" in told
    assert "stays suspended" not in told


def test_a_recheck_is_completed_after_somebody_has_said_whether_it_is_gone(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(minutes=90))
    struck = desk("contact", "1-1", "reached", "--at", "12:40").out.splitlines()
    steps = [line.removeprefix("next: incidents ") for line in struck if line.startswith("next: ")]

    assert steps == ["removed 1-1", "refused 1-1", "recur 1-1", "done 1-t1"]


def test_the_way_out_of_a_late_call_stands_with_the_other_next_steps(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(minutes=90))
    late = desk("contact", "1-1", "reached")

    assert "next: incidents contact 1-1 reached --at T\n" in late.out
    assert "next: " not in late.err


def test_who_corrects_is_not_sent_to_review_it(desk: Cli) -> None:
    for n in (1, 2):
        desk("contact", "1-1", "reached")
        last = desk("undo", f"1-1-{n}", "--reason", "wrong person")
    assert "Task 1-t1: have a supervisor review these corrections" in last.out
    assert "incidents done 1-t1" not in last.out
    assert "next: incidents done 1-t1" in desk("show", "1-t1").out
