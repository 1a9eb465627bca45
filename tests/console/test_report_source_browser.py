"""The source of a report in a real browser: it loads nothing, and a picture is seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Request, expect

from tests.browser import Chromium, Look, looks, unfold
from tests.console.test_report_source_page import mail, picture
from tests.console.test_reports_pages import receive
from tests.served_desk import HOSTILE, ConsoleDesk, person

REMOTE = (
    "<img src='https://track.example/x.png'><link rel=stylesheet href='//track.example/x.css'>"
    f"<iframe src='https://track.example/'></iframe><p>page</p>{HOSTILE}"
)


@pytest.fixture
def desk(served_desk: ConsoleDesk) -> ConsoleDesk:
    """The reports r1, with a page and a picture, and r2, which is sealed."""
    receive(
        served_desk,
        mail(HOSTILE, (picture(), "image/png", "x.png"), html=REMOTE),
        mail("CSAM found", (picture(), "image/png", "x.png")),
    )
    return served_desk


def test_nothing_of_a_report_is_loaded_or_run_and_its_picture_is_seen(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    with person(browser, desk, "li") as li:
        li.context.on("request", note)
        li.goto(f"{desk.url}/reports/r1")
        unfold(li)
        expect(li.locator("#source")).to_contain_text("X-Note")
        assert li.locator("#source img, #source iframe").count() == 0
        li.locator("#source a", has_text="View").first.click()
        expect(li.locator("main pre")).to_contain_text("page")
        assert li.title() != "taken"
        li.goto(f"{desk.url}/reports/r1")
        li.locator("#source a", has_text="View").last.click()
        image = li.locator("img")
        expect(image).to_be_visible()
        assert image.evaluate("each => [each.naturalWidth, each.naturalHeight]") == [40, 20]
        li.context.remove_listener("request", note)
    elsewhere = [url for url in asked if not url.startswith((desk.url, "data:"))]
    assert asked
    assert elsewhere == []
    assert len(desk.entries("details_revealed")) == 2


@looks(each_day="zh-CN-360-light")
def test_the_pages_fit_their_window_and_keep_nobody_out(
    browser: Chromium, desk: ConsoleDesk, look: Look
) -> None:
    with person(browser, desk, "wang", **look.as_options) as wang:
        for page in ("/reports/r1", "/reports/r1/attachments/1/view", "/reports/r2"):
            wang.goto(desk.url + page)
            unfold(wang)
            assert (page, look.misfits(wang)) == (page, [])


def test_a_sealed_report_is_saved_after_its_reason_is_given(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    with person(browser, desk, "wang", "/reports/r2") as wang:
        wang.locator("#source > details > summary").first.click()
        wang.fill("#open-reason", "police 4711")
        with wang.expect_download() as saved:
            wang.locator("#source > details form button").first.click()
        assert saved.value.suggested_filename == "r2.bin"
    assert len(desk.entries("sealed_opened")) == 1
