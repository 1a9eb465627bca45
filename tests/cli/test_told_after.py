"""What is told after a correction, a reinstatement or a miss, as it really is."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli


def reinstated(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    """A site with a case, closed and reinstated."""
    clock.tick(timedelta(minutes=61))
    desk("daemon", "--once")
    false = ("site", "false-info", "shop.example", "--field", "phone", "--evidence", "carrier")
    desk(*false, "--confirm", "shop.example")
    desk("site", "reinstate", "shop.example", "--reason", "new phone")
    desk("--as", "wang", "site", "approve", "shop.example")


def test_a_case_from_before_a_reinstatement_counts_for_nothing(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    reinstated(desk, clock)
    desk("contact", "1-1", "reached", "--at", "12:30")
    undone = desk("undo", "1-1-1", "--reason", "wrong person")
    told = "case 1 of shop.example is from before the reinstatement and counts for nothing"
    assert "Case 1 of shop.example is valid again" in undone.out
    assert told in undone.out + undone.err


def test_a_call_in_time_is_told_as_one_after_a_reinstatement(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    reinstated(desk, clock)
    answer = desk("contact", "1-1", "reached", "--at", "12:30")
    told = "responsible person in time, at 2026-03-02 12:30; recorded after the deadline"
    assert told in answer.out
