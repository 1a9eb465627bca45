"""What a visitor of the tour does on a page, so that there is more to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

Facts = Mapping[str, str]
Step = Callable[["Page", Facts], object]

_SEND = """([path, fields]) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action: path, hidden: true});
    for (const [name, value] of [["csrf", document.body.dataset.csrf], ...fields])
        form.append(Object.assign(document.createElement("input"), {name, value}));
    document.body.append(form);
    form.submit();
}"""
_HISTORY = "\n".join(
    ["occurred_at,site"]
    + [f"2026-02-{day:02}T08:0{n}:00Z,site-{n}.example" for day in range(1, 20) for n in (1, 2, 3)]
    + [f"2026-02-10T{hour:02}:30:00Z,often.example" for hour in range(8, 14)]
)  # fmt: skip


def unfold(page: Page, _: Facts) -> None:
    """Open all folded parts."""
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


def open_first_order(page: Page, _: Facts) -> None:
    """Open the page of the first order of the list."""
    page.locator(".of-orders a.open").first.click()
    page.wait_for_url("**/orders/*")


def open_menu(page: Page, _: Facts) -> None:
    """Open the menu of one's account."""
    page.locator(".menu summary").click()


def open_palette(page: Page, _: Facts) -> None:
    """Look for something in the palette."""
    page.keyboard.press("Control+k")
    page.locator("#palette[open]").wait_for()
    page.keyboard.type("shop")
    page.locator("#palette-list [role=option]").first.wait_for()


def open_keys(page: Page, _: Facts) -> None:
    """Open the list of keys."""
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()


def choose_rows(page: Page, _: Facts) -> None:
    """Choose two rows of the queue."""
    for n in (0, 1):
        page.locator(".work .pick input").nth(n).check(force=True)


def sent(path: str, *fields: tuple[str, str]) -> Step:
    """Send a form of the page, filled in so; both may name facts of the data."""

    def send(page: Page, facts: Facts) -> None:
        filled = [[name, value.format_map(facts)] for name, value in fields]
        with page.expect_navigation():
            page.evaluate(_SEND, [path.format_map(facts), filled])

    return send


def leave_unconfirmed(page: Page, facts: Facts) -> None:
    """Do what closes a site, without its name as a confirmation."""
    sent("/sites/{long}/false-info", ("field", "phone"), ("evidence", "x"))(page, facts)


def simulate(page: Page, _: Facts) -> None:
    """Compare two policies on a history."""
    page.set_input_files(
        "#file", {"name": "reports.csv", "mimeType": "text/csv", "buffer": _HISTORY.encode()}
    )
    page.check("[name=use][value=documented]")
    page.fill("#toml", "[repeat]\ncount = 2")
    page.locator("main form button.main").click()
    page.wait_for_url("**/simulate/*")


def try_policy(count: str) -> Step:
    """Try a policy by which so many violations close a site."""

    def try_out(page: Page, _: Facts) -> None:
        page.fill("#n-repeat-count", count)
        with page.expect_navigation():
            page.locator("section[aria-labelledby=numbers] button.main").click()

    return try_out


def verify(page: Page, _: Facts) -> None:
    """Verify the record."""
    page.locator("form[action='/audit/verify'] button").click()
    page.locator("#verdict .said, #verdict .state").first.wait_for()


def mistype_password(page: Page, _: Facts) -> None:
    """Try to sign in with a wrong password."""
    _fill_in(page, "operator-1", "not the password")
    page.locator("[role=alert]").wait_for()


def sign_in_with_app(page: Page, facts: Facts) -> None:
    """Sign in as somebody who has an authenticator app, up to its code."""
    _fill_in(page, facts["with_app"], facts["password"])
    page.wait_for_url("**/sign-in/factor*")


def _fill_in(page: Page, handle: str, password: str) -> None:
    page.fill("#handle", handle)
    page.fill("#password", password)
    page.press("#password", "Enter")
