"""The held act: recorded at its click, whatever was done since."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from incidents import clock
from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

SITE, MINUTE = "shop.example", timedelta(minutes=1)


@pytest.fixture
def held(desk: ConsoleDesk) -> Callable[[], Any]:
    """A call that li clicked now on the first of two incidents; called, it is sent."""
    desk.violation(SITE, ago=50 * MINUTE)
    desk.do(SITE, c.Log(by="li", urls=(f"http://{SITE}/b",)), ago=40 * MINUTE)
    li = Visitor(desk, "li")
    fields = {
        "outcome": "reached",
        "seen": str(desk.site(SITE)["seq"]),
        "clicked_at": f"{clock.now():%Y-%m-%dT%H:%M:%S}.123Z",
    }

    def send() -> Any:
        assert li.post("/queue/1-1/contact", fields).status_code == 303
        return li.get("/").text

    return send


def first(desk: ConsoleDesk) -> Any:
    [found] = [each for each in desk.site(SITE)["incidents"] if each["id"] == "1-1"]
    return found


def test_a_call_clicked_in_time_counts_though_the_clock_ran_out_before_it_was_sent(
    desk: ConsoleDesk, held: Callable[[], Any]
) -> None:
    clicked = clock.now()
    desk.ahead += 11 * MINUTE
    desk.do(SITE, c.Elapse())
    assert desk.site(SITE)["state"] == "suspended"
    held()
    [contact] = first(desk)["contacts"]
    assert contact["occurred_at"][:19] == clicked.isoformat()[:19]
    assert first(desk)["state"] == "notified"


@pytest.mark.parametrize(
    "meanwhile",
    [
        c.RecordContact(by="li", incident=2, outcome="no-answer"),
        c.RecordContact(by="chen", incident=1, outcome="no-answer"),
        c.AddNote(by="chen", incident=1, text="the owner wrote", audience="desk"),
        c.ClaimItem(by="chen", item="1"),
    ],
    ids=lambda command: f"{command.by}-{type(command).__name__}",
)
def test_what_was_done_since_the_click_does_not_make_the_call_untrue(
    desk: ConsoleDesk, held: Callable[[], Any], meanwhile: c.Command
) -> None:
    desk.ahead += timedelta(seconds=2)
    desk.do(SITE, meanwhile)
    held()
    assert first(desk)["state"] == "notified"
    assert "reached" in [each["outcome"] for each in first(desk)["contacts"]]


def test_what_the_machine_refuses_by_now_is_refused_with_its_reason(
    desk: ConsoleDesk, held: Callable[[], Any]
) -> None:
    desk.ahead += timedelta(seconds=2)
    desk.do(SITE, c.VoidIncident(by="chen", incident=1, reason="logged by mistake"))
    assert "void" in held()
    assert first(desk)["contacts"] == []
