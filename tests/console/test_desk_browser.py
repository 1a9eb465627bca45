"""The console in a real browser: shifts are worked, live and by several people at once."""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote

import pytest
from playwright.sync_api import Error as Interrupted
from playwright.sync_api import Page, Route, expect

from incidents.machine import commands as c
from tests.api.rig import PASSWORD
from tests.browser import Chromium, Look, looks, unfold
from tests.console.customers import Customers
from tests.console.queue_page import open_item, record, send_held, shown
from tests.patience import until
from tests.served_desk import HOSTILE, ConsoleDesk, act, person, sign_in

MAIL = """Dear abuse desk,
we have found phishing at hxxps://shop[.]example/login (and https://shop.example/pay?x=1).
Regards, a bank"""
T = TypeVar("T")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def desk(served_desk: ConsoleDesk) -> ConsoleDesk:
    """A served desk: each test has its own, and a clean queue."""
    return served_desk


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


def come_back(page: Page, desk: ConsoleDesk, who: str) -> None:
    """Signs in again; a page whose session has ended may go there by itself just now."""
    with suppress(Interrupted):
        page.goto("about:blank")
    sign_in(page, desk, who)


def languages(*pages: Page) -> list[str | None]:
    return [page.locator("html").get_attribute("lang") for page in pages]


