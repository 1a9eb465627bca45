"""What is told after a correction, a reinstatement or a miss, as it really is."""

from datetime import timedelta
from pathlib import Path

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


def test_the_attempts_that_a_clock_needs_are_told(desk: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[unreachable]\nmin_attempts = 2\n", encoding="utf-8")
    desk("policy", "activate", str(policy), "--reason", "agreed")
    told = "Attempts made: {}, required by the deadline: 2\n"
    desk("log", "shop.example", "--again")
    assert told.format(0) in desk("show", "1-1").out
    assert told.format(1) in desk("contact", "1-1", "no-answer").out
    assert told.format(1) in desk("show", "1-1").out
    assert "Attempts made" not in desk("contact", "1-1", "reached").out


def test_a_clock_whose_miss_closes_the_site_is_told_as_one(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    for _ in range(2):
        clock.tick(timedelta(minutes=61))
        desk("daemon", "--once")
        clock.tick(timedelta(hours=25))
        desk("daemon", "--once")
        desk("log", "shop.example", "--again")
    clock.tick(timedelta(minutes=10))
    desk("log", "shop.example", "--again")
    desk("contact", "1-4", "reached")
    told = "If nobody is reached by then, the site is closed (R3).\n"
    assert told in desk("show", "1-3").out
    assert told in desk("contact", "1-3", "no-answer").out
    assert told in desk("site", "why", "shop.example").out


def test_a_removal_deadline_of_a_closed_site_is_not_active(desk: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[refusal]\nremoval_within = "2h"\n', encoding="utf-8")
    desk("policy", "activate", str(policy), "--reason", "agreed")
    desk("contact", "1-1", "reached")
    assert "no active clock" not in desk("show", "1-1").out
    false = ("site", "false-info", "shop.example", "--field", "phone", "--evidence", "carrier")
    desk(*false, "--confirm", "shop.example")
    assert "removal due: no active clock\n" in desk("show", "1-1").out


def test_a_statement_taken_back_after_a_first_call_is_not_told_as_again(desk: Cli) -> None:
    desk("removed", "1-1")
    desk("contact", "1-1", "reached")
    assert (
        "“removed” withdrawn; the incident is now notified\n"
        in desk("undo", "1-1", "--reason", "slip").out
    )
