"""The pages of figures in a real browser: they can be read and used in both languages, on a
telephone, at night, empty and full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from incidents.api import entrance
from incidents.console import sitting
from tests import browser as browsers
from tests.api.rig import Rig, rig
from tests.browser import Scheme, barriers, overflow
from tests.console.figures.rig import Visitor, a_month, listening
from tests.databases import SqliteDatabases

LONG = "这是一个非常非常长的网站名称"
LINES = "occurred_at,site,contact\n" + "".join(
    f"2026-03-01 1{n}:00,{LONG if site == 0 else f's{site:03}'}.example,reached\n"
    for site in range(150)
    for n in (1, 2)
)
LOOKS: list[tuple[str, int, Scheme]] = [
    ("en", 1280, "light"), ("en", 360, "dark"), ("zh", 1280, "dark"), ("zh", 360, "light"),
]  # fmt: skip
HEADINGS = {
    "/overview": {"en": "Overview", "zh": "概览"},
    "/simulate": {"en": "Simulate", "zh": "模拟"},
    "/audit": {"en": "Audit", "zh": "审计"},
    "/policy": {"en": "Policy", "zh": "规则"},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.chromium() as running:
        yield running


@contextmanager
def _served(databases: SqliteDatabases, *, full: bool) -> Iterator[tuple[Rig, str]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        databases.at_head() as url,
    ):
        patch.setenv("INCIDENTS_CLOCK", "own")
        with rig(url) as desk:
            if full:
                a_month(desk)
            with listening(desk) as base:
                yield desk, base


@pytest.fixture(scope="module")
def full(sqlite_databases: SqliteDatabases) -> Iterator[tuple[Rig, str]]:
    with _served(sqlite_databases, full=True) as served:
        yield served


@pytest.fixture(scope="module")
def empty(sqlite_databases: SqliteDatabases) -> Iterator[tuple[Rig, str]]:
    with _served(sqlite_databases, full=False) as served:
        yield served


@contextmanager
def looking(
    browser: Browser, served: tuple[Rig, str], language: str, width: int, scheme: Scheme
) -> Iterator[Page]:
    """A supervisor's page; what the browser complains of, a blocked style say, is an error."""
    desk, base = served
    with browsers.looking(browser, width=width, scheme=scheme) as page:
        visit = Visitor(desk, "supervisor").visit
        for name, value in (
            (entrance.COOKIE, visit.cookie), (sitting.LANGUAGE_COOKIE, language),
        ):  # fmt: skip
            # As https: a cookie with __Host- is set by nobody else, and sent over the loopback too.
            page.context.add_cookies(
                [{"name": name, "value": value, "url": "https://127.0.0.1", "secure": True}]
            )
        page.goto(base)
        yield page


def keeps_nobody_out(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert barriers(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize(
    ("which", "language", "width", "scheme"),
    [*(("full", *look) for look in LOOKS), *(("empty", *look) for look in LOOKS[1:3])],
)
def test_each_page_keeps_nobody_out_and_fits_its_window(
    browser: Browser, request: pytest.FixtureRequest, which: str, language: str, width: int,
    scheme: Scheme,
) -> None:  # fmt: skip
    served = request.getfixturevalue(which)
    with looking(browser, served, language, width, scheme) as page:
        for path, headings in HEADINGS.items():
            page.goto(served[1] + path)
            expect(page.get_by_role("heading", level=1)).to_have_text(headings[language])
            keeps_nobody_out(page)
            assert page.title().endswith("· incidents")


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS[::2])
def test_a_file_is_simulated_and_read_page_by_page(
    browser: Browser, full: tuple[Rig, str], language: str, width: int, scheme: Scheme
) -> None:
    with looking(browser, full, language, width, scheme) as page:
        page.goto(f"{full[1]}/simulate")
        page.set_input_files(
            "#file", {"name": "h.csv", "mimeType": "text/csv", "buffer": LINES.encode()}
        )
        page.fill("#toml", "[repeat]\ncount = 2\n")
        page.locator("main form.card button.main").click()
        expect(page.locator("table.differ tbody tr")).to_have_count(100)
        keeps_nobody_out(page)
        page.locator("a[rel=next]").click()
        expect(page.locator("table.differ tbody tr")).to_have_count(50)
        assert LONG in page.locator("table.differ").inner_text()


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS[1:3])
def test_the_log_is_verified_while_the_page_waits(
    browser: Browser, full: tuple[Rig, str], language: str, width: int, scheme: Scheme
) -> None:
    with looking(browser, full, language, width, scheme) as page:
        page.goto(f"{full[1]}/audit")
        page.locator("#verify button.main").click()
        expect(page.locator("#verdict .said.done")).to_be_visible(timeout=60_000)
        keeps_nobody_out(page)


def test_an_entry_is_found_and_the_record_is_taken_away(
    browser: Browser, full: tuple[Rig, str]
) -> None:
    with looking(browser, full, "en", 1280, "light") as page:
        page.goto(f"{full[1]}/audit")
        page.select_option("#kind", "site_closed")
        page.fill("#site", "often.example")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("table.entries tbody tr")).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("link", name="JSON Lines").click()
        lines = download.value.path().read_text().splitlines()
        assert len(lines) > 3
        assert all('"site":"often.example"' in line for line in lines)


def test_a_policy_is_tried_and_then_activated_with_the_keyboard_alone(
    browser: Browser, sqlite_databases: SqliteDatabases
) -> None:
    with (
        _served(sqlite_databases, full=True) as served,
        looking(browser, served, "zh", 360, "dark") as page,
    ):
        page.goto(f"{served[1]}/policy")
        page.fill("#toml", "[repeat]\ncount = 2\n")
        page.locator("form[action='/policy/try'] button.main").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("会有哪些不同")
        keeps_nobody_out(page)
        page.fill("#reason", "两次就够")
        page.fill("#confirm", "启用")
        page.locator("#confirm").press("Enter")
        expect(page.locator("#said")).to_contain_text("已启用")
        expect(page.locator("ol.history q")).to_have_text("两次就够")
        keeps_nobody_out(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_telephone_the_labels_below_a_chart_are_large_enough_and_apart(
    browser: Browser, full: tuple[Rig, str], language: str
) -> None:
    with looking(browser, full, language, 360, "light") as page:
        page.goto(full[1] + "/overview")
        found = page.evaluate(
            """[...document.querySelectorAll('svg.chart')].map(chart =>
                [...chart.querySelectorAll('text.middle')].map(text => {
                    const box = text.getBoundingClientRect();
                    const size = parseFloat(getComputedStyle(text).fontSize);
                    return [box.left, box.right, size * text.getScreenCTM().a];
                }).sort((a, b) => a[0] - b[0]))"""
        )
    assert len(found) == 5
    for labels in found:
        assert min(size for _, _, size in labels) >= 10
        assert all(ahead[1] < behind[0] for ahead, behind in pairwise(labels)), labels
