"""The demonstration in a real browser: what a visitor sees in the first minutes."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import Chromium, barriers
from tests.demo.conftest import StartDemo


def test_a_visitor_enters_once_and_sees_a_site_go_down_in_the_console_and_on_the_panel(
    start_demo: StartDemo, browser: Chromium
) -> None:
    # The clock of bücher.example runs out half an hour after the start.
    demo = start_demo("--speed", "150")
    link = demo.sign_in_link()
    with (
        browser.page(locale="en-GB", refusals=True) as console,
        browser.page(locale="en-GB") as panel,
    ):
        console.goto(link)
        expect(console.locator(".who .menu summary")).to_contain_text("operator-1")
        expect(console.locator(".rehearsal")).to_contain_text("150 times as fast")
        expect(console.locator("body")).to_have_attribute("data-speed", "150")
        panel.goto(demo.address("Hosting panel"))
        row = panel.locator("tr", has_text="bücher.example")
        expect(row).to_contain_text("down: suspended")
        site = link.split("/enter/")[0] + "/sites/xn--bcher-kva.example"
        expect(row.get_by_role("link")).to_have_attribute("href", site)
        notice = panel.get_by_role("link", name="Site suspended: bücher.example")
        expect(notice).to_be_visible()
        assert barriers(panel) == []
        console.goto(site)
        expect(console.locator("main")).to_contain_text("suspended")
        notice.click()
        expect(panel.locator("article")).to_contain_text("bücher.example was suspended at")

        # The address is used up; Enter prints new ones, of which each is somebody's.
        # The page looks for news by itself, and would leave for the sign-in as another one loads.
        console.goto("about:blank")
        console.context.clear_cookies()
        console.goto(link)
        expect(console.locator("main")).to_contain_text("This address has been used")
        demo.press_enter()
        console.goto(demo.sign_in_link())
        expect(console.locator(".who .menu summary")).to_contain_text("operator-1")
        console.goto(demo.address("as supervisor-1"))
        expect(console.locator(".who .menu summary")).to_contain_text("supervisor-1")
