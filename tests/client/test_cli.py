"""The command line over a server: what an operator types is the same, and needs no database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from incidents.cli import main
from incidents.errors import DONE, MISUSED, REFUSED
from tests.api.rig import Rig
from tests.client.serving import serving

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(api: Rig) -> Iterator[str]:
    with serving(api) as address:
        yield address


@pytest.fixture
def typed(
    api: Rig, server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Types a line as somebody with a token of that role; status, output and the rest."""
    api.client("operator")
    monkeypatch.setenv("INCIDENTS_SERVER", server)
    monkeypatch.setenv("INCIDENTS_TOKEN", api._handles["operator"])

    def line(*words: str) -> tuple[int, str, str]:
        status = main([*words])
        told = capsys.readouterr()
        return status, told.out, told.err

    return line


def _json(told: tuple[int, str, str]) -> Any:
    status, out, err = told
    assert status == DONE, err
    return json.loads(out)


def test_a_day_at_the_desk_is_typed_as_with_a_database(typed: Typed) -> None:
    assert _json(typed("site", "add", "shop.example", "--phone", "+86 10 5555 0100", "--json"))
    logged = _json(typed("log", "shop.example", "--category", "gambling", "--json"))
    assert logged["incident"]["id"] == "1-1"
    [item] = _json(typed("queue", "--json"))["items"]
    assert (item["id"], item["phone"]) == ("1-1", "+86 10 •••• ••00")
    _json(typed("contact", "1-1", "reached", "--json"))
    assert _json(typed("show", "1-1", "--json"))["state"] == "notified"
    noted = _json(typed("note", "1-1", "thank you", "--to-customer", "--json"))
    assert noted["incident"]["notes"][0]["text"] == "thank you"
    assert "note for the customer: " in typed("show", "1-1")[1]
    removed = _json(typed("removed", "1-1", "--json"))
    assert removed["incident"]["state"] == "removed"
    assert removed["events"][-1]["by"] == "operator-1"
    assert "active" in typed("site", "why", "shop.example")[1]
    assert _json(typed("site", "list", "--json"))[0]["site"] == "shop.example"


def test_what_the_desk_refuses_is_told_in_its_words_under_its_name(typed: Typed) -> None:
    typed("site", "add", "shop.example")
    status, out, err = typed("removed", "1-9", "--json")
    assert status == REFUSED
    assert json.loads(out or err)["refused"]["name"] == "unknown_incident"
    status, _, err = typed("site", "show", "shpo.example")
    assert status == REFUSED
    assert "shop.example" in err


def test_what_closes_a_site_is_done_by_a_person_and_no_token(typed: Typed) -> None:
    typed("site", "add", "shop.example")
    typed("log", "shop.example")
    typed("contact", "1-1", "reached")
    # What is impossible is refused before its confirmation is asked for.
    status, _, err = typed("refused", "1-1")
    assert (status, "a person who has signed in" in err) == (REFUSED, True)
    assert _json(typed("site", "show", "shop.example", "--json"))["state"] == "active"


@pytest.mark.parametrize("line", [
    "audit verify", "audit export", "audit status", "account list", "account disable operator-1",
    "token list", "duty", "policy show", "db check",
])  # fmt: skip
def test_what_needs_the_database_itself_says_so(typed: Typed, line: str) -> None:
    status, _, err = typed(*line.split())
    assert (status, "the database itself" in err) == (MISUSED, True), err


@pytest.mark.parametrize("line", [
    "site reinstate shop.example --reason x", "site approve shop.example",
])  # fmt: skip
def test_what_opens_a_closed_site_is_done_by_a_person_and_no_token(typed: Typed, line: str) -> None:
    typed("site", "add", "shop.example")
    status, _, err = typed(*line.split())
    assert status == REFUSED, err
    assert "may not do approve" in err or "a person who has signed in" in err


def test_without_a_token_nobody_is_let_in(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_TOKEN", "inc_nothing")
    status, _, err = typed("queue")
    assert status == REFUSED
    assert "token" in err


@pytest.mark.parametrize(
    "server", ["desk.host.example", "ftp://desk.host.example", "http://desk.host.example"]
)
def test_an_address_by_which_the_token_would_be_overheard_is_refused(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "--server", server]) == MISUSED
    assert server in capsys.readouterr().err


def test_a_server_that_is_away_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "--server", "http://127.0.0.1:9"]) == 1
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().err
