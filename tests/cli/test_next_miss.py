"""What `show` and an answer say of the run of an active site (R3)."""

from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.errors import RefusedError
from incidents.views.queries import Queries
from tests.cli.conftest import Cli

CLOSES = "Misses in a row: 2. The site closes at 3 (R3): the next miss closes the site.\n"


def twice_missed(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    """Two cases in a row, each over; the incidents are a day apart (R1)."""
    for _ in range(2):
        clock.tick(timedelta(minutes=61))
        desk("daemon", "--once")
        clock.tick(timedelta(hours=25))
        desk("daemon", "--once")
        desk("log", "shop.example", "--again")
    desk("contact", "1-3", "no-answer")


def test_a_miss_that_closes_is_told_as_one(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    assert "in a row" not in desk("show", "1-1").out
    twice_missed(desk, clock)
    for told in (desk("show", "1-3"), desk("contact", "1-3", "no-answer")):
        assert f"shop.example is active\n{CLOSES}" in told.out


def test_a_miss_that_does_not_close_is_not_told_as_one(
    desk: Cli, clock: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[unreachable_run]\ncount = 4\n", encoding="utf-8")
    desk("policy", "activate", str(policy), "--reason", "agreed")
    twice_missed(desk, clock)
    assert "in a row" not in desk("show", "1-3").out


def test_who_may_not_look_is_told_what_was_done(
    desk: Cli, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise RefusedError("not let")

    twice_missed(desk, clock)
    for query in ("policy_toml", "site", "enforcement"):
        monkeypatch.setattr(Queries, query, denied)
    told = desk("contact", "1-3", "no-answer")
    assert (told.status, "nobody answered" in told.out, "in a row" in told.out) == (0, True, False)
    held = desk("site", "hold", "shop.example", "--reason", "order 7")
    assert (held.status, "held by order" in held.out) == (0, True)
