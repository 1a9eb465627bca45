"""Pressing Enter twice must not make two violations; a script means what it says."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli


@pytest.fixture
def desk(cli: Cli) -> Cli:
    assert cli("site", "add", "shop.example").status == 0
    return cli


def _logged(desk: Cli) -> int:
    return len(desk("site", "show", "shop.example", "--json").json["incidents"])


def test_the_same_line_typed_again_within_a_minute_logs_nothing_and_says_how_to(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    first = desk("log", "shop.example", "--note", "gambling", typed="")
    clock.tick(timedelta(seconds=30))
    again = desk("log", "shop.example", "--note", "gambling", typed="")
    assert again.status == 0
    assert again.out.splitlines()[0] == first.out.splitlines()[0]
    assert "not logged again" in again.err
    assert "--again" in again.err
    assert _logged(desk) == 1


def test_after_a_minute_it_is_another_violation(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    desk("log", "shop.example", typed="")
    clock.tick(timedelta(seconds=61))
    assert "not logged again" not in desk("log", "shop.example", typed="").err
    assert _logged(desk) == 2


def test_another_line_or_another_person_is_another_violation(desk: Cli) -> None:
    desk("log", "shop.example", typed="")
    desk("log", "shop.example", "--note", "gambling", typed="")
    assert _logged(desk) == 2


def test_again_means_another_one(desk: Cli) -> None:
    desk("log", "shop.example", typed="")
    desk("log", "shop.example", "--again", typed="")
    assert _logged(desk) == 2


def test_a_script_logs_as_often_as_it_says(desk: Cli) -> None:
    desk("log", "shop.example")
    desk("log", "shop.example")
    assert _logged(desk) == 2


def test_what_was_refused_is_tried_again(cli: Cli) -> None:
    assert cli("log", "shop.example", typed="").status == 3
    cli("site", "add", "shop.example")
    assert cli("log", "shop.example", typed="").status == 0
    assert "not logged again" in cli("log", "shop.example", typed="").err
    assert _logged(cli) == 1


def test_a_recurrence_typed_twice_is_one(desk: Cli) -> None:
    desk("log", "shop.example")
    desk("contact", "1-1", "reached")
    desk("recur", "1-1", typed="")
    assert "not logged again" in desk("recur", "1-1", typed="").err
    assert _logged(desk) == 2


def test_a_violation_at_the_same_address_is_a_double_entry_also_in_a_script(desk: Cli) -> None:
    url = ("--url", "http://shop.example/x")
    desk("log", "shop.example", *url)
    double = desk("log", "shop.example", "--url", "HTTP://SHOP.example:80/x#top")
    assert double.status == 3
    assert "--again" in double.err
    assert desk("log", "shop.example", *url, "--again").status == 0
