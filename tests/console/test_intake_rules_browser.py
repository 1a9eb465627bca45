"""The intake rules in a real browser: tried and activated, also without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from incidents.views.inbox import intake_rules
from tests.browser import Chromium, Look, looks, unfold
from tests.console.test_intake_rules_page import LOG, MAIL, PATH
from tests.console.test_reports_pages import receive
from tests.served_desk import ConsoleDesk, person


@pytest.fixture
def desk(served_desk: ConsoleDesk) -> ConsoleDesk:
    """A desk with a report."""
    served_desk.have_account("li")
    receive(served_desk, MAIL % (1, 1))
    return served_desk


def test_rules_are_tried_and_activated_without_script(browser: Chromium, desk: ConsoleDesk) -> None:
    with person(browser, desk, "supervisor", PATH, scripts=False) as page:
        page.fill("#toml", LOG)
        page.click("section[aria-labelledby=try] button.main")
        expect(page.locator("section[aria-labelledby=counts]")).to_contain_text("feed")
        page.fill("#reason", "agreed with the feed")
        page.click("button.danger")
        expect(page.locator("section[aria-labelledby=in-force] q")).to_have_text(
            "agreed with the feed"
        )
    with desk.app.reading() as connection:
        assert intake_rules.in_force(connection)["by"] == "supervisor-1"


@looks(each_day="zh-CN-360-light")
def test_the_pages_fit_their_window_and_keep_nobody_out(
    browser: Chromium, desk: ConsoleDesk, look: Look
) -> None:
    with person(browser, desk, "supervisor", PATH, **look.as_options) as page:
        unfold(page)
        assert look.misfits(page) == []
        page.fill("#toml", LOG.replace('"log"', '"lock"'))
        page.click("section[aria-labelledby=try] button.main")
        expect(page.locator(".said.refused")).to_contain_text("lock")
        assert look.misfits(page) == []
        page.fill("#toml", LOG)
        page.click("section[aria-labelledby=try] button.main")
        page.wait_for_selector("#reason")
        unfold(page)
        assert look.misfits(page) == []