@pytest.mark.long
def test_a_shift_from_a_pasted_mail_to_a_reinstatement_by_two_people(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    with (
        person(browser, desk, "li", "/sites", locale="en-GB") as li,
        person(browser, desk, "wang", locale="zh-CN") as wang,
        person(browser, desk, "zhao", locale="en-GB") as zhao,
    ):
        assert languages(li, wang, zhao) == ["en", "zh-CN", "en"]

        # A mail is pasted; its addresses are shown before anything is logged.
        li.fill("#add-site", "shop.example")
        li.fill("#add-phone", "+86 10 5555 0100")
        li.press("#add-phone", "Enter")
        li.wait_for_url("**/sites/shop.example")
        li.goto(f"{desk.url}/log")
        li.fill("#paste", MAIL)
        li.locator("section[aria-labelledby=h-paste] button").click()
        assert li.locator("fieldset code").all_inner_texts() == [
            "hxxps://shop[.]example/login", "https://shop.example/pay?x=1",
        ]  # fmt: skip
        assert li.input_value("#site") == "shop.example"
        li.locator("section[aria-labelledby=h-log] button.main").click()
        li.wait_for_url("**/incidents/1-1")

        # Nobody answers three times; at the deadline the site is suspended.
        li.goto(desk.url)
        for outcome in ("no-answer", "left-message", "bounced"):
            record(li, "1-1", outcome)
            li.wait_for_selector("#said .done")
            li.mouse.move(1, 1)
        assert len(desk.site("shop.example")["incidents"][0]["contacts"]) == 3
        desk.pass_time(HOUR + MINUTE)
        assert desk.site("shop.example")["state"] == "suspended"
        # Their consoles have been fresh all the time; nobody has done anything, and they are out.
        for page in (li, wang, zhao):
            page.wait_for_url("**/sign-in*")

        # Twelve hours later it is open again; two more violations close it (R1), the last one asks.
        desk.pass_time(12 * HOUR + MINUTE)
        assert desk.site("shop.example")["state"] == "active"
        come_back(li, desk, "li")
        for asks in (False, True):
            li.goto(f"{desk.url}/log?site=shop.example")
            li.fill("#category", "phishing")
            li.locator("section[aria-labelledby=h-log] button.main").click()
            if asks:
                li.fill("#log-confirm", "shop.example")
                assert li.input_value("#category") == "phishing"
                li.locator("section[aria-labelledby=h-log] button.danger").click()
            li.wait_for_url("**/incidents/1-*")
        assert desk.site("shop.example")["rule"] == "repeat"
        li.goto(f"{desk.url}/sites/shop.example")
        assert li.locator(".states .state").first.get_attribute("class") == "state closed"
        assert li.locator("svg.run rect").count() == 1

        # The third was none: the closure is disputed, and a machine does not undo it.
        li.goto(f"{desk.url}/incidents/1-3")
        act(li, "void", reason="not a violation on review")
        assert desk.site("shop.example")["disputed"]

        # One note on it is for the desk alone, the other one says that the customer reads it.
        li.goto(f"{desk.url}/incidents/1-3")
        for audience, text in (("desk", "a relative answers"), ("customer", "请尽快删除。")):
            li.fill("#note-text", text)
            if audience == "customer":
                li.check("input[name=audience][value=customer]")
            li.locator("section[aria-labelledby=h-notes] form > button").click()
            li.wait_for_selector(f"section[aria-labelledby=h-notes] .state.{audience}")
        notes = desk.site("shop.example")["incidents"][0]["notes"]
        assert [note["audience"] for note in notes] == ["desk", "customer"]

        # One supervisor asks, proving again who she is; another one approves.
        desk.pass_time(6 * MINUTE)
        come_back(wang, desk, "wang")
        desk.ahead += 6 * MINUTE
        wang.goto(f"{desk.url}/sites/shop.example")
        act(wang, "reinstate", reason="one of the three was none")
        assert desk.site("shop.example")["reinstatement"] is None
        wang.fill("#password", PASSWORD)
        wang.press("#password", "Enter")
        wang.wait_for_selector("#said .done")
        assert desk.site("shop.example")["reinstatement"]["by"] == "wang"
        assert wang.locator("#not-now[open] #act-approve").count() == 1

        come_back(zhao, desk, "zhao")
        zhao.goto(f"{desk.url}/sites/shop.example")
        act(zhao, "approve")
        zhao.wait_for_selector("#said .done")
        assert desk.site("shop.example")["state"] == "active"
        assert languages(li, wang, zhao) == ["en", "zh-CN", "en"]

        # No daemon has carried out what was ordered meanwhile; she does it by hand, and says so.
        zhao.locator("a[href^='/orders?site=']").click()
        zhao.locator("#items .what a").first.click()
        zhao.wait_for_url("**/orders/1-o*")
        act(zhao, "cancel", reason="done by hand")
        zhao.wait_for_selector("#said .done")
        assert zhao.locator(".states .state.cancelled").count() == 1


@looks(each_day="zh-CN-1280-dark")
def test_no_page_keeps_anybody_out_and_each_fits_its_window(
    browser: Chromium, desk: ConsoleDesk, look: Look
) -> None:
    site = f"{'long-' * 9}name.{'label-' * 6}x.example"
    incident = desk.violation(
        site, urls=(f"https://{site}/{'path/' * 60}",), note="很长的中文说明" * 30,
        category="a-category-of-a-single-long-word-" * 3, ago=30 * MINUTE,
    )  # fmt: skip
    desk.do(site, c.RecordContact(by="li", incident=1, outcome="no-answer", note="n" * 300))
    desk.do(site, c.ClaimItem(by="wang", item="1"))
    with person(browser, desk, "wang", **look.as_options) as seen:
        for page in (
            "/", "/?mine=1", "/sites", f"/sites/{site}", f"/incidents/{incident}", "/log", "/no",
            "/orders", f"/orders/{incident.partition('-')[0]}-o2.notice", "/hand-over",
            "/search?q=long-long", "/sessions",
        ):  # fmt: skip
            seen.goto(desk.url + page)
            unfold(seen)
            assert (page, look.misfits(seen)) == (page, [])
        seen.locator(".menu > summary").click()
        seen.locator("header form[action='/sign-out'] button").click()
        # Until the next page is there, there is none to be looked at.
        seen.wait_for_url(f"{desk.url}/sign-in")
        assert look.misfits(seen) == []


def test_neither_a_long_mail_address_nor_the_name_of_a_site_is_squeezed_or_hidden(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    site = "a-shop-with-a-rather-long-name.example"
    incident = desk.violation(site, ago=30 * MINUTE)
    desk.do(site, c.EditSite(by="li", email=f"{'long.' * 30}name@{site}"))
    with person(browser, desk, "wang") as wang:
        listen(wang)
        open_item(wang, incident).locator("[data-key=n]").click()
        expect(wang.locator(f"#w-{incident} .number").last).to_contain_text("name@")
        # The list that this brings has come by then.
        hear(wang, desk)
        settle(wang)
        expect(wang.locator(f"#w-{incident} .number").last).to_contain_text("name@")
        mail = wang.locator(f"#w-{incident} .number").last.bounding_box()
        buttons = wang.locator("#item form.outcomes").bounding_box()
        pane = wang.locator("#item").bounding_box()
        wang.set_viewport_size({"width": 360, "height": 900})
        wang.goto(f"{desk.url}/sites?q={site}")
        named = wang.locator(f"a[href='/sites/{site}']").bounding_box()
    assert mail is not None
    assert buttons is not None
    assert pane is not None
    assert mail["y"] + mail["height"] <= buttons["y"]
    assert mail["x"] + mail["width"] <= pane["x"] + pane["width"]
    assert named is not None
    assert named["height"] < 60


_NEWS = """{
    const every = setInterval, Source = EventSource;
    // Not by the look that every page takes each quarter of a minute.
    setInterval = (act, ms) => ms < 15000 ? every(act, ms) : 0;
    window.told = [];
    EventSource = class extends Source {
        constructor(path) {
            super(path);
            this.addEventListener("changed", (event) => told.push(...JSON.parse(event.data).sites));
        }
    };
}"""


def listen(page: Page) -> None:
    """Looks anew, and hears what changes from then on."""
    with page.add_init_script(_NEWS), page.expect_response("**/changes"):
        page.reload()


def hear(page: Page, desk: ConsoleDesk) -> None:
    """Waits until a page that listens has been told of all that was done until now."""
    marker = desk.do(f"marker-{secrets.token_hex(4)}.example", c.AddSite(by="li")).site_id
    page.wait_for_function("id => told.includes(id)", arg=marker)


def settle(page: Page) -> None:
    """Waits until nothing is on its way to the page."""
    expect(page.locator(".htmx-request")).to_have_count(0)


def hold(page: Page, path: str, take: Callable[[Route], T]) -> list[T]:
    """The next answer to that path is kept back, in the list, for as long as the test needs."""
    held: list[T] = []
    page.evaluate("window.htmx && (htmx.config.timeout = 0)")
    first: list[Route] = []

    # It stays for what follows: a route that ends (`times=1`) as the next request sets out has been
    # seen to leave that request without an answer.
    def keep_first(route: Route) -> None:
        if first:
            route.fallback()
            return
        first.append(route)
        held.append(take(route))

    page.route(path, keep_first)
    return held


def is_held(page: Page, held: list[T]) -> T:
    """Waits until it is kept back."""

    def look() -> list[T]:
        page.wait_for_timeout(1)
        return held

    return until(look, "an answer is on its way")[0]


@pytest.mark.both_databases(long="postgresql")
def test_what_others_do_is_seen_at_once_and_takes_nothing_from_who_looks(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    with person(browser, desk, "li") as li, person(browser, desk, "vera") as vera:
        for page in (li, vera):
            listen(page)
        incident = desk.violation("live.example")
        for page in (li, vera):
            page.wait_for_selector(f"#i-{incident}")
        # What somebody has open, and where they are, stays when the list is fresh.
        li.locator(f"#i-{incident} .open").focus()
        other = desk.violation("live-other.example")
        vera.wait_for_selector(f"#i-{other}")
        # What would move their rows waits until they ask for it.
        li.locator("#changes", has_text="1 change: apply").wait_for()
        assert li.locator(f"#i-{other}").count() == 0
        li.keyboard.press("a")
        li.wait_for_selector(f"#i-{other}")
        li.wait_for_function(
            f"() => (document.activeElement.closest('.item') || {{}}).id === 'i-{incident}'"
        )


def test_a_row_that_was_gone_and_comes_back_as_it_was_can_be_worked_again(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    desk.violation("back.example", ago=30 * MINUTE)
    desk.do("back.example", c.RecordContact(by="wang", incident=1, outcome="reached"))
    desk.violation("stays.example")
    with person(browser, desk, "li") as li:
        listen(li)
        row = li.locator("#i-1-1")
        li.locator("#i-2-1 .open").focus()
        desk.do("back.example", c.StateRemoved(by="wang", incident=1))
        expect(row).to_have_class(re.compile("gone"))
        desk.do("back.example", c.TakeBack(by="wang", incident=1, reason="it is still there"))
        expect(row).not_to_have_class(re.compile("gone"))
        assert row.evaluate("row => row.inert") is False
        # What the server writes as before keeps what its visitor did there.
        row.evaluate("row => { row.dataset.mark = 'kept' }")
        desk.do("stays.example", c.ClaimItem(by="wang", item="1"))
        expect(li.locator("#i-2-1 .holder")).to_have_text("wang")
        expect(row).to_have_attribute("data-mark", "kept")


def test_a_console_that_was_asleep_catches_up(browser: Chromium, desk: ConsoleDesk) -> None:
    with person(browser, desk, "li") as li:
        listen(li)
        show(li, hidden=True)
        beside = li.context.new_page()
        beside.goto(desk.url)
        listen(beside)
        incident = desk.violation("asleep.example")
        beside.wait_for_selector(f"#i-{incident}")
        beside.close()
        assert li.locator(f"#i-{incident}").count() == 0
        show(li, hidden=False)
        li.wait_for_selector(f"#i-{incident}")


def show(page: Page, *, hidden: bool) -> None:
    """As when somebody goes to another tab, and comes back."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


# Over HTTP, as without scripts, test_application.py has the answers to an old page, and
# test_shift_page.py the hand-over.
@pytest.mark.long
def test_of_two_who_take_an_item_at_once_one_is_told_who_was_faster(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    incident = desk.violation("two.example")
    with (
        person(browser, desk, "li") as li,
        person(browser, desk, "chen", scripts=False) as chen,
    ):
        for page in (li, chen):
            open_item(page, incident)
        li.locator("#item button[data-key=c]").click()
        li.wait_for_selector("#said .done")
        chen.locator("#item button[data-key=c]").click()
        assert "is claimed by li" in said(chen)
        # What came of a call is not recorded twice either: the page was an old one.
        chen.goto(desk.url)
        record(li, incident, "reached")
        li.wait_for_selector("#item form[action$=removed]")
        chen.locator("#item button[value=no-answer]").click()
        assert "li claimed this" in chen.locator("#ask").inner_text()
        chen.locator("#ask button").click()
        assert "Nothing was done: somebody else acted first" in said(chen)
        assert "li, " in said(chen)
        # At the end of the shift it is the other one's.
        li.goto(f"{desk.url}/hand-over")
        li.select_option("#to", "chen")
        li.select_option("#of", "two.example")
        li.get_by_role("button", name="Hand over").click()
        li.wait_for_selector("#said .done")
        chen.goto(f"{desk.url}/?mine=1")
        assert chen.locator(f"#i-{incident} .holder").inner_text() == "chen"
    [document] = desk.site("two.example")["incidents"]
    assert [each["outcome"] for each in document["contacts"]] == ["reached"]


def test_while_somebody_types_nothing_is_taken_from_them(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    desk.violation("typing.example")
    nobody = c.RecordContact(by="li", incident=1, outcome="no-answer")
    with person(browser, desk, "wang", "/sites/typing.example") as wang:
        listen(wang)
        wang.locator("#act-hold > summary").click()
        wang.fill("#hold-reason", "letter of the")
        desk.do("typing.example", nobody)
        wang.locator("#stale").wait_for()
        assert wang.input_value("#hold-reason") == "letter of the"

        # A fresh page that was on its way before they began comes too late.
        listen(wang)
        held = hold(wang, "**/sites/typing.example", lambda route: route)
        desk.do("typing.example", nobody)
        fresh = is_held(wang, held)
        wang.locator("#act-hold > summary").click()
        wang.fill("#hold-reason", "letter of the police")
        fresh.continue_()
        wang.locator("#stale").wait_for()
        assert wang.input_value("#hold-reason") == "letter of the police"


def test_an_older_list_does_not_take_the_place_of_a_newer_one(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    """One may be kept from before an act of theirs, for as long as nobody has heard of that."""
    incident = desk.violation("older-list.example")
    with person(browser, desk, "li") as li:
        listen(li)
        old = li.request.get(f"{desk.url}/queue/list").text()
        open_item(li, incident).locator("button[data-key=c]").click()
        expect(li.locator(f"#i-{incident} .holder bdi")).to_have_text("li")
        li.route("**/queue/list*", lambda route: route.fulfill(body=old, content_type="text/html"))
        with li.expect_response("**/queue/list*"):
            desk.do("older-list.example", c.EditSite(by="wang", person="Zhao"))
        settle(li)
        assert li.locator(f"#i-{incident} .holder bdi").all_inner_texts() == ["li"]


def test_news_that_comes_while_a_list_is_on_its_way_is_not_lost(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    for site in ("news-first.example", "news-second.example"):
        desk.do(site, c.AddSite(by="li"))
    with person(browser, desk, "li") as li:
        listen(li)
        held = hold(li, "**/queue/list*", lambda route: (route, route.fetch()))
        desk.do("news-first.example", c.Log(by="li"))
        route, written_before = is_held(li, held)
        desk.do("news-second.example", c.Log(by="li"))
        hear(li, desk)
        route.fulfill(response=written_before)
        li.wait_for_selector("#i-2-1")


def test_a_number_that_is_asked_for_while_fresh_details_come_is_shown_in_those(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    incident = desk.violation("asked-for.example")
    with person(browser, desk, "li") as li:
        listen(li)
        held = hold(li, "**/reveal", lambda route: (route, route.fetch(max_redirects=0)))
        open_item(li, incident).locator("button[data-key=n]").click()
        route, shown = is_held(li, held)
        desk.do("asked-for.example", c.ClaimItem(by="chen", item="1"))
        li.wait_for_selector("#item .holder")
        route.fulfill(response=shown)
        expect(li.locator(f"#w-{incident} .number")).to_have_text("+86 10 5555 0100")


def test_what_changed_between_a_page_and_its_first_news_is_seen(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    with person(browser, desk, "li") as li:
        li.goto("about:blank")
        held = hold(li, "**/changes", lambda route: route)
        with li.add_init_script(_NEWS):
            li.goto(desk.url)
        news = is_held(li, held)
        incident = desk.violation("in-between.example")
        news.continue_()
        li.wait_for_selector(f"#i-{incident}")


def test_news_that_come_while_a_call_of_the_page_before_is_sent_again_are_seen(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    desk.violation("left.example", ago=30 * MINUTE)
    with person(browser, desk, "li") as li:
        record(li, "1-1", "no-answer")
        li.locator("#said .done").wait_for()
        sent_again = hold(li, "**/queue/1-1/contact", lambda route: route)
        with li.add_init_script(_NEWS):
            li.goto(desk.url)
        answer = is_held(li, sent_again)
        expect(li.locator("#live")).to_have_class("live")
        incident = desk.violation("meanwhile.example")
        hear(li, desk)
        answer.continue_()
        li.wait_for_selector(f"#i-{incident}")


def test_news_are_asked_for_when_the_page_is_ready_to_act_on_them(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    with person(browser, desk, "li") as li:
        li.goto("about:blank")

        def with_a_slow_script(route: Route) -> None:
            page = route.fetch()
            slow = '<script defer src="/slow.js"></script></head>'
            route.fulfill(response=page, body=page.text().replace("</head>", slow))

        li.route(f"{desk.url}/", with_a_slow_script, times=1)
        slow = hold(li, "**/slow.js", lambda route: route)
        asked: list[str] = []
        li.on("request", lambda request: asked.append(request.url.removeprefix(desk.url)))
        li.goto(desk.url, wait_until="commit")
        held = is_held(li, slow)
        # The console's own script has run.
        li.wait_for_selector("#keys-open:not([hidden])", state="attached")
        assert "/changes" not in asked
        with li.expect_request("**/changes"):
            held.fulfill(body="")


def test_the_last_news_of_a_burst_is_seen_on_a_page_that_has_a_pace(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    with person(browser, desk, "li", "/orders") as li:
        listen(li)
        with li.expect_response("**/orders"):
            desk.violation("burst.example")
        for _ in range(2):
            desk.do("burst.example", c.Log(by="li", again=True))
        closed = li.locator(".order", has_text="burst.example").get_by_role("link", name="close")
        closed.first.wait_for()


def test_the_queue_is_worked_without_a_mouse(browser: Chromium, desk: ConsoleDesk) -> None:
    incident = desk.violation("keys.example")
    with person(browser, desk, "li") as li:
        listen(li)
        assert li.locator(".item.selected").get_attribute("id") == f"i-{incident}"
        li.keyboard.press("j")
        pane = shown(li, incident)
        li.keyboard.press("Enter")
        expect(pane).to_be_focused()
        li.keyboard.press("n")
        number = pane.get_by_role("link", name="+86 10 5555 0100")
        expect(number).to_have_attribute("href", "tel:+861055550100")
        li.keyboard.press("c")
        li.wait_for_selector(f"#i-{incident}.mine")
        # In the details that came with it the number stands in full still.
        expect(li.locator(f"#w-{incident} .number")).to_have_text("+86 10 5555 0100")
        li.keyboard.press("?")
        assert li.locator("dialog[open]").count() == 1
        li.keyboard.press("Escape")
        # The browser closes it in its own time, and no key does anything meanwhile.
        expect(li.locator("dialog[open]")).to_have_count(0)
        # A slip of the finger stops nobody's clock.
        li.keyboard.press("1")
        expect(pane.locator("button[value=reached]")).to_be_focused()
        li.keyboard.press("Enter")
        send_held(li)
        pane.locator("form[action$=removed]").wait_for()
        li.keyboard.press("/")
        li.keyboard.type("keys.example")
        li.keyboard.press("Enter")
        li.wait_for_url("**/sites/keys.example")
        # The same on every page, and among what was found.
        li.keyboard.press("/")
        li.keyboard.type("keys.ex")
        li.keyboard.press("Enter")
        li.wait_for_url("**/search?q=keys.ex")
        li.keyboard.press("j")
        li.keyboard.press("j")
        assert li.locator(".item.selected").get_attribute("id") == f"i-{incident}"
        li.keyboard.press("Enter")
        li.wait_for_url(f"**/incidents/{incident}")
    assert desk.entries("details_revealed")


def test_who_presses_twice_tells_of_no_call_to_somebody_else(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    first = desk.violation("twice-a.example", ago=2 * MINUTE)
    desk.violation("twice-b.example", ago=MINUTE)
    with person(browser, desk, "li") as li:
        listen(li)
        li.locator(f"#i-{first}").focus()
        li.keyboard.press("1")
        li.keyboard.press("Enter")
        # The next one is selected by now, and no button of it.
        expect(li.locator("#i-2-1")).to_be_focused()
        send_held(li)
        expect(li.locator("#said .done")).to_be_visible()
        for key in ("Enter", "Enter", "Enter"):
            li.keyboard.press(key)
            settle(li)
        hear(li, desk)
    assert desk.site("twice-a.example")["incidents"][0]["state"] == "notified"
    assert desk.site("twice-b.example")["incidents"][0]["state"] == "open"


def test_a_number_that_is_shown_in_full_stays_so_while_it_is_the_same(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    incident = desk.violation("in-full.example")
    number = "+86 10 5555 0100"
    at = "/sites/in-full.example"
    with person(browser, desk, "li") as li, person(browser, desk, "wang", at) as wang:
        full = li.locator(f"#w-{incident} .number")
        expect(full).not_to_have_text(number)
        open_item(li, incident).locator("button[data-key=n]").click()
        expect(full).to_have_text(number)
        wang.locator("section[aria-labelledby=h-whom] button").click()
        expect(wang.locator("#whom .number")).to_have_text(number)
        # What others do comes to both, and takes nothing from them.
        desk.do("in-full.example", c.RecordContact(by="zhao", incident=1, outcome="no-answer"))
        expect(li.locator("#item")).to_contain_text("contacts: 1")
        expect(wang.locator("#fresh .story").first).to_contain_text("nobody answered")
        expect(full).to_have_text(number)
        expect(wang.locator("#whom .number")).to_have_text(number)
        # Another number is not shown until it is asked for, and the old one no more.
        desk.do("in-full.example", c.EditSite(by="zhao", phone="+86 20 5555 0199"))
        expect(full).to_have_text("+86 20 •••• ••99")
        expect(wang.locator("#whom .number")).to_have_text("+86 20 •••• ••99")


def test_a_link_for_the_customer_stays_until_it_is_copied_or_revoked(
    browser: Chromium, served: Customers
) -> None:
    incident = served.violation("link.example")
    with person(browser, served, "li", f"/incidents/{incident}") as li:
        li.locator("section[aria-labelledby=h-link] button").first.click()
        link = li.locator("#link code")
        expect(link).to_contain_text("/c/")
        given = link.inner_text()
        served.do("link.example", c.RecordContact(by="wang", incident=1, outcome="no-answer"))
        expect(li.locator("#fresh .story").first).to_contain_text("No answer")
        expect(link).to_have_text(given)
        served.do("link.example", c.RevokeLinks(by="wang", incident=1))
        expect(link).to_have_count(0)
        li.locator("section[aria-labelledby=h-link] button").first.click()
        expect(link).to_contain_text(".r1.")


def test_what_is_chosen_and_not_sent_is_not_taken_back(
    browser: Chromium, desk: ConsoleDesk
) -> None:
    incident = desk.violation("chosen.example")
    with person(browser, desk, "wang", f"/incidents/{incident}") as wang:
        outcome = wang.locator("#act-contact select[name=outcome]")
        expect(outcome).to_have_value("")
        outcome.select_option("no-answer")
        wang.locator("h1").click()
        desk.do("chosen.example", c.RecordContact(by="li", incident=1, outcome="left-message"))
        wang.locator("#stale").wait_for()
        expect(outcome).to_have_value("no-answer")


def test_whatever_is_written_is_text_everywhere(browser: Chromium, desk: ConsoleDesk) -> None:
    site = "hostile.example"
    desk.do(site, c.AddSite(by="li", person=HOSTILE, email=f'"{HOSTILE}"@x.example'))
    made = desk.do(
        site,
        c.Log(by="li", note=HOSTILE, category=HOSTILE, urls=(f"https://{site}/{HOSTILE}",)),
    )
    incident = made.incident_document["id"]
    desk.do(site, c.RecordContact(by="li", incident=1, outcome="reached", note=HOSTILE))
    desk.do(site, c.AddNote(by="li", incident=1, audience="customer", text=HOSTILE))
    desk.do(site, c.SetHold(by="wang", reason=HOSTILE))
    with person(browser, desk, "wang") as wang:
        looked_for = quote(HOSTILE[:50])
        for page in (
            "/", f"/sites/{site}", f"/incidents/{incident}", f"/sites?q={looked_for}",
            f"/search?q={looked_for}",
        ):  # fmt: skip
            wang.goto(desk.url + page)
            assert "taken" not in wang.title()
            assert wang.locator("main img, main script").count() == 0
            assert wang.locator("main a[href^='https:']").count() == 0
        wang.goto(f"{desk.url}/incidents/{incident}")
        assert HOSTILE in wang.locator("main").inner_text()


def test_closing_asks_for_the_name_of_the_site(browser: Chromium, desk: ConsoleDesk) -> None:
    desk.violation("close.example")
    with person(browser, desk, "li", "/sites/close.example") as li:
        act(li, "false-info", field="phone", evidence="no such number", confirm="shop.example")
        assert "type its name" in said(li)
        assert desk.site("close.example")["state"] == "active"
        # What was refused is in its fields still when there is news of the site.
        desk.do("close.example", c.EditSite(by="wang", person="Zhao"))
        li.locator("#stale").wait_for()
        assert li.input_value("#act-false-info [name=evidence]") == "no such number"
        act(li, "false-info", confirm="close.example")
        assert "Nothing was done: somebody else acted first" in said(li)
        act(li, "false-info", confirm="close.example")
        li.wait_for_selector("#said .done")
    assert desk.site("close.example")["rule"] == "false_info"
