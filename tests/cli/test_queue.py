"""The queue: what an operator lives in at three in the morning."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli


@pytest.fixture
def desk(cli: Cli, clock: FrozenDateTimeFactory) -> Cli:
    """One incident whose clock lapsed two minutes ago, one with an hour left."""
    cli("site", "add", "a.example", "--phone", "+86 10 5555 0100", "--person", "Wang Wu")
    cli("site", "add", "b.example")
    cli("log", "a.example", "--url", "http://a.example/x")
    clock.tick(timedelta(minutes=62))
    cli("log", "b.example")
    return cli


def test_overdue_things_come_first_with_whom_to_call_and_what_to_type(desk: Cli) -> None:
    first, second = (line.split("\t") for line in desk("queue").out.splitlines())
    assert first[:4] == ["1-1", "2 min overdue", "call", "a.example"]
    assert first[6] == "Wang Wu, +86 10 •••• ••00"
    assert first[7] == "incidents contact 1-1 reached --at T"
    assert second[:4] == ["2-1", "1 h", "call", "b.example"]


def test_it_says_loudly_that_nothing_enforces_the_clock(desk: Cli) -> None:
    err = desk("queue").err
    assert "NO DAEMON IS ENFORCING THE DEADLINES" in err
    assert "sites overdue: 1, since 2026-03-02 13:00" in err
    assert "incidents daemon" in err
    assert desk("queue", "--json").json["enforcement"]["beating"] is False


def test_mine_is_what_i_have_claimed(desk: Cli) -> None:
    desk("claim", "2-1")
    assert desk("queue", "--mine", "-q").out == "2-1\n"
    assert desk("queue", "--mine", "-q", "--as", "zhang").out == ""


def test_a_page_says_how_to_get_the_next(desk: Cli) -> None:
    assert "--after" in desk("queue", "--limit", "1").err
    page = desk("queue", "--limit", "1", "--json").json
    assert [item["id"] for item in page["items"]] == ["1-1"]
    rest = desk("queue", "--after", page["next_after"], "-q").out
    assert rest.split() == ["2-1"]


def test_the_queue_is_narrowed_by_options(desk: Cli) -> None:
    assert desk("queue", "-q").out.split() == ["1-1", "2-1"]
    site = desk("queue", "--json").json["items"][1]["site"]
    assert desk("queue", "-q", "--site", site).out.split() == ["2-1"]
    assert desk("queue", "-q", "--kind", "review").out == ""
    assert desk("queue", "-q", "--holder", "nobody").out == ""
    assert desk("queue", "-q", "--category", "none-such").out == ""
    assert desk("queue", "-q", "--state", "active", "--rule", "repeat").out == ""
    assert desk("queue", "-q", "--state", "suspended").out == ""
    due = [item["due"] for item in desk("queue", "--json").json["items"]]
    assert desk("queue", "-q", "--due-before", due[1]).out.split() == ["1-1"]
    assert "not a time" in desk("queue", "--due-before", "soon").err
    wrong = desk("queue", "--kind", "calls")
    assert "'calls' is not one of 'call', 'keep_calling'" in wrong.err


def test_an_empty_queue_says_so(cli: Cli) -> None:
    answer = cli("queue")
    assert answer.out == ""
    assert "nothing to do" in answer.err


def test_on_a_terminal_the_first_thing_is_told_in_full(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("_pytest.capture.CaptureIO.isatty", lambda self: True, raising=False)
    out = desk("queue").out
    assert "2 to do, 1 overdue" in out
    assert "\x1b" not in out
    assert "NO DAEMON IS ENFORCING THE DEADLINES" in out
    assert "say" in out
    assert "Wang Wu, +86 10 •••• ••00  (--reveal shows it in full)" in out
    assert "incidents contact 1-1 reached" in out
    assert "--reveal" not in desk("queue", "--reveal").out


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_numbers_and_addresses_are_masked_in_every_form_until_they_are_asked_for(
    desk: Cli, form: str
) -> None:
    desk("site", "edit", "a.example", "--email", "wang@mail.example")
    masked = desk("queue", "--format", form)
    assert "+86 10 •••• ••00" in masked.out
    assert "5555" not in masked.out + masked.err
    assert "wang@" not in masked.out + masked.err
    revealed = desk("queue", "--format", form, "--reveal")
    assert "+86 10 5555 0100" in revealed.out
    assert "•" not in revealed.out


def test_what_an_operator_asks_of_one_site_is_shown_in_full(desk: Cli) -> None:
    assert "+86 10 5555 0100" in desk("site", "show", "a.example").out
    assert "call: Wang Wu, +86 10 5555 0100" in desk("log", "a.example", "--again").out
