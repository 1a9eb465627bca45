"""Common options stand behind a command, or before it."""

import json

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    "line",
    [
        "--zone UTC --json site show shop.example",
        "--json site --zone=UTC show shop.example",
        "site --json show shop.example --zone UTC",
        "--format json site show shop.example --zone UTC",
    ],
)
def test_a_common_option_holds_wherever_it_stands(cli: Cli, line: str) -> None:
    cli("site", "add", "shop.example")
    expected = cli("site", "show", "shop.example", "--zone", "UTC", "--json").out
    answer = cli(*line.split())
    assert (answer.status, json.loads(answer.out)) == (0, json.loads(expected))


def test_of_two_that_differ_the_one_behind_the_command_holds(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    answer = cli("--as", "operator-2", "--json", "log", "shop.example", "--as", "operator-1")
    assert {event["by"] for event in answer.json["events"]} == {"operator-1"}


def test_a_group_that_is_all_in_one_module_takes_them_too(cli: Cli) -> None:
    assert cli("db", "--json", "check").out.startswith("{")


def test_a_command_without_that_option_says_so(cli: Cli) -> None:
    answer = cli("--json", "completion", "bash")
    assert answer.status == 2
    assert "No such option '--json'" in answer.err


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("help", ""), ("help help", ""), ("help log", "log"), ("help site why", "site why"),
        ("--zone UTC help log", "log"), ("help --zone UTC site why", "site why"),
    ],
)  # fmt: skip
def test_help_before_a_command_is_its_help(cli: Cli, line: str, command: str) -> None:
    answer = cli(*line.split())
    assert (answer.status, answer.out) == (0, cli(*command.split(), "--help").out)
