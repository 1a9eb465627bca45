"""Erasing on somebody's demand: what is asked, what is refused, what is told, what is left."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli
from tests.conftest import WriteSettings

ERASE = ("person", "erase", "shop.example", "--reason", "he asked for it")
KEPT = timedelta(days=184, seconds=1)


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """A site with a telephone number and a note, recorded at noon on 2026-03-02."""
    cli("site", "add", "shop.example", "--phone", "010 5555 0100", "--person", "Wang")
    cli("log", "shop.example", "--note", "from the hotline")
    return cli


def _phone(desk: Cli) -> object:
    return desk("site", "show", "shop.example", "--json").json["phone"]


def test_what_the_law_has_kept_is_refused_with_the_day_from_which_it_may_go(desk: Cli) -> None:
    answer = desk(*ERASE, "--confirm", "shop.example")
    assert answer.status == 3
    assert "can be erased before 2026-09-02 12:00 Asia/Shanghai" in answer.err
    assert _phone(desk) == "010 5555 0100"
    refused = desk(*ERASE, "--json").refused
    assert refused["name"] == "too_young"
    assert refused["facts"]["at"] == "2026-09-02T04:00:00Z"


def test_when_it_is_old_enough_it_goes_and_every_view_goes_on(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(KEPT)
    answer = desk(*ERASE, "--confirm", "Shop.Example.")
    assert answer.status == 0
    assert answer.out == "shop.example: 3 texts erased\n"
    assert _phone(desk) is None
    for look in (
        ("site", "show", "shop.example"), ("site", "why", "shop.example"), ("show", "1-1"),
        ("queue",), ("site", "list"), ("audit", "export"), ("audit", "replay"),
    ):  # fmt: skip
        shown = desk(*look)
        assert shown.status == 0, (look, shown.err)
        assert "hotline" not in shown.out
        # A random digest can contain 5555, so look for more of the number.
        assert "5555 0" not in shown.out
        assert "55550100" not in shown.out
    assert "(erased)" in desk("show", "1-1").out
    assert desk("site", "edit", "shop.example", "--phone", "010 5555 0199").status == 0
    assert _phone(desk) == "010 5555 0199"


def test_what_is_younger_stays_and_it_is_said_how_much_and_how_long(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(KEPT)
    desk("contact", "1-1", "no-answer", "--note", "rang out")
    clock.tick(timedelta(hours=1))
    desk("removed", "1-1", "--note", "gone")
    answer = desk(*ERASE, "--confirm", "shop.example", "--json")
    assert answer.status == 0
    assert answer.json == {
        "site": "shop.example", "before": "2026-03-02T05:00:01Z", "words": 3, "files": 0,
        "staying": {
            "words": 2, "files": 0, "first_at": "2027-03-05T04:00:01Z",
            "last_at": "2027-03-05T05:00:01Z",
        },
        "dry_run": False,
    }  # fmt: skip
    again = desk(*ERASE, "--confirm", "shop.example")
    assert again.status == 3
    assert "2027-03-05 12:00:01" in again.err


def test_where_nothing_is_left_there_is_nothing_to_confirm(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(KEPT)
    desk(*ERASE, "--confirm", "shop.example")
    answer = desk(*ERASE)
    assert answer.status == 0
    assert answer.out == "shop.example: nothing left to erase\n"


def test_without_the_name_nothing_goes(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    clock.tick(KEPT)
    for confirm in ([], ["--confirm", "other.example"], ["--confirm", ""]):
        answer = desk(*ERASE, *confirm)
        assert answer.status == 4
        assert "--confirm shop.example" in answer.err
    assert '"name": "not_confirmed"' in desk(*ERASE, "--json").err
    wrong = desk(*ERASE, typed="yes\n")
    assert wrong.status == 4
    assert "for good" in wrong.err
    assert _phone(desk) == "010 5555 0100"
    assert desk(*ERASE, typed="shop.example\n").status == 0
    assert _phone(desk) is None


def test_a_dry_run_tells_what_would_go_and_erases_nothing(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(KEPT)
    answer = desk(*ERASE, "--dry-run")
    assert answer.status == 0
    assert answer.out == "shop.example: 3 texts would be erased\n"
    assert _phone(desk) == "010 5555 0100"
    assert desk("audit", "export").out.count('"words_erased"') == 0


def test_a_longer_time_that_the_settings_ask_for_holds_here_too(
    desk: Cli, clock: FrozenDateTimeFactory, write_settings: WriteSettings
) -> None:
    write_settings('[retention]\nkeep = "365d"\n')
    clock.tick(KEPT)
    answer = desk(*ERASE, "--confirm", "shop.example")
    assert answer.status == 3
    assert "2027-03-02" in answer.err
