"""Bulk actions: previewed, then done row by row, once, and none stops another."""

import re
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import expect

from incidents.machine import commands as c
from incidents.store.cases import work
from tests.browser import Chromium
from tests.console.queue_page import shown
from tests.served_desk import ConsoleDesk, Visitor, person

SITES = ("first.example", "second.example", "third.example")


@pytest.fixture
def items(desk: ConsoleDesk) -> list[str]:
    return [desk.violation(site) for site in SITES]


def results(page: Any) -> list[tuple[str, str]]:
    """The rows of the page: each with the class of its result."""
    return re.findall(r'<tr class="(\w+)"><th scope="row">([^<]+)', page.text)


def confirm(who: Visitor, page: Any) -> Any:
    """Send the form of a preview."""
    fields: dict[str, Any] = {"row": []}
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text):
        if name == "row":
            fields["row"].append(unescape(value))
        elif name != "csrf":
            fields.setdefault(name, unescape(value))
    [path] = re.findall(r'action="(/bulk/[^"]+)"', page.text)
    return who.post(path, fields)


def test_a_preview_changes_nothing_and_says_of_each_row_what_would_happen(
    desk: ConsoleDesk, items: list[str]
) -> None:
    desk.do("second.example", c.ClaimItem(by="chen", item="1"))
    li = Visitor(desk, "li")
    page = li.post("/bulk/claim", {"row": [*items, "no-such"]})
    assert results(page) == [
        ("done", items[0]), ("refused", items[1]), ("done", items[2]), ("refused", "no-such"),
    ]  # fmt: skip
    assert "is claimed by chen" in page.text
    assert "Nothing is recorded until you confirm." in page.text
    assert f"To be recorded: {items[0]}" in page.text
    states = re.findall(r'<span class="state (\w+)">([^<]+)', page.text)
    assert [each for each in states if each[0] != "active"] == [
        ("possible", "possible"), ("impossible", "not possible"), ("possible", "possible"),
        ("impossible", "not possible"),
    ]  # fmt: skip
    with desk.app.reading() as connection:
        assert [claim.by for _, _, claim in work.claims_of_sites(connection, [1, 2, 3])] == ["chen"]


def test_what_was_previewed_is_done_row_by_row_and_once(
    desk: ConsoleDesk, items: list[str]
) -> None:
    li = Visitor(desk, "li")
    preview = li.post("/bulk/claim", {"row": items})
    desk.do("second.example", c.ClaimItem(by="chen", item="1"))
    for _ in range(2):
        page = confirm(li, preview)
        assert results(page) == [("done", items[0]), ("refused", items[1]), ("done", items[2])]
    claims = [entry for entry in desk.bodies() if '"item_claimed"' in entry]
    assert len(claims) == 3


def test_reports_to_the_police_are_recorded_together(desk: ConsoleDesk, items: list[str]) -> None:
    li = Visitor(desk, "li")
    page = confirm(li, li.post("/bulk/reported", {"row": items, "back": "/unreported"}))
    assert [tone for tone, _ in results(page)] == ["done"] * 3
    assert 'href="/unreported"' in page.text
    assert all(desk.site(site)["incidents"][0]["reported_at"] for site in SITES)


def test_a_reason_is_asked_for_once_and_kept_for_all_rows(desk: ConsoleDesk) -> None:
    for site in SITES[:2]:
        desk.do(site, c.AddSite(by="li"))
        desk.do(site, c.StateFalse(by="wang", field="phone", evidence="no such number"))
    orders = [f"{n}-o2" for n in (1, 2)]
    wang = Visitor(desk, "wang")
    asked = wang.post("/bulk/cancel", {"row": orders})
    assert results(asked) == []
    preview = wang.post("/bulk/cancel", {"row": orders, "reason": "done by hand"})
    assert [tone for tone, _ in results(preview)] == ["done"] * 2
    assert "done by hand" in preview.text
    done = wang.post("/bulk/cancel/do", {"row": orders, "reason": "done by hand", "key": "k"})
    assert [tone for tone, _ in results(done)] == ["done"] * 2


