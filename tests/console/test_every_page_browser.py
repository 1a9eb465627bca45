"""Every page of the console in a real browser: each fits its window, and keeps nobody out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page
from starlette.routing import Route

from incidents import clock
from incidents.console import application, static_files
from incidents.demo import sample
from scripts.pictures.visits import EVERY_PAGE, NO_PAGES, PASSWORD, Visit
from tests.browser import Chromium, Look
from tests.console.customers import Customers
from tests.served_desk import open_session

ROUTES = {
    route.path: route.methods or set()
    for route in (static_files.STATIC_ROUTE, *(r for a in application.ROUTERS for r in a.routes))
    if isinstance(route, Route)
}
LOOKS = (Look("en-GB", 1440, "light", is_judged=True), Look("zh-CN", 360, "dark", is_judged=True))
PARTS = 6

PAGES = {path for path, methods in ROUTES.items() if "GET" in methods} - NO_PAGES.keys()
# One visit to each; the others are the same pages with more on them.
ONE_OF_EACH = tuple(
    {each.route: each for each in reversed(EVERY_PAGE) if each.route in PAGES}.values()
)


@pytest.fixture
def demonstration(served: Customers) -> Customers:
    """A served desk with the data of the demonstration, and its people."""
    sample.play(served.app.engine, clock.now(), "desk", more=True)
    served.app.desk.on_record(lambda own: sample.add_people(own, clock.now(), "desk", PASSWORD))
    return served


def complaints(browser: Chromium, desk: Customers, visit: Visit, look: Look) -> list[Any]:
    """What is wrong with the page; the browser's own complaints are an error.

    What is opened there is opened in a wide window: a narrow one has no boxes to choose rows by.
    """
    with browser.page(locale=look.locale, width=1440, refusals=True) as page:
        if visit.who is not None:
            open_session(page, desk, visit.who)
        if visit.is_late:
            desk.ahead += timedelta(minutes=6)
        answer = page.goto(desk.url + visit.path)
        assert answer is not None
        assert (visit.name, answer.status) == (visit.name, visit.answer)
        for step in visit.steps:
            step(page)
        page.set_viewport_size({"width": look.width, "height": 900})
        page.emulate_media(color_scheme=look.scheme)
        return look.misfits(page)


def judge(browser: Chromium, desk: Customers, visits: Sequence[Visit], look: Look) -> None:
    found = {visit.name: complaints(browser, desk, visit, look) for visit in visits}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_no_page_of_the_route_table_is_forgotten() -> None:
    visited = {visit.route for visit in EVERY_PAGE} - {""}
    assert PAGES - visited == set()
    # Nor is one visited, or left out, that is there no more.
    assert (visited | NO_PAGES.keys()) - ROUTES.keys() == set()
    assert len({visit.name for visit in EVERY_PAGE}) == len(EVERY_PAGE)


@pytest.mark.parametrize("part", range(3))
def test_one_page_of_each_route_fits_its_window_and_keeps_nobody_out(
    browser: Chromium, demonstration: Customers, part: int
) -> None:
    judge(browser, demonstration, ONE_OF_EACH[part::3], LOOKS[1])


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    "look", LOOKS, ids=lambda look: f"{look.locale}-{look.width}-{look.scheme}"
)
def test_every_page_fits_its_window_and_keeps_nobody_out(
    browser: Chromium, demonstration: Customers, look: Look, part: int
) -> None:
    judge(browser, demonstration, EVERY_PAGE[part::PARTS], look)


def blocked(page: Page) -> None:
    """Write a style on a tag, as a template must not."""
    with page.expect_console_message():
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"top: 0\">')")


def uncaught(page: Page) -> None:
    with page.expect_event("pageerror"):
        page.evaluate("void setTimeout(() => { throw new Error('nobody catches it') })")


@pytest.mark.parametrize(
    ("do", "told"), [(blocked, "blocked by style-src"), (uncaught, "nobody catches it")]
)
def test_what_a_browser_complains_of_is_an_error_also_in_a_page_beside_the_first(
    browser: Chromium, served: Customers, do: Callable[[Page], None], told: str
) -> None:
    def visit() -> None:
        with browser.page() as page:
            beside = page.context.new_page()
            beside.goto(f"{served.url}/sign-in")
            do(beside)

    with pytest.raises(AssertionError, match=told):
        visit()
