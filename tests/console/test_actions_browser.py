"""The acts of the console in a real browser: done, refused or not confirmed, and done once."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from incidents.machine import commands as c
from tests.browser import Chromium
from tests.console.queue_page import open_item, record, send_held, shown
from tests.console.test_desk_browser import hold, is_held, listen
from tests.served_desk import ConsoleDesk, person, sign_in
from tests.served_process import ServerProcess, server_process

MINUTE = timedelta(minutes=1)
UNCONFIRMED = "Not confirmed: Reached · away.example"


@pytest.fixture
def away(desk: ConsoleDesk, db_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that can be taken away, with an incident 1-1."""
    desk.violation("away.example")
    with server_process(db_url, tmp_path) as server:
        desk.url = server.url
        yield server


def outcomes(desk: ConsoleDesk, site: str) -> list[str]:
    incidents = desk.site(site)["incidents"]
    return [each["outcome"] for incident in incidents for each in incident["contacts"]]


def reach(page: Page, incident: str, outcome: str = "reached") -> None:
    page.mouse.move(1, 1)
    record(page, incident, outcome)


@pytest.mark.long
def test_no_act_is_said_to_be_done_while_the_server_is_gone_and_then_it_is_done_once(
    browser: Chromium, desk: ConsoleDesk, away: ServerProcess
) -> None:
    with browser.page(locale="en-GB", outages=True) as li:
        sign_in(li, desk, "li")
        expect(li.locator("#live")).to_have_text("Live")
        reach(li, "1-1", "no-answer")
        li.locator("#said .done").wait_for()
        # The same on each page; there what was typed stays.
        beside = li.context.new_page()
        beside.goto(f"{away.url}/incidents/1-1")
        expect(beside.locator("#live")).to_have_text("Live")
        beside.fill("#note-text", "she calls back")
        note = beside.locator("section[aria-labelledby=h-notes]")
        away.kill()
        expect(li.locator("#live")).to_contain_text("Disconnected")
        reach(li, "1-1")
        expect(li.locator("#sent")).to_contain_text(UNCONFIRMED)
        assert li.locator(".said.done").count() == 0
        note.locator("form > button").click()
        expect(beside.locator("#sent")).to_contain_text("Not confirmed")
        assert beside.input_value("#note-text") == "she calls back"
        away.start()
        li.locator("#sent button").click()
        expect(li.locator("#said .done")).to_contain_text("reached")
        expect(li.locator("#sent li")).to_have_count(0)
        expect(li.locator("#live")).to_have_text("Live")
        note.locator("form > button").click()
        expect(note.locator(".quote")).to_have_text("she calls back")
    assert outcomes(desk, "away.example") == ["no-answer", "reached"]


@pytest.mark.long
def test_a_server_that_hangs_is_not_live_and_no_act_waits_for_it_for_ever(
    browser: Chromium, desk: ConsoleDesk, away: ServerProcess
) -> None:
    with browser.page(locale="en-GB", outages=True) as li:
        sign_in(li, desk, "li")
        expect(li.locator("#live")).to_have_text("Live")
        with away.stopped():
            reach(li, "1-1")
            expect(li.locator("#sent")).to_contain_text("Recording: Reached · away.example")
            assert li.locator("#item form button:enabled").count() == 0
            li.clock.fast_forward(11_000)
            expect(li.locator("#sent")).to_contain_text(UNCONFIRMED)
            li.clock.fast_forward(13_000)
            expect(li.locator("#live")).to_contain_text("Disconnected")
            assert li.locator(".said.done").count() == 0
        expect(li.locator("#live")).to_have_text("Live")
        li.locator("#sent button").click()
        expect(li.locator("#said .done")).to_contain_text("reached")
        # By when the session is over, and nobody can say so, nothing of it is on the screen.
        away.kill()
        expect(li.locator("#live")).to_contain_text("Disconnected")
        li.clock.fast_forward(3_000_000)
        expect(li.locator("#i-1-1")).to_be_visible()
        li.clock.fast_forward(610_000)
        expect(li.locator("body")).not_to_contain_text("away.example")
    assert outcomes(desk, "away.example") == ["reached"]