def test_items_are_handed_over_by_those_who_hold_them(desk: ConsoleDesk, items: list[str]) -> None:
    desk.do("first.example", c.ClaimItem(by="li", item="1"))
    desk.have_account("chen")
    li = Visitor(desk, "li")
    asked = li.post("/bulk/hand-over", {"row": items[:2]})
    assert "<option>chen</option>" in asked.text
    done = li.post("/bulk/hand-over/do", {"row": items[:2], "to": "chen", "key": "k"})
    assert results(done) == [("done", items[0]), ("refused", items[1])]


def test_only_the_chosen_items_of_a_site_are_handed_over_each_with_its_result(
    desk: ConsoleDesk, items: list[str]
) -> None:
    for _ in range(2):
        desk.do("first.example", c.Log(by="li", again=True))
    for item in ("1", "2", "3"):
        desk.do("first.example", c.ClaimItem(by="li", item=item))
    desk.have_account("chen")
    li = Visitor(desk, "li")
    for _ in range(2):
        form = {"row": ["1-3", "1-1"], "to": "chen", "key": "k"}
        assert results(li.post("/bulk/hand-over/do", form)) == [("done", "1-3"), ("done", "1-1")]
    with desk.app.reading() as connection:
        held = {item: of.by for _, item, of in work.claims_of_sites(connection, [1])}
    assert held == {"1": "chen", "2": "li", "3": "chen"}


@pytest.mark.parametrize(
    ("path", "rows", "told"),
    [
        ("/bulk/claim", [], "nothing is selected"),
        ("/bulk/claim", [f"1-{n}" for n in range(101)], "101 rows are selected"),
        ("/bulk/close", ["1-1"], "there is no bulk action"),
    ],
)
def test_what_cannot_be_done_goes_back_to_the_list_and_says_why(
    desk: ConsoleDesk, path: str, rows: list[str], told: str
) -> None:
    li = Visitor(desk, "li")
    answer = li.post(path, {"row": rows, "back": "/?mine=1"})
    assert answer.headers["location"] == "/?mine=1"
    assert told.casefold() in li.get("/", mine="1").text.casefold()


def test_who_may_not_do_it_does_it_to_no_row(desk: ConsoleDesk, items: list[str]) -> None:
    assert Visitor(desk, "vera").post("/bulk/claim", {"row": items}).status_code == 403


def test_rows_are_chosen_by_x_and_shift_and_claimed_together(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    ids = [desk.violation(site) for site in SITES]
    with person(browser, desk, "li") as li:
        shown(li, ids[0])
        expect(li.locator("#bulk")).to_be_hidden()
        li.locator(f"#i-{ids[0]}").focus()
        li.keyboard.press("x")
        li.locator(f"#i-{ids[2]} .kind").click(modifiers=["Shift"])
        expect(li.locator("#bulk")).to_contain_text("3 selected")
        li.locator("#bulk").get_by_role("button", name="Claim").click()
        li.get_by_role("button", name="Confirm").click()
        expect(li.locator("tr.done")).to_have_count(3)
        li.get_by_role("link", name="Back to the list").click()
        expect(li.locator(".item.mine")).to_have_count(3)


def test_choosing_moves_no_row_and_is_cleared_at_once(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    ids = [served_desk.violation(site) for site in SITES]
    with person(browser, served_desk, "li") as li:
        shown(li, ids[0])
        row = li.locator(f"#i-{ids[1]}")
        before = row.bounding_box()
        row.focus()
        li.keyboard.press("x")
        expect(li.locator("#bulk")).to_contain_text("1 selected")
        assert row.bounding_box() == before
        li.locator("#bulk").get_by_role("button", name="Clear").click()
        expect(li.locator("#bulk")).to_be_hidden()
        expect(row.locator("input[name=row]")).not_to_be_checked()


def test_police_reports_and_orders_are_lists_whose_rows_can_be_chosen(desk: ConsoleDesk) -> None:
    desk.violation("first.example")
    desk.do("first.example", c.StateFalse(by="wang", field="phone", evidence="no such number"))
    wang, li = Visitor(desk, "wang"), Visitor(desk, "li")
    for path, row, act in (
        ("/unreported", "1-1", "reported"), ("/orders", "1-o3", "retry"),
        ("/orders", "1-o3", "cancel"), ("/", "1-1", "hand-over"),
    ):  # fmt: skip
        page = wang.get(path).text
        assert f'form="bulk" name="row" value="{row}"' in page
        assert f'formaction="/bulk/{act}"' in page
    # What somebody may not do is not shown.
    assert "/bulk/cancel" not in li.get("/orders").text
