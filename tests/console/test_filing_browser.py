"""The filing in a real browser: it is filled in, doubted, corrected, and changed by two at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from incidents import clock, views
from incidents.machine import commands as c
from tests.browser import Chromium, Look, looks, unfold
from tests.served_desk import HOSTILE, ConsoleDesk, act, person

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Of the desk, whose zone is eight hours ahead."""
RIGHT_TO_LEFT = "\u202eevil\u202c مرحبا بالعالم"
LONG = "很长的名称没有空格" * 80


def file(desk: ConsoleDesk, site: str, **details: str) -> None:
    desk.do(site, c.ChangeFiling(by="li", details=tuple(details.items())))


def filed(desk: ConsoleDesk, site: str) -> dict[str, str]:
    with desk.app.reading() as connection:
        return views.filing_details(connection, site)


@pytest.fixture
def desk(served_desk: ConsoleDesk) -> ConsoleDesk:
    """A desk where it is noon."""
    served_desk.ahead = NOON - clock.now()
    return served_desk


# Over HTTP test_filing_page.py gives each of these forms, and is told what is doubted and missing.
@pytest.mark.long
def test_an_operator_fills_in_a_filing_in_chinese_and_corrects_what_is_doubted(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    site = "first.example"
    desk.do(site, c.AddSite(by="wang"))
    opened = (NOON.date() - timedelta(days=40)).isoformat()
    with person(browser, desk, "li", f"/sites/{site}", locale="zh-CN") as li:
        li.locator("section[aria-labelledby=h-filing] a.button").click()
        act(li, "details-subject", subject_kind="company", subject_name="示例商贸有限公司")
        act(li, "details-responsible", responsible_name="张三", responsible_phone="13333333333")
        act(li, "details-site", service_type="forum", level="2")
        act(li, "details-days", opened_on=opened)
        act(li, "preset", preset="aliyun-access")
        act(li, "server-", label="main", ip="203.0.113.7", province="广东", city="深圳", count="1")
        contract = {"name": "合同.pdf", "mimeType": "application/pdf", "buffer": b"contract"}
        act(li, "document-", file=contract, label="contract", kind="access_contract")
        expect(li.locator("#said .done")).to_be_visible()
        assert li.locator("#filed").inner_text().count("接入合同") == 1
        assert "已超时 10 天" in li.locator("section[aria-labelledby=h-complete]").inner_text()
        found = filed(desk, site)
        assert found["access_phone"] == "95187"
        assert found["level"] == "2"

        # The made-up number waits in the queue; it is corrected, and nothing is left to do.
        li.goto(desk.url)
        item = li.locator(".item", has_text=site).filter(has_text="信息存疑")
        expect(item).to_have_count(1)
        expect(item.locator(".kind")).to_have_text("信息存疑 · 负责人手机号码")
        item.locator(".open").click()
        pane = li.locator("#item")
        expect(pane.locator(".say")).to_contain_text("负责人手机号码不实（同一数字连续重复）")
        pane.get_by_role("link", name="查看备案").click()
        li.wait_for_url("**/filing")
        act(li, "details-responsible", responsible_phone="+86 10 5555 0100")
        assert "没有待核实的信息" in li.locator("section[aria-labelledby=h-complete]").inner_text()
        li.goto(desk.url)
        expect(li.locator(".item", has_text=site)).to_have_count(0)


def test_what_was_asked_for_in_full_stays_so_when_the_page_is_fresh(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    site = "shown.example"
    desk.do(site, c.AddSite(by="wang"))
    file(desk, site, responsible_phone="+86 10 5555 0100")
    at = f"/sites/{site}/filing"
    with person(browser, desk, "li", at) as li, person(browser, desk, "vera", at) as vera:
        assert "5555 0100" not in li.content()
        assert vera.locator("form[action$=reveal]").count() == 0
        assert vera.locator("#acts form").count() == 0
        li.locator("form[action$=reveal] button").click()
        expect(li.locator("#filed")).to_contain_text("+86 10 5555 0100")
        before = li.locator("section[aria-labelledby=h-complete]").inner_text()
        file(desk, site, opened_on=NOON.date().isoformat())
        expect(li.locator("section[aria-labelledby=h-complete]")).not_to_have_text(before)
        expect(vera.locator("#filed")).to_contain_text(NOON.date().isoformat())


def hostile(desk: ConsoleDesk, site: str) -> None:
    day = (NOON.date() - timedelta(days=35)).isoformat()
    desk.do(site, c.AddSite(by="wang"))
    file(
        desk, site, subject_name=HOSTILE, registrar=LONG, support_name=RIGHT_TO_LEFT,
        responsible_phone="13333333333", responsible_number="x" * 300, level_reason=LONG,
        home_url=f"https://{site}/{'a' * 500}", opened_on=day, approved_on=day,
        nature="commercial", icp_number="京ICP备12345678号-1",
        public_security_number="京公网安备 11010502000001号",
        **{
            "server.main": '{"city":"深圳","place":"' + "地" * 300 + '","province":"广东"}',
            "document.contract": '{"digest":"' + "0" * 64 + '","kind":"access_contract"}',
        },
    )  # fmt: skip
    desk.do(site, c.Remind(on=NOON.date().isoformat()))
    desk.do(site, c.RecordFooter(problems=("icon_missing", "icp_missing")))


@looks(each_day="en-GB-360-dark")
def test_hostile_words_are_text_and_every_page_is_for_everybody(
    browser: Chromium, desk: ConsoleDesk, look: Look
) -> None:
    site = "hostile.example"
    hostile(desk, site)
    filing = f"/sites/{site}/filing"
    # Somebody who may only look has one page that differs: it has no forms.
    for handle, paths in (("li", ("/terms", f"/sites/{site}", "/", filing)), ("vera", (filing,))):
        with person(browser, desk, handle, **look.as_options) as page:
            for path in paths:
                page.goto(f"{desk.url}{path}")
                unfold(page)
                assert look.misfits(page) == [], path
                assert page.title() != "taken"
                assert page.locator("main img").count() == 0
            assert HOSTILE in page.locator("#filed").inner_text()
            assert page.locator(".findings .state").first.inner_text() in ("wrong", "错误")
