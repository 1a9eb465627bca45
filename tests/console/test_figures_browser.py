"""The pages of figures in a real browser: they can be read and used in both languages, on a
telephone, at night, empty and full."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from incidents.machine import commands as c
from tests.browser import Chromium, Look, looks, unfold
from tests.console.month import a_month
from tests.served_desk import ConsoleDesk, person

LONG = "这是一个非常非常长的网站名称"
LINES = "occurred_at,site,contact\n" + "".join(
    f"2026-03-01 1{n}:00,{LONG if site == 0 else f's{site:03}'}.example,reached\n"
    for site in range(150)
    for n in (1, 2)
)
HEADINGS = {
    "/overview": {"en-GB": "Overview", "zh-CN": "概览"},
    "/simulate": {"en-GB": "Simulate", "zh-CN": "模拟"},
    "/audit": {"en-GB": "Audit", "zh-CN": "审计"},
    "/policy": {"en-GB": "Policy", "zh-CN": "策略"},
}


@pytest.fixture
def full(served_desk: ConsoleDesk) -> ConsoleDesk:
    """A desk with a month behind it."""
    a_month(served_desk)
    return served_desk


def keeps_nobody_out(page: Page, look: Look) -> None:
    unfold(page)
    assert look.misfits(page) == []


def each_page_keeps_nobody_out(browser: Chromium, desk: ConsoleDesk, look: Look) -> None:
    with person(browser, desk, "wang", **look.as_options) as page:
        for path, headings in HEADINGS.items():
            page.goto(desk.url + path)
            expect(page.get_by_role("heading", level=1)).to_have_text(headings[look.locale])
            keeps_nobody_out(page, look)
            assert page.title().endswith("· incidents")


@looks(each_day="zh-CN-360-light")
def test_each_page_keeps_nobody_out_and_fits_its_window(
    browser: Chromium, full: ConsoleDesk, look: Look
) -> None:
    each_page_keeps_nobody_out(browser, full, look)


@pytest.mark.long
@looks(each_day="en-GB-1280-light")
def test_each_page_of_an_empty_desk_keeps_nobody_out_and_fits_its_window(
    browser: Chromium, served_desk: ConsoleDesk, look: Look
) -> None:
    each_page_keeps_nobody_out(browser, served_desk, look)


@looks(each_day="en-GB-1280-light")
def test_a_file_is_simulated_and_read_page_by_page(
    browser: Chromium, served_desk: ConsoleDesk, look: Look
) -> None:
    with person(browser, served_desk, "wang", "/simulate", **look.as_options) as page:
        page.set_input_files(
            "#file", {"name": "h.csv", "mimeType": "text/csv", "buffer": LINES.encode()}
        )
        page.fill("#toml", "[repeat]\ncount = 2\n")
        page.locator("main form.card button.main").click()
        expect(page.locator("table.differ tbody tr")).to_have_count(100)
        keeps_nobody_out(page, look)
        page.locator("a[rel=next]").click()
        expect(page.locator("table.differ tbody tr")).to_have_count(50)
        assert LONG in page.locator("table.differ").inner_text()


@looks(each_day="en-GB-360-dark")
def test_the_log_is_verified_while_the_page_waits(
    browser: Chromium, served_desk: ConsoleDesk, look: Look
) -> None:
    with person(browser, served_desk, "wang", "/audit", **look.as_options) as page:
        page.locator("#verify button.main").click()
        expect(page.locator("#verdict .said.unconfirmed")).to_be_visible()
        keeps_nobody_out(page, look)


def test_an_entry_is_found_and_the_record_is_taken_away(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    served_desk.violation("seldom.example")
    served_desk.violation("often.example")
    for _ in range(2):
        served_desk.do("often.example", c.Log(by="li", again=True))
    with person(browser, served_desk, "wang", "/audit") as page:
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
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    served_desk.violation("often.example")
    served_desk.do("often.example", c.Log(by="li", again=True))
    look = Look("zh-CN", 360, "dark", is_judged=True)
    with person(browser, served_desk, "wang", "/policy", **look.as_options) as page:
        page.fill("#toml", "[repeat]\ncount = 2\n")
        page.locator("section[aria-labelledby=try] button.main").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("会有哪些不同")
        keeps_nobody_out(page, look)
        page.fill("#reason", "两次就够")
        page.fill("#confirm", "启用")
        page.locator("#confirm").press("Enter")
        expect(page.locator("#said")).to_contain_text("已启用")
        expect(page.locator("ol.history q")).to_have_text("两次就够")
        keeps_nobody_out(page, look)


def test_on_a_telephone_the_labels_below_a_chart_are_large_enough_and_apart(
    browser: Chromium, full: ConsoleDesk
) -> None:
    for locale in ("en-GB", "zh-CN"):
        with person(browser, full, "wang", "/overview", locale=locale, width=360) as page:
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
