"""Fast hands: the palette, keys that lead to pages, the title that counts, and calls on request."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.browser import Chromium
from tests.console.queue_page import shown
from tests.served_desk import ConsoleDesk, person

MINUTE = timedelta(minutes=1)
_NOTIFICATIONS = """{
    window.told = [];
    Notification = class {
        static permission = "granted";
        static async requestPermission() { return "granted"; }
        constructor(text) { told.push(text); }
    };
}"""


def test_the_palette_finds_pages_acts_and_sites_by_a_few_letters(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    incident = desk.violation("palette.example")
    with person(browser, desk, "li") as li:
        shown(li, incident)
        found = li.locator("#palette [role=option]")
        li.keyboard.press("Control+k")
        li.keyboard.type("clai")
        expect(found.first).to_have_text("Claim")
        li.keyboard.press("Enter")
        expect(li.locator(f"#i-{incident} .holder")).to_have_text("li")
        # An outcome is never recorded from here: its button has the focus, and Enter records it.
        li.keyboard.press("Control+k")
        li.keyboard.type("reach")
        li.keyboard.press("Enter")
        expect(li.locator("#item button[value=reached]")).to_be_focused()
        assert li.locator("#sent li").count() == 0
        li.keyboard.press("Control+k")
        li.keyboard.type("palette.ex")
        expect(found.first).to_contain_text("palette.example")
        li.keyboard.press("Enter")
        li.wait_for_url("**/sites/palette.example")
        # The same on each page; Escape closes it.
        li.keyboard.press("Control+k")
        li.keyboard.type("void")
        li.keyboard.press("Escape")
        expect(li.locator("#palette")).to_be_hidden()
        li.keyboard.press("g")
        li.keyboard.press("q")
        li.wait_for_url(f"{desk.url}/")


def test_the_title_counts_what_is_due_within_ten_minutes(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n, left in enumerate((4, 8, 30)):
        desk.violation(f"title-{n}.example", ago=(60 - left) * MINUTE)
    with person(browser, desk, "li") as li:
        expect(li).to_have_title("(2) 4 min Queue · incidents")


def test_who_asks_for_it_is_called_at_ten_and_at_five_minutes_and_nobody_else(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("called.example", ago=49.5 * MINUTE)
    with person(browser, desk, "li", outages=True) as li, li.add_init_script(_NOTIFICATIONS):
        li.reload()
        expect(li.locator("#live")).to_have_text("Live")
        li.clock.run_for(60_000)
        assert li.evaluate("told") == []
        li.locator(".menu > summary").click()
        li.locator("#alert-notify").check()
        li.clock.run_for(300_000)
        assert li.evaluate("told") == ["called.example: 5 min left"]
