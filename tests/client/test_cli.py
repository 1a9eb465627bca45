"""The command line over a server: what an operator types is the same, and needs no database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from incidents import clock
from incidents.cli import main
from incidents.cli.queue import queue
from incidents.cli.queue.screen import Screen
from incidents.cli.run import Run
from incidents.client.http import Exchange
from incidents.desk import Desk, Envelope
from incidents.errors import FAILED, NOT_CONFIRMED, REFUSED
from incidents.machine import commands as c
from incidents.settings import sources
from tests.api.desk import PHONE, fill
from tests.api.rig import Rig
from tests.cli.conftest import Result
from tests.client.conftest import RemoteCli
from tests.client.serving import serving

if TYPE_CHECKING:
    pass


Typed = Callable[..., Result]


@pytest.fixture
def typed(over: RemoteCli) -> Typed:
    """Types a line as an operator with a token."""
    return partial(over, as_=over.account("op-1", "operator"))


def test_times_are_told_in_the_zone_of_who_types(typed: Typed) -> None:
    """The sentences are the server's; the zone, as in the heading above them, is the reader's."""
    typed("site", "add", "shop.example")
    logged = typed("log", "shop.example", "--json").json
    due = datetime.fromisoformat(logged["incident"]["contact_due"])
    for more, zone in ((), "Asia/Shanghai"), (("--zone", "America/New_York"), "America/New_York"):
        local = due.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
        told = typed("site", "why", "shop.example", *more).out
        assert f"reaching the responsible person by {local}" in told


@pytest.mark.parametrize("line", ["queue", "site why shop.example"])
def test_a_server_of_before_is_asked_too_and_the_commands_that_it_tells_are_shown(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    typed("site", "add", "shop.example")
    typed("log", "shop.example")
    ask = Exchange.get

    def before(self: Exchange, path: str, **query: Any) -> Any:
        found = ask(self, path, **query)
        for each in (found, *found.get("items", ())):
            each.pop("hints", None)
        return found

    monkeypatch.setattr(Exchange, "get", before)

    assert "incidents contact 1-1 reached" in typed(*line.split()).out


@pytest.mark.parametrize("left_out", ["said_gone", "closing"])
def test_a_server_that_tells_too_little_of_an_item_is_named_with_what_was_asked(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    typed("site", "add", "shop.example")
    typed("log", "shop.example")
    asked = Exchange.get

    def less(self: Exchange, path: str, **query: Any) -> Any:
        found = asked(self, path, **query)
        for item in found.get("items", ()) if path == "/queue" else ():
            if left_out == "closing":
                item["closing"] = {"by": "li"}
            else:
                del item["said_gone"]
        return found

    monkeypatch.setattr(Exchange, "get", less)
    told = typed("queue")
    assert (told.status, "GET /queue" in told.err) == (FAILED, True)


def test_what_the_desk_refuses_is_told_in_its_words_under_its_name(typed: Typed) -> None:
    typed("site", "add", "shop.example")
    unknown = typed("removed", "1-9", "--json")
    assert (unknown.status, unknown.refused["name"]) == (REFUSED, "unknown_incident")
    mistyped = typed("site", "show", "shpo.example")
    assert (mistyped.status, "shop.example" in mistyped.err) == (REFUSED, True)


def test_what_fell_due_before_a_refusal_is_told_over_a_server_too(
    api: Rig, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Desk(api.app.engine, clock=lambda: clock.now() - timedelta(hours=2))
    for command in (
        c.AddSite(by="li"),
        c.Log(by="li"),
        c.Log(by="li", urls=("https://x.example/",)),
    ):
        [done] = before.submit([Envelope(site="shop.example", command=command)])
        assert done.refusal is None
    # The refusal says it all: whatever else were asked could fail, and hide it.
    monkeypatch.delattr(Exchange, "get")
    late = typed("removed", "1-9")
    assert late.status == REFUSED
    assert "meanwhile: 1-1: nobody was reached by " in late.err
    assert "meanwhile: shop.example suspended until " in late.err


def test_the_violation_that_closes_a_site_asks_for_its_name_over_a_server_too(typed: Typed) -> None:
    typed("site", "add", "shop.example")
    typed("log", "shop.example")
    again = typed("log", "shop.example", "--url", "http://x.example/", typed="shop.example\n",
                  asked=True)  # fmt: skip
    assert "not on shop.example.\nType shop.example to log the violation there" in again.err
    assert "2 of 3 in 24 h: another violation by " in again.err
    typed("contact", "1-1", "reached")
    for line in (("log", "shop.example"), ("recur", "1-1")):
        wrong = typed(*line, typed="no\n", asked=True)
        assert (wrong.status, "violation 3 of 3 in 24 h" in wrong.err) == (NOT_CONFIRMED, True)
    assert typed("note", "1-1", "seen", typed="", asked=True).status == 0
    done = typed("recur", "1-1", "--json", "--confirm", "shop.example")
    assert done.json["site"]["rule"] == "repeat"


def test_without_a_token_nobody_is_let_in(over: RemoteCli) -> None:
    over._tokens["nobody-1"] = "inc_nothing"
    refused = over("queue", as_="nobody-1")
    assert (refused.status, "the token is not valid here" in refused.err) == (REFUSED, True)
    assert refused.err.endswith("next: incidents token make HANDLE --days 30\n")
    nothing_given = over("queue")
    assert nothing_given.status == REFUSED
    assert "set INCIDENTS_TOKEN\nnext: incidents token make HANDLE --days 30\n" in nothing_given.err


@pytest.mark.parametrize(
    ("role", "line", "way_out"),
    [
        ("operator", "log", "site add new.example"), ("operator", "site why", "site list"),
        ("viewer", "site show", "site list"), ("auditor", "site why", "site list"),
    ],
)  # fmt: skip
def test_a_site_is_to_be_added_only_by_who_was_to_log_on_it(
    over: RemoteCli, role: str, line: str, way_out: str
) -> None:
    told = over(*line.split(), "new.example", as_=over.account(f"{role}-9", role))
    assert told.status == REFUSED
    assert told.err.endswith(f"no site named new.example\nnext: incidents {way_out}\n")


def test_a_server_that_is_away_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "--server", "http://127.0.0.1:9"]) == 1
    assert "no answer from http://127.0.0.1:9: " in capsys.readouterr().err


def test_the_screen_works_over_a_server_and_outlives_its_restart(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(api)
    api.client("operator")
    monkeypatch.setenv("INCIDENTS_TOKEN", api._handles["operator"])
    run = Run()
    with serving(api) as address:
        run.settings = sources.load(server=address)
        screen = Screen(run, lambda: queue._page(run, mine=None, limit=9, after=None, reveal=False))
        assert screen.person == "operator-1"
        action = screen.press("c")
        assert action is not None
        assert screen.carry_out(action)
        assert "operator-1" in screen.message
        screen.press("n")
        assert screen.item is not None
        assert screen.item["phone"] == PHONE
        assert api.entries("details_revealed")[-1]["data"]["about"] == "1-1"
    # The server is away.
    screen.look()
    assert "no answer from http" in (screen.problem or "")
    action = screen.press("2")
    assert action is not None
    assert not screen.carry_out(action)
    assert "Press a to send it again" in screen.message
    run.close()
