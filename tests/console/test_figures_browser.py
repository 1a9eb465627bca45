"""The pages of figures in a real browser: they can be read and used in both languages, on a
telephone, at night, empty and full."""

from __future__ import annotations

import re
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
        expect(page.locator(".chosen-file").first).to_have_text("h.csv")
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
        expect(page.get_by_role("heading", level=1)).to_have_text("试算结果")
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


def readout(page: Page, chart: str) -> str:
    return page.locator(f"figure.{chart} .readout").inner_text()


def test_a_column_is_read_out_under_the_pointer_and_the_total_again_behind_it(
    browser: Chromium, full: ConsoleDesk
) -> None:
    with person(browser, full, "wang", "/overview") as page:
        whole = readout(page, "closures")
        columns = page.locator("figure.closures .column")
        columns.nth(0).locator(".bar").hover()
        expect(page.locator("figure.closures .readout")).to_have_text(re.compile(r"20\d\d · 1$"))
        expect(page.locator("figure.closures .legend b")).to_have_text(["1", "0", "0", "0"])
        columns.nth(1).locator(".hit").hover()
        expect(page.locator("figure.closures .readout")).to_have_text(re.compile(r"20\d\d · 0$"))
        page.mouse.move(0, 0)
        expect(page.locator("figure.closures .readout")).to_have_text(whole)
        assert page.locator("figure.closures .legend b").first.inner_text() == "6"


def test_arrows_move_from_bar_to_bar_with_one_stop_for_a_chart_and_enter_opens_the_list(
    browser: Chromium, full: ConsoleDesk
) -> None:
    with person(browser, full, "wang", "/overview") as page:
        assert page.locator("figure.violations .stop[tabindex='0']").count() == 1
        page.locator("figure.violations .stop[tabindex='0']").focus()
        focused = page.locator("figure.violations .stop:focus")
        last = focused.get_attribute("aria-label") or ""
        page.keyboard.press("ArrowLeft")
        told = focused.get_attribute("aria-label") or ""
        assert told.partition(" · ")[0] != last.partition(" · ")[0]
        assert readout(page, "violations").startswith(told.partition(" · ")[0])
        page.keyboard.press("Home")
        low = focused.get_attribute("aria-label") or ""
        page.keyboard.press("ArrowUp")
        high = focused.get_attribute("aria-label") or ""
        assert high.partition(" · ")[0] == low.partition(" · ")[0]
        assert high != low
        assert page.locator("figure.violations .stop[tabindex='0']").count() == 1
        # The next step of the Tab key is behind the chart, and back again to the bar.
        page.keyboard.press("Tab")
        expect(page.locator("figure.violations summary")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(focused).to_have_attribute("aria-label", high)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Incidents")
        count = int(high.rpartition(": ")[2])
        expect(page.locator("#items .item.incident")).to_have_count(count)


def test_without_scripts_a_bar_is_a_link_with_a_title(browser: Chromium, full: ConsoleDesk) -> None:
    with person(browser, full, "wang", "/overview", scripts=False) as page:
        bar = page.locator("figure.violations a.stop").last
        assert bar.locator("title").text_content() == bar.get_attribute("aria-label")
        bar.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Incidents")
        expect(page.locator("#items .item.incident").first).to_be_visible()


def test_the_arcs_of_a_state_stand_out_and_so_does_that_of_an_item_of_the_list(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    with person(browser, served_desk, "wang", "/policy") as page:
        unfold(page)
        diagram = page.locator("figure.of-machine").nth(1)
        lit = diagram.locator(".arc.on")
        diagram.locator(".node[data-state=unreached]").hover()
        expect(lit).to_have_count(3)
        page.mouse.move(0, 0)
        expect(lit).to_have_count(0)
        diagram.locator("li[data-arc]").nth(2).hover()
        expect(lit).to_have_id("incident-3")
        page.mouse.move(0, 0)
        diagram.locator(".node[tabindex='0']").focus()
        page.keyboard.press("ArrowDown")
        expect(diagram.locator(".node:focus")).to_have_attribute("data-state", "open")
        expect(lit).to_have_count(4)


def test_the_labels_of_the_diagrams_are_large_enough_on_a_telephone(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    with person(browser, served_desk, "wang", "/policy", width=360) as page:
        sizes = page.evaluate(
            """[...document.querySelectorAll('svg.machine text')].map(text =>
                parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
        )
    assert min(sizes) >= 10
