"""The presence: who else looks at an item, until they go elsewhere or are not seen for a while."""

from playwright.sync_api import expect

from incidents.console.presence import STAYS_S, Presence
from tests.browser import Chromium
from tests.console.queue_page import open_item
from tests.served_desk import ConsoleDesk, person


def test_who_goes_to_another_item_or_is_silent_for_long_looks_no_more() -> None:
    now = 0.0
    presence = Presence(lambda: now)
    assert presence.note("1-1", "li") == []
    assert presence.note("1-1", "wang") == ["li"]
    assert presence.note("2-1", "li") == []
    assert presence.now() == {"1-1": {"wang"}, "2-1": {"li"}}
    now = STAYS_S - 1
    assert presence.note("2-1", "li") == []
    now = STAYS_S
    assert presence.now() == {"2-1": {"li"}}


def test_two_who_look_at_the_same_item_see_each_other_at_once(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for site in ("first.example", "second.example"):
        desk.violation(site)
    with person(browser, desk, "li") as li, person(browser, desk, "wang", locale="zh-CN") as wang:
        for page in (li, wang):
            expect(page.locator("#live")).to_have_class("live")
        open_item(wang, "2-1")
        expect(li.locator("#item .others")).to_have_count(0)
        open_item(li, "2-1")
        expect(li.locator("#item .others")).to_have_text("Also looking at this: wang")
        expect(wang.locator("#item .others")).to_have_text("也在查看：li")
        open_item(wang, "1-1")
        expect(li.locator("#item .others")).to_have_count(0)
