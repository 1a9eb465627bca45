"""The pages of administration in a real browser: each fits, and keeps nobody out."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.browser import Chromium, Look, looks, unfold
from tests.served_desk import ConsoleDesk, person


@looks(each_day="en-GB-360-dark")
def test_each_page_of_administration_fits_and_keeps_nobody_out(
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
        assert look.misfits(adam) == []
        join = urlsplit(adam.input_value("#link")).path
        for page in (
            "/admin/accounts", f"/admin/accounts/{long}", "/admin/tokens", "/admin/sign-ins",
            "/admin/settings", "/admin/notices", "/admin/notices/closed", "/account",
            "/account/factors/app", "/account/factors/key", "/policy", join,
        ):  # fmt: skip
            adam.goto(desk.url + page)
            unfold(adam)
            assert (page, look.misfits(adam)) == (page, [])
