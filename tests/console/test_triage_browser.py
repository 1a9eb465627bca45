"""Triage by the keyboard alone: from the queue to one incident of forty reports."""

from __future__ import annotations

from playwright.sync_api import expect

from incidents.machine import commands as c
from tests.browser import Chromium
from tests.console.test_reports_pages import receive
from tests.served_desk import ConsoleDesk, person


def test_forty_reports_of_one_finding_are_logged_by_five_keys(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    mails = [f"From: a@user.example\n\nhttp://shop.example/{n}\n".encode() for n in range(40)]
    receive(desk, *mails, b"From: b@user.example\n\nhttp://other.example/\n")
    with person(browser, desk, "li", "/") as page:
        expect(page.locator("#items .item")).to_have_count(2)
        page.keyboard.press("k")
        page.keyboard.press("j")
        page.keyboard.press("k")
        expect(page.locator("#item-title")).to_have_text("shop.example")
        page.keyboard.press("Enter")
        page.wait_for_url("**/reports?host=shop.example")
        expect(page.locator("#items .item")).to_have_count(40)
        page.keyboard.press("*")
        expect(page.locator("#items input:checked")).to_have_count(40)
        page.keyboard.press("Enter")
        page.wait_for_url("**/bulk/report-log")
        expect(page.locator(".narrow-form button.main")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("tr.done")).to_have_count(40)
        page.goto(desk.url + "/")
        expect(page.locator("#items .item")).to_have_count(2)
        expect(page.locator("#i-r41")).to_be_visible()
