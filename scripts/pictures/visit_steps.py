"""The steps of a visit: what somebody opens or does on a page, so that there is more to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pyotp

from incidents import clock

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Step = Callable[["Page"], object]


def unfolded(page: Page) -> None:
    """Open all folded parts."""
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


def pane(item: str) -> Step:
    """Wait for that item of the queue in the pane."""
    return lambda page: page.locator(f"#item[data-item='{item}']").wait_for()


def press(*keys: str) -> Step:
    """Press keys, one after the other."""

    def press_each(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return press_each


def shown(selector: str) -> Step:
    """Wait for the first of those."""
    return lambda page: page.locator(selector).first.wait_for()


def click(selector: str) -> Step:
    """Press the first of those."""
    return lambda page: page.locator(selector).first.click()


def fill(selector: str, text: str) -> Step:
    """Type into a field."""
    return lambda page: page.fill(selector, text)


def choose(selector: str, value: str) -> Step:
    """Choose from a list."""
    return lambda page: page.select_option(selector, value)


def file(selector: str, name: str, text: str) -> Step:
    """Choose a file of that name and text."""
    chosen: Any = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    return lambda page: page.set_input_files(selector, chosen)


def follow(selector: str) -> Step:
    """Go to the address that a field or a text has, on the same server."""

    def go(page: Page) -> None:
        at = page.locator(selector).first
        address = at.input_value() if at.evaluate("e => e.tagName") == "INPUT" else at.inner_text()
        page.goto(urljoin(page.url, urlsplit(address).path))

    return go


def app_added(page: Page) -> None:
    """Add an authenticator app, as somebody who has one."""
    page.fill("#code", pyotp.TOTP(page.inner_text("#secret").replace(" ", "")).at(clock.now()))
    page.click("main form button.main")
    page.wait_for_selector("#codes")


def signed_out(page: Page) -> None:
    """Sign out, as far as the form to sign in."""
    page.locator(".menu > summary").click()
    page.locator("header form[action='/sign-out'] button").click()
    page.wait_for_selector("#password")


def chosen(page: Page) -> None:
    """Choose the first two rows of a list."""
    for box in page.locator("#items input[name=row]").all()[:2]:
        box.check()


def _form(page: Page, action: str) -> Locator:
    place = page.locator(f"#act-{action}")
    if place.get_attribute("open") is None:
        place.locator("> summary").click()
    return place


def sent(action: str, **fields: str) -> Step:
    """Fill in and send a form of a site, an incident or an order."""

    def send(page: Page) -> None:
        place = _form(page, action)
        for name, value in fields.items():
            at = place.locator(f"[name={name}]")
            if at.evaluate("field => field.tagName") == "SELECT":
                at.select_option(value)
            else:
                at.fill(value)
        place.locator("form > button, button.main, button.danger").first.click()

    return send
