"""What is told of a call that was made in time and recorded late."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli

IN_TIME = "1-1: the responsible person was reached in time, at 2026-03-02 12:40; recorded after"


def test_a_call_in_time_is_told_as_one_however_late_it_is_recorded(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(minutes=90))
    late = desk("contact", "1-1", "reached")
    in_time = desk("contact", "1-1", "reached", "--at", "12:40")

    assert "1-1: the responsible person was reached; its clock had lapsed" in late.out
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
