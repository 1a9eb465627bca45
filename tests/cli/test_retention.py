"""Erasing by time alone: only where the settings file asks for it, and what is needed stays."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli
from tests.conftest import WriteSettings

KEPT = timedelta(days=184, seconds=1)


@pytest.fixture
def desk(cli: Cli, clock: FrozenDateTimeFactory) -> Cli:
    """A site whose one incident was voided 184 days and a second ago."""
    cli("site", "add", "shop.example", "--phone", "010 5555 0100")
    cli("log", "shop.example", "--note", "from the hotline")
    cli("void", "1-1", "--reason", "it was none")
    clock.tick(KEPT)
    return cli


def test_without_a_setting_a_run_erases_nothing_and_says_so(desk: Cli) -> None:
    answer = desk("retention", "run")
    assert answer.status == 0
    assert "0 texts erased" in answer.out
    assert "automatic erasure is off" in answer.err
    assert "from the hotline" in desk("show", "1-1").out


def test_with_it_what_is_not_needed_goes(desk: Cli, write_settings: WriteSettings) -> None:
    write_settings('[retention]\nkeep = "184d"\n')
    assert "2 texts would be erased" in desk("retention", "run", "--dry-run").out
    answer = desk("retention", "run")
    assert answer.status == 0
    expected = "2 texts erased, recorded before 2026-03-02 12:00:01 (kept for 184 days)\n"
    assert answer.out == expected
    assert answer.err == ""
    assert "(erased)" in desk("show", "1-1").out
    assert desk("site", "show", "shop.example", "--json").json["phone"] == "010 5555 0100"
    assert desk("audit", "replay").status == 0
    assert "0 texts erased" in desk("retention", "run").out


def test_it_is_told_what_could_go_and_whether_it_would(
    desk: Cli, write_settings: WriteSettings
) -> None:
    shown = desk("retention", "show", "--json").json
    assert shown == {
        "keep_s": 184 * 86_400, "asked_for": False, "before": "2026-03-02T04:00:01Z", "words": 2,
        "files": 0, "sign_ins": 0, "keys": 0, "checkpoints": 0,
        "dry_run": True,
    }  # fmt: skip
    write_settings('[retention]\nkeep = "185d"\n')
    shown = desk("retention", "show", "--json").json
    assert (shown["asked_for"], shown["words"]) == (True, 0)


def test_old_keys_are_deleted_without_any_setting(cli: Cli, clock: FrozenDateTimeFactory) -> None:
    cli("site", "add", "shop.example")
    log = ("log", "shop.example", "--again", "--key", "feed-1", "-q")
    assert cli(*log).out == "1-1\n"
    clock.tick(timedelta(days=30))
    assert cli("retention", "show", "--json").json["keys"] == 0
    assert cli(*log).out == "1-1\n"
    clock.tick(timedelta(seconds=1))
    would = "stored answers to commands with --key that would be deleted: 1\n"
    assert cli("retention", "run", "--dry-run").out.endswith(would)
    answer = cli("retention", "run")
    assert answer.out.endswith("stored answers to commands with --key deleted: 1\n")
    repeated = cli(*log)
    assert repeated.status == 3
    assert "its answer is no longer stored. Nothing was done" in repeated.err


def test_less_than_the_law_demands_is_refused_with_it(
    desk: Cli, write_settings: WriteSettings
) -> None:
    write_settings('[retention]\nkeep = "90d"\n')
    for command in (("retention", "run"), ("retention", "show"),
                    ("person", "erase", "shop.example", "--reason", "he asked")):  # fmt: skip
        answer = desk(*command)
        assert answer.status == 1
        assert "网络安全法 article 23(3)" in answer.err
    assert "from the hotline" in desk("show", "1-1").out
