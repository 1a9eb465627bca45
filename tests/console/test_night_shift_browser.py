"""A night shift in two browsers: two operators, forty incidents, and no mouse."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from incidents.machine import commands as c
from tests.browser import Chromium
from tests.console.queue_page import send_held, shown
from tests.served_desk import ConsoleDesk, person

MINUTE = timedelta(minutes=1)
CALLS = 40


@dataclass
class Operator:
    """Somebody at a keyboard, and how many keys they have pressed."""

    page: Page
    handle: str
    keys: int = 0
    calls: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def selected(self) -> str:
        return (self.page.locator("#items .item.selected").get_attribute("id") or "")[2:]

    def call(self, outcome: str) -> None:
        """Claim what is selected, or the next that no colleague has; call, and record it."""
        self.press("c")
        item = self.selected()
        pane = shown(self.page, item)
        expect(pane.locator("[data-key=u], .refused")).to_be_visible()
        self.press("n")
        expect(pane.locator("[data-revealed]")).to_be_visible()
        self.press(outcome, "Enter")
        self.calls += 1
        # The next one is selected at once, and no button of it has the focus.
        expect(self.page.locator(f"#i-{item}")).to_have_class(re.compile("held"))


@pytest.mark.long
def test_two_operators_call_about_forty_incidents_with_the_keyboard_alone(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n in range(CALLS):
        desk.violation(f"shop-{n:02}.example", ago=(50 - n) * MINUTE)
    with person(browser, desk, "li") as li, person(browser, desk, "chen") as chen:
        operators = [Operator(li, "li"), Operator(chen, "chen")]
        for page in (li, chen):
            expect(page.locator("#live")).to_have_class("live")
        # So that they do not both begin with the first one.
        operators[1].press(*"j" * (CALLS // 2))
        for n in range(CALLS // 2):
            for who in operators:
                who.call("1" if n % 3 else "2")
        for page in (li, chen):
            send_held(page)
            expect(page.locator("#sent li")).to_have_count(0)
    outcomes = [
        [each["outcome"] for each in desk.site(f"shop-{n:02}.example")["incidents"][0]["contacts"]]
        for n in range(CALLS)
    ]
    assert sorted(len(each) for each in outcomes) == [1] * CALLS
    assert sum(each == ["no-answer"] for each in outcomes) == 14
    # Claim, number, outcome, Enter: the next one is selected by itself.
    assert [who.keys - 4 * who.calls for who in operators] == [0, CALLS // 2]
    assert not [each for each in desk.bodies() if '"changed_meanwhile"' in each]


@pytest.mark.long
def test_a_call_that_somebody_else_has_claimed_is_nobodys_next(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n in range(3):
        desk.violation(f"shop-{n}.example", ago=(30 - n) * MINUTE)
    desk.do("shop-1.example", c.ClaimItem(by="chen", item="1"))
    with person(browser, desk, "li") as li:
        li.locator("#i-1-1").focus()
        li.keyboard.press("2")
        li.keyboard.press("Enter")
        expect(li.locator("#i-3-1")).to_be_focused()
