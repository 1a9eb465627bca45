"""The lists in a browser: filters stay, rows lead on by keys, and all fits and can be read."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from incidents.machine import commands as c
from tests.browser import Chromium, Look, looks, unfold
from tests.served_desk import ConsoleDesk, Visitor, person

LONG = "这是一个非常非常长的网站名称并且还要再长一些.example"
PAGES = (
    "/incidents?state=open&by=li", "/sites?state=suspended", "/orders?state=dead", "/unreported",
    "/terms?term=file", "/?kind=call&due=24h",
)  # fmt: skip


@pytest.fixture
def busy(served_desk: ConsoleDesk) -> ConsoleDesk:
    """A desk with something in each list, and two views of each."""
    desk = served_desk
    for n, name in enumerate((LONG, "shop.example", "other.example")):
        desk.violation(name, ago=timedelta(minutes=50 - n), category="一个很长的类别" * 8)
        desk.do(name, c.ChangeFiling(by="li", details=(("opened_on", f"2026-01-0{n + 1}"),)))
        desk.do(name, c.SetHold(by="wang", reason="letter 17"), ago=timedelta(minutes=10))
    desk.do(2, c.RecordContact(by="li", incident=1, outcome="no-answer"))
    failed = c.RecordFailure(order=4, lane="act", adapter="panel", attempts=9, problem="http_503")
    desk.do(1, failed)
    li = Visitor(desk, "li")
    for path in PAGES:
        page, _, query = path.partition("?")
        if query:
            li.post("/views", {"page": page, "query": query, "name": "My own view of it all"})
            li.post("/views", {"page": page, "query": f"{query}&site=a.example", "name": "二"})
    return desk


@looks(each_day="en-GB-360-dark")
def test_each_list_fits_its_window_and_keeps_nobody_out(
    browser: Chromium, busy: ConsoleDesk, look: Look
) -> None:
    with person(browser, busy, "li", **look.as_options) as page:
        for path in PAGES:
            page.goto(busy.url + path)
            expect(page.locator("#items .item").first).to_be_visible()
            unfold(page)
            assert look.misfits(page) == [], path


def test_filters_stay_over_a_reload_and_back(browser: Chromium, busy: ConsoleDesk) -> None:
    with person(browser, busy, "li", "/incidents") as page:
        page.locator(".filters > summary").click()
        page.select_option("#filter-state", "open")
        page.fill("#filter-site", "shop.example")
        page.locator(".filter-form button.main").click()
        chips = page.locator(".chip")
        expect(chips).to_have_count(2)
        rows = page.locator("#items .item")
        expect(rows).to_have_count(1)
        page.reload()
        expect(chips).to_have_count(2)
        expect(rows).to_have_count(1)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/incidents/2-1")
        page.go_back()
        expect(chips).to_have_count(2)
        expect(rows).to_have_count(1)
        page.get_by_role("link", name="Remove filter Site: shop.example").click()
        expect(rows).to_have_count(3)
        rows.nth(1).click(position={"x": 300, "y": 5})
        page.wait_for_url(re.compile(r"/incidents/\d+-1$"))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_view_is_saved_and_opened_by_its_tab(
    browser: Chromium, busy: ConsoleDesk, scripts: bool
) -> None:
    at = "/incidents?site=shop.example"
    with person(browser, busy, "li", at, scripts=scripts) as page:
        page.locator(".view-form > summary").click()
        page.fill("#view-name", "The shop")
        page.locator(".view-form button.main").click()
        tab = page.locator(".views .tabs a", has_text="The shop")
        expect(tab).to_have_attribute("aria-current", "page")
        page.goto(f"{busy.url}/incidents")
        tab.click()
        expect(page.locator("#items .item")).to_have_count(1)


def test_an_act_keeps_the_filter_of_the_queue(browser: Chromium, busy: ConsoleDesk) -> None:
    with person(browser, busy, "li", "/?site=shop.example") as page:
        rows = page.locator("#items .item")
        expect(rows).to_have_count(1)
        page.keyboard.press("j")
        page.keyboard.press("c")
        expect(rows.locator(".holder")).to_have_text("li")
        expect(rows).to_have_count(1)
        page.reload()
        expect(rows).to_have_count(1)
