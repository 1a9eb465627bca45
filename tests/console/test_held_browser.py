"""Held outcomes in a browser: undone, replaced, and told of when the page goes."""

from datetime import datetime, timedelta

from playwright.sync_api import expect

from incidents.machine import commands as c
from tests.browser import Chromium
from tests.console.queue_page import open_item, send_held, shown
from tests.console.test_actions_browser import MINUTE, outcomes
from tests.patience import until
from tests.served_desk import ConsoleDesk, person

VOID = c.VoidIncident(by="chen", incident=1, reason="logged by mistake")


def test_an_outcome_waits_five_seconds_for_undo_and_counts_from_the_click(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n, site in enumerate(("first.example", "second.example")):
        desk.violation(site, ago=(30 - n) * MINUTE)
    with person(browser, desk, "li", outages=True) as li:
        expect(li.locator("#live")).to_have_text("Live")
        open_item(li, "1-1").locator("button[value=reached]").click()
        # Nothing is sent yet, and the next item is open already.
        waiting = li.locator("#sent .waiting")
        expect(waiting).to_contain_text("Reached · first.example")
        shown(li, "2-1")
        li.keyboard.press("z")
        expect(waiting).to_have_count(0)
        expect(li.locator("#i-1-1")).to_be_focused()
        li.mouse.move(1, 1)
        clicked = li.evaluate("clock.now()") / 1000
        shown(li, "1-1").locator("button[value=no-answer]").click()
        desk.ahead += timedelta(seconds=5)
        li.clock.fast_forward(5_000)
        expect(li.locator("#said .done")).to_contain_text("No answer · first.example: ")
        expect(waiting).to_have_count(0)
    [contact] = desk.site("first.example")["incidents"][0]["contacts"]
    assert contact["outcome"] == "no-answer"
    # Not when it was sent.
    assert abs(datetime.fromisoformat(contact["occurred_at"]).timestamp() - clicked) < 4


def test_an_outcome_is_not_held_when_little_time_is_left_or_a_colleague_has_the_item(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("soon.example", ago=59 * MINUTE)
    desk.violation("claimed.example", ago=30 * MINUTE)
    desk.do("claimed.example", c.ClaimItem(by="chen", item="1"))
    with person(browser, desk, "li") as li:
        open_item(li, "1-1").locator("button[value=no-answer]").click()
        li.locator("#said .done").wait_for()
        assert li.locator("#sent .waiting").count() == 0
        li.mouse.move(1, 1)
        open_item(li, "2-1").locator("button[value=no-answer]").click()
        li.locator("dialog[open] #ask").wait_for()
    assert outcomes(desk, "soon.example") == ["no-answer"]


def test_what_is_held_is_sent_when_the_page_goes(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("going.example")
    with person(browser, desk, "li") as li:
        open_item(li, "1-1").locator("button[value=reached]").click()
        li.locator("#sent .waiting").wait_for()
        li.locator("nav a[href='/sites']").click()
        li.wait_for_url("**/sites")
        until(lambda: outcomes(desk, "going.example"), "the outcome is recorded")
    assert outcomes(desk, "going.example") == ["reached"]


def test_two_outcomes_held_on_one_site_are_both_recorded(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("twice.example", ago=30 * MINUTE)
    desk.do("twice.example", c.Log(by="li", urls=("http://twice.example/b",)), ago=20 * MINUTE)
    with person(browser, desk, "li", outages=True) as li:
        for item in ("1-1", "1-2"):
            open_item(li, item).locator("button[value=reached]").click()
            li.mouse.move(1, 1)
        send_held(li)
        until(lambda: len(outcomes(desk, "twice.example")) == 2, "both are recorded")
    assert [each["state"] for each in desk.site("twice.example")["incidents"]] == ["notified"] * 2


def test_what_became_of_a_held_outcome_is_told_on_the_page_that_comes_next(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for site in ("claimed.example", "settled.example"):
        desk.violation(site)
    with person(browser, desk, "li", outages=True) as li:
        for item in ("1-1", "2-1"):
            open_item(li, item).locator("button[value=reached]").click()
            li.mouse.move(1, 1)
        # A colleague claims one and settles the other: the calls were made before.
        desk.ahead += timedelta(seconds=3)
        desk.do("claimed.example", c.ClaimItem(by="chen", item="1"))
        desk.do("settled.example", VOID)
        li.locator("nav a[href='/sites']").click()
        li.wait_for_url("**/sites")
        said = li.locator("#said .said, #sent .said")
        expect(said.filter(has_text="settled.example")).to_contain_text("voided")
    assert outcomes(desk, "claimed.example") == ["reached"]
    assert outcomes(desk, "settled.example") == []


def test_another_outcome_of_the_same_call_takes_the_place_of_the_first(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("mistaken.example")
    with person(browser, desk, "li", outages=True) as li:
        open_item(li, "1-1").locator("button[value=reached]").click()
        li.mouse.move(1, 1)
        open_item(li, "1-1").locator("button[value=no-answer]").click()
        expect(li.locator("#sent .waiting")).to_have_count(1)
        send_held(li)
        until(lambda: outcomes(desk, "mistaken.example") != [], "the outcome is recorded")
    assert outcomes(desk, "mistaken.example") == ["no-answer"]


def test_a_refused_outcome_is_shown_until_it_is_put_away(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for site in ("settled.example", "other.example"):
        desk.violation(site)
    with person(browser, desk, "li", outages=True) as li:
        open_item(li, "1-1").locator("button[value=reached]").click()
        desk.ahead += timedelta(seconds=3)
        desk.do("settled.example", VOID)
        send_held(li)
        refused = li.locator("#sent .refused")
        expect(refused).to_contain_text("Reached · settled.example: ")
        li.mouse.move(1, 1)
        open_item(li, "2-1").locator("button[value=no-answer]").click()
        send_held(li)
        expect(li.locator("#said .done")).to_contain_text("other.example")
        expect(refused).to_be_visible()
        li.keyboard.press("Escape")
        expect(refused).to_have_count(0)


def test_what_is_held_is_recorded_before_its_session_ends(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.violation("leaving.example")
    with person(browser, desk, "li") as li:
        open_item(li, "1-1").locator("button[value=reached]").click()
        li.locator(".menu summary").click()
        li.locator("form[action='/sign-out'] button").click()
        li.wait_for_url("**/sign-in*")
    assert outcomes(desk, "leaving.example") == ["reached"]


def test_a_claim_that_came_before_the_click_is_asked_about_by_name(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    for n, site in enumerate(("claimed.example", "next.example")):
        desk.violation(site, ago=(30 - n) * MINUTE)
    with person(browser, desk, "li", outages=True) as li:
        open_item(li, "1-1")
        li.route("**/changes*", lambda route: route.abort())
        desk.do("claimed.example", c.ClaimItem(by="chen", item="1"))
        desk.ahead += timedelta(seconds=1)
        li.evaluate("clock.set(new Date(clock.now() + 2000).toISOString())")
        li.locator("#item button[value=reached]").click()
        send_held(li)
        question = li.locator("dialog[open] #ask")
        expect(question).to_contain_text("Reached · claimed.example: ")
        expect(question.get_by_role("link", name="Cancel")).to_be_focused()


def test_after_a_call_comes_what_is_urgent_then_what_is_below_and_each_once(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    for n, ago in enumerate((55, 40, 39, 38)):
        served_desk.violation(f"shop-{n}.example", ago=ago * MINUTE)
    with person(browser, served_desk, "li") as li:
        open_item(li, "3-1")
        # Five minutes are left for the first one.
        for item in ("3-1", "1-1", "2-1", "4-1"):
            shown(li, item).locator("button[value=no-answer]").click()
            send_held(li)
            li.locator("#said .done").wait_for()
        # All have been called: the most urgent one is due again.
        shown(li, "1-1")
