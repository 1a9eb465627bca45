"""The console under a fast clock: its countdowns follow it, and its sessions do not."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from incidents import clock
from tests.browser import Chromium
from tests.console.queue_page import open_item
from tests.served_desk import ConsoleDesk, person


@pytest.fixture
def fast_desk(served_desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch) -> ConsoleDesk:
    """A served desk with a clock that runs sixty times as fast."""
    monkeypatch.setattr(clock, "fast_clock", clock.FastClock(60, clock.machine_now()))
    return served_desk


def test_ten_seconds_of_a_visitor_are_ten_minutes_of_a_countdown(
    browser: Chromium, fast_desk: ConsoleDesk
) -> None:
    fast_desk.violation("shop.example")
    with person(browser, fast_desk, "li", locale="en-GB", outages=True) as li:
        left = li.locator("#i-1-1 time[data-ticks=clock]")
        expect(left).to_have_text(re.compile(r"\d\d:\d\d"))
        before = int(left.inner_text().partition(":")[0])
        li.clock.run_for(10_000)
        after = int(left.inner_text().partition(":")[0])
        assert before - after in (10, 11)


def test_a_session_lasts_an_hour_of_the_visitor_and_not_of_the_fast_clock(
    fast_desk: ConsoleDesk,
) -> None:
    cookie = fast_desk.begin_session("li")
    by_session = fast_desk.asgi_app.state.authenticator.by_session
    # Two days of the desk.
    fast_desk.ahead = timedelta(minutes=48)
    assert by_session(cookie) is not None
    fast_desk.ahead += timedelta(minutes=61)
    assert by_session(cookie) is None


def test_an_outcome_is_held_for_undo_only_if_twice_as_long_is_left_by_the_fast_clock(
    browser: Chromium, fast_desk: ConsoleDesk
) -> None:
    # Five seconds of the visitor are five minutes of the desk.
    fast_desk.violation("soon.example", ago=timedelta(minutes=52))
    fast_desk.violation("later.example")
    with person(browser, fast_desk, "li", locale="en-GB", outages=True) as li:
        open_item(li, "1-1").locator("button[value=reached]").click()
        assert li.locator("#sent .waiting").count() == 0
        expect(li.locator("#said .done")).to_contain_text("1-1: reached")
        li.mouse.move(1, 1)
        open_item(li, "2-1").locator("button[value=reached]").click()
        expect(li.locator("#sent .waiting")).to_contain_text("later.example")
        li.keyboard.press("z")
        expect(li.locator("#sent .waiting")).to_have_count(0)
