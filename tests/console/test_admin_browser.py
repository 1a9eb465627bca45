"""The pages of administration in a real browser: each fits, however long a name is.

That they keep nobody out is judged with every other page (test_every_page_browser.py).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.browser import Chromium, Look, looks, overflow, unfold
from tests.served_desk import ConsoleDesk, person


@looks(each_day="en-GB-360-dark")
def test_each_page_of_administration_fits_its_window_with_a_long_name(
    browser: Chromium, served_desk: ConsoleDesk, look: Look
) -> None:
    desk = served_desk
    long = f"operator-{'x' * 20}.long-1"
    desk.account(long, "operator", password=True)
    desk.token(long)
    with person(browser, desk, "adam", "/admin/accounts", **look.as_options) as adam:
        adam.fill("#handle", "operator-7")
        adam.select_option("#role", "operator")
        adam.locator("form[action='/admin/accounts/invite'] button").click()
        adam.wait_for_selector("#link")
        assert overflow(adam) == 0
        join = urlsplit(adam.input_value("#link")).path
        for page in (
            "/admin/accounts", f"/admin/accounts/{long}", "/admin/tokens", "/admin/sign-ins",
            "/admin/settings", "/admin/notices", "/admin/notices/closed", "/account",
            "/account/factors/app", "/account/factors/key", "/policy", join,
        ):  # fmt: skip
            adam.goto(desk.url + page)
            unfold(adam)
            assert (page, overflow(adam)) == (page, 0)
