"""Security keys in a real browser, whose authenticator Chromium plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Page

from tests.api.rig import PASSWORD
from tests.browser import Chromium
from tests.served_desk import ConsoleDesk, sign_in


@pytest.fixture
def page(browser: Chromium, served_desk: ConsoleDesk) -> Iterator[Page]:
    """The page to add a key on, open for an operator with a key in their machine."""
    # A key belongs to a host's name: never to an address.
    served_desk.url = served_desk.url.replace("127.0.0.1", "localhost")
    with browser.page(locale="en-GB", refusals=True) as page, authenticator(page):
        sign_in(page, served_desk, "operator")
        page.goto(f"{served_desk.url}/account/factors/key")
        page.fill("#name", "the blue one")
        yield page


@contextmanager
def authenticator(page: Page) -> Iterator[None]:
    """A security key that is in the machine, always touched, and pulled out at the end.

    Another test gets the same page. A key that was left in it would also be asked, and where it
    says first that it is not the one, the browser says so too.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": False,
        "hasUserVerification": False, "automaticPresenceSimulation": True,
    }  # fmt: skip
    key = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    try:
        yield
    finally:
        session.send("WebAuthn.removeVirtualAuthenticator", key)
        session.send("WebAuthn.disable")
        session.detach()


def test_somebody_adds_a_key_and_signs_in_with_it(page: Page, served_desk: ConsoleDesk) -> None:
    page.click("main form button")
    page.wait_for_selector("#codes")
    page.click("text=I have kept them")
    page.wait_for_selector("text=the blue one")
    page.click("details.menu summary")
    page.click("details.menu form[action='/sign-out'] button")
    page.wait_for_selector("#password")
    page.fill("#handle", "operator-1")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.click("text=Use security key")
    page.wait_for_selector("nav")
    page.goto(f"{served_desk.url}/account")
    assert "Password and security key" in page.inner_text("main")


def answered(page: Page, selector: str) -> None:
    """Wait for what the answer shows; where the machine is too slow for it, ask again."""
    shown, again = page.locator(selector), page.locator("#sent .unconfirmed button")
    shown.or_(again).first.wait_for()
    while again.is_visible():
        again.click()
        shown.or_(again).first.wait_for()
    shown.wait_for()


def test_somebody_confirms_who_they_are_with_their_key(
    page: Page, served_desk: ConsoleDesk
) -> None:
    page.click("main form button")
    answered(page, "#codes")
    served_desk.pass_time(timedelta(minutes=6))
    page.goto(f"{served_desk.url}/account")
    page.click("text=New recovery codes")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    answered(page, "text=Use security key")
    page.click("text=Use security key")
    answered(page, "#codes")


def test_after_a_refused_key_the_next_one_is_added_without_a_reload(page: Page) -> None:
    page.eval_on_selector("[name=offer]", "field => { field.value = 'of another page'; }")
    page.click("main form button")
    page.wait_for_selector("text=The page before is no longer valid")
    page.click("main form button")
    page.wait_for_selector("#codes")