@pytest.mark.long
def test_an_answer_that_comes_too_late_or_from_a_proxy_confirms_nothing(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("away.example")
    with browser.page(locale="en-GB", outages=True) as li:
        sign_in(li, desk, "li")
        held = hold(li, "**/contact", lambda route: route.fetch())
        reach(li, "1-1")
        is_held(li, held)
        expect(li.locator("#sent .pending")).to_be_visible()
        li.clock.fast_forward(11_000)
        expect(li.locator("#sent")).to_contain_text(UNCONFIRMED)
        proxy = "<h1 class='done'>502 Bad Gateway</h1>"
        li.route("**/contact", lambda route: route.fulfill(status=200, body=proxy), times=1)
        li.locator("#sent button").click()
        expect(li.locator("#sent .unconfirmed")).to_be_visible()
        li.locator("#sent button").click()
        expect(li.locator("#said .done")).to_contain_text("recorded once")
    assert outcomes(desk, "away.example") == ["reached"]


def test_a_button_that_is_pressed_twice_records_one_call(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("twice.example")
    with person(browser, desk, "li") as li:
        pane = open_item(li, "1-1")
        for outcome in ("no-answer", "reached"):
            pane.locator(f"button[value={outcome}]").dblclick()
            send_held(li)
            li.locator("#said .done").wait_for()
        # The button for what comes next has the place of the one that was pressed by now.
        expect(pane.locator("form[action$=removed]")).to_be_visible()
        li.goto(desk.url)
        desk.violation("slow-twice.example")
        li.wait_for_selector("#i-2-1")
        for _ in range(2):
            reach(li, "2-1", "no-answer")
            li.locator("#said .done").wait_for()
        expect(li.locator("#said")).to_contain_text("recorded once")
    assert outcomes(desk, "twice.example") == ["no-answer", "reached"]
    assert desk.site("twice.example")["incidents"][0]["state"] == "notified"
    assert outcomes(desk, "slow-twice.example") == ["no-answer"]


def test_the_browser_asks_before_it_leaves_a_page_with_an_act_that_is_not_confirmed(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("away.example")
    asked = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    with person(browser, desk, "li") as li:
        li.on("dialog", stay)
        li.route("**/contact", lambda route: route.fulfill(status=200, body="a proxy"), times=1)
        reach(li, "1-1")
        expect(li.locator("#sent")).to_contain_text(UNCONFIRMED)
        with li.expect_event("dialog"):
            li.locator("nav a[href='/sites']").click()
        li.locator("#sent button").click()
        expect(li.locator("#said .done")).to_contain_text("reached")
        li.locator("nav a[href='/sites']").click()
        li.wait_for_url("**/sites")
        li.remove_listener("dialog", stay)
    assert asked == ["beforeunload"]
    assert outcomes(desk, "away.example") == ["reached"]


def test_no_row_moves_under_a_pointer_and_a_click_is_for_the_customer_it_was_meant_for(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n, site in enumerate(("first.example", "second.example", "third.example")):
        desk.violation(site, ago=(30 - n) * MINUTE)
    with person(browser, desk, "li") as li:
        listen(li)
        row = li.locator("#i-2-1")
        row.hover()
        box = row.bounding_box()
        # One is more urgent, and one is gone.
        desk.violation("urgent.example", ago=50 * MINUTE)
        desk.do("first.example", c.RecordContact(by="wang", incident=1, outcome="reached"))
        desk.do("first.example", c.StateRemoved(by="wang", incident=1))
        changes = li.locator("#changes")
        expect(changes).to_contain_text("changes: apply")
        assert li.locator("#i-4-1").count() == 0
        expect(li.locator("#i-1-1")).to_have_class(re.compile("gone"))
        assert row.bounding_box() == box
        assert box is not None
        li.mouse.click(box["x"] + box["width"] / 2, box["y"] + 5)
        shown(li, "2-1").locator("button[value=no-answer]").click()
        # What is told of it pushes nothing, and the next most urgent one is selected.
        expect(li.locator("#i-3-1")).to_have_class(re.compile("selected"))
        send_held(li)
        li.locator("#said .done").wait_for()
        li.mouse.move(1, 1)
        li.wait_for_selector("#i-4-1")
        expect(changes).to_be_hidden()
        assert li.locator(".item").first.get_attribute("id") == "i-4-1"
        assert li.locator("#i-1-1").count() == 0
    assert outcomes(desk, "second.example") == ["no-answer"]


def test_a_button_that_changes_under_the_pointer_takes_no_press_for_a_moment(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("changing.example")
    with person(browser, desk, "li", outages=True) as li:
        expect(li.locator("#live")).to_have_text("Live")
        pane = open_item(li, "1-1")
        pane.locator("button[value=reached]").hover()
        li.clock.pause_at((li.evaluate("Date.now()") + 500) / 1000)
        desk.do("changing.example", c.RecordContact(by="wang", incident=1, outcome="reached"))
        gone = pane.locator("form[action$=removed] button")
        gone.wait_for()
        box = gone.bounding_box()
        assert box is not None
        li.mouse.click(box["x"] + 5, box["y"] + 5)
        li.clock.fast_forward(1_000)
        assert li.locator("#sent li").count() == 0
        gone.click()
        send_held(li)
        li.locator("#said .done").wait_for()
    assert desk.site("changing.example")["incidents"][0]["state"] == "removed"


def test_the_message_after_a_call_leads_to_the_form_that_voids_it_and_says_what_that_restarts(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("wrong.example")
    with person(browser, desk, "li") as li:
        reach(li, "1-1")
        said = li.locator("#said .done")
        expect(said).to_contain_text("A new contact clock of 1 h starts.")
        said.get_by_role("link", name="Void this record").click()
        form = li.locator("#void-1-1-1 form")
        form.locator("textarea").fill("another customer was meant")
        form.locator("button").click()
        expect(li.locator("#said .done")).to_be_visible()
    [incident] = desk.site("wrong.example")["incidents"]
    assert (incident["state"], incident["contacts"][0]["voided"]) == ("open", True)


def test_what_a_colleague_settles_stays_open_for_who_looks_at_it_and_says_so(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n, site in enumerate(("first.example", "second.example")):
        desk.violation(site, ago=(30 - n) * MINUTE)
    with person(browser, desk, "li") as li:
        listen(li)
        open_item(li, "1-1")
        li.mouse.move(1, 1)
        desk.do("first.example", c.RecordContact(by="wang", incident=1, outcome="reached"))
        desk.do("first.example", c.StateRemoved(by="wang", incident=1))
        expect(li.locator("#i-1-1")).to_have_count(0)
        expect(li.locator("#item-title")).to_have_text("1-1 is done: it is no longer in the queue.")
        # A press that was meant for it meets nobody else.
        assert li.locator("#item button").count() == 0


def test_on_a_phone_the_queue_and_an_item_are_two_screens_and_the_first_outcome_is_at_hand(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("phone.example")
    with person(browser, desk, "li", width=360) as li:
        expect(li.locator("#pane")).to_be_hidden()
        li.locator("#i-1-1").click()
        expect(li.locator("#desk")).to_be_hidden()
        outcome = li.locator("#item button[value=reached]").bounding_box()
        assert outcome is not None
        assert outcome["y"] + outcome["height"] <= 500
        li.reload()
        expect(li.locator("#desk")).to_be_hidden()
        li.locator(".back a").click()
        expect(li.locator("#i-1-1")).to_be_visible()
        li.locator("#i-1-1").click()
        expect(li.locator("#pane")).to_be_visible()
        li.go_back()
        expect(li.locator("#i-1-1")).to_be_visible()


def test_twelve_items_are_in_sight_and_their_acts_in_the_pane_alone(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n in range(14):
        desk.violation(f"shop-{n:02}.example", ago=(50 - n) * MINUTE, category="phishing")
    with person(browser, desk, "li", width=1440) as li:
        boxes = [row.bounding_box() for row in li.locator("#items .item").all()]
        assert sum(box is not None and box["y"] + box["height"] <= 900 for box in boxes) >= 12
        assert li.locator("#items button").all_inner_texts() == ["Claim"]
        li.keyboard.press("j")
        expect(li.locator("#i-2-1 .do")).to_have_text("Claim")
        li.locator("#i-2-1 .do").click()
        expect(li.locator("#i-2-1 .holder")).to_have_text("li")
        expect(li.locator("#i-2-1 .do")).to_have_text("Record call")
        assert "item=2-1" in li.url


@pytest.mark.long
def test_of_what_a_colleague_has_claimed_is_asked_first(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("claimed.example")
    desk.do("claimed.example", c.ClaimItem(by="chen", item="1"))
    desk.have_account("wang")
    with person(browser, desk, "li") as li, person(browser, desk, "chen") as chen:
        assert li.locator("[data-key=u]").count() == 0
        assert chen.locator("[data-key=u]").count() == 1
        question = li.locator("dialog[open] #ask")
        reach(li, "1-1")
        expect(question).to_contain_text("chen claimed this")
        question.get_by_role("link", name="Cancel").click()
        expect(question).to_have_count(0)
        assert outcomes(desk, "claimed.example") == []
        # It is asked anew of whoever has it by then.
        reach(li, "1-1")
        expect(question).to_be_visible()
        desk.do("claimed.example", c.HandOver(by="chen", to="wang"))
        question.get_by_role("button").click()
        expect(question).to_contain_text("wang claimed this")
        question.get_by_role("button").click()
        li.locator("#said .done").wait_for()
    assert outcomes(desk, "claimed.example") == ["reached"]
