"""The search's page: what stands where is found, page by page, and is text whatever it is."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from incidents.console.pages import search
from incidents.machine import commands as c
from incidents.store.pages import TooCostlyError
from incidents.views import lists
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

NOTE = "the page shows a fake bank; call +86 10 5555 0100"


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """Five shops, one of which has incidents with notes, addresses and contacts."""
    for n in range(5):
        desk.do(f"shop{n}.example", c.AddSite(by="li", phone="+86 10 5555 0199"))
    reached = c.RecordContact(by="li", incident=1, outcome="reached", note="她会删除")
    for command in (
        c.Log(by="li", note=NOTE, urls=("https://cdn.example/login",)), reached,
        c.Log(by="li", note=HOSTILE, again=True),
    ):  # fmt: skip
        desk.do("shop0.example", command)
    return desk


def hits(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return re.findall(r'<li class="item hit" id="([^"]+)"', answer.text)


def onward(answer: Any) -> list[str]:
    return [unescape(each) for each in re.findall(r'rel="next" href="([^"]+)"', answer.text)]


@pytest.mark.both_databases
def test_sites_addresses_and_notes_are_found_by_a_part(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for q, found in {
        "SHOP3": ["s-4"],
        "fake bank": ["i-1-1"],
        "cdn.example/LOG": ["i-1-1"],
        "她会": ["i-1-1"],
        "shop0": ["s-1", "i-1-1", "i-1-2"],
        "nothing like it": [],
    }.items():
        page = viewer.get("/search", q=q)
        assert hits(page) == found, q
        assert ("No results." in page.text) == (found == []), q
        assert "5555 0100" not in page.text, q


@pytest.mark.both_databases
def test_a_name_is_found_by_a_part_of_either_form(desk: ConsoleDesk) -> None:
    desk.do("xn--fsqu00a.xn--0zwm56d", c.AddSite(by="li"))
    desk.do("xn--fsqu00a.xn--0zwm56d", c.Log(by="li"))
    viewer = Visitor(desk, "viewer")
    for q in ("例", "例子", "子.测", "xn--fsqu", "0ZWM56D"):
        assert hits(viewer.get("/search", q=q)) == ["s-6", "i-6-1"], q
    for q in ("例子.测试", "例子。测试", "xn--fsqu00a.xn--0zwm56d"):
        assert viewer.get("/search", q=q).headers["location"] == "/sites/xn--fsqu00a.xn--0zwm56d"
    for q in ("例外", "ä"):
        assert hits(viewer.get("/search", q=q)) == [], q


def test_nobody_guesses_a_number_digit_by_digit(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for q in ("5555 0100", "5555 0199", "0100"):
        assert hits(viewer.get("/search", q=q)) == [], q


def test_what_is_found_is_text_whatever_it_is(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "operator", "zh").get("/search", q="<script>document")
    assert hits(page) == ["i-1-2"]
    assert "<script>document" not in page.text
    assert HOSTILE in unescape(page.text)


def test_a_name_or_an_id_that_there_is_leads_to_its_page(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for q, page in (("Shop1.Example", "/sites/shop1.example"), (" 1-2 ", "/incidents/1-2")):
        assert viewer.get("/search", q=q).headers["location"] == page
    assert viewer.get("/search", q="1-9").status_code == 200


def test_many_results_come_page_by_page_each_kind_by_itself(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE", 2)
    viewer = Visitor(desk, "viewer")
    first = viewer.get("/search", q="shop")
    assert hits(first) == ["s-1", "s-2", "i-1-1", "i-1-2"]
    [more] = onward(first)
    second = viewer.get(more)
    assert hits(second) == ["s-3", "s-4"]
    assert hits(viewer.get(onward(second)[0])) == ["s-5"]


def test_what_cannot_be_looked_for_is_said_on_the_page(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    assert viewer.get("/search").status_code == 200
    for q in ("a\0b", "x" * 101):
        assert viewer.get("/search", q=q).status_code == 422
    assert (
        "Not a cursor of this list" in viewer.get("/search", q="shop", kind="sites", after="x").text
    )


def test_what_takes_too_long_is_said_and_the_rest_is_shown(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(*_: object, **__: object) -> None:
        raise TooCostlyError(seconds=5)

    monkeypatch.setattr(lists, "sites_page", too_long)
    page = Visitor(desk, "viewer").get("/search", q="shop0")
    assert hits(page) == ["i-1-1", "i-1-2"]
    assert "the limit for a search" in page.text


def test_the_field_stands_on_every_page_and_keeps_what_was_looked_for(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for path in ("/", "/sites", "/orders", "/overview", "/audit", "/policy", "/no"):
        assert '<input id="find" name="q" type="search" value=""' in viewer.get(path).text, path
    assert 'value="a &#34;b&#34;"' in viewer.get("/search", q='a "b"').text


def test_the_register_is_narrowed_page_by_page(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.console.pages.sites.PAGE", 2)
    viewer, found = Visitor(desk, "viewer"), []
    page = viewer.get("/sites", q="SHOP", state="active")
    while True:
        found += re.findall(r"<bdi>(shop\d\.example)</bdi>", page.text)
        if not (more := onward(page)):
            break
        page = viewer.get(more[0])
    assert found == [f"shop{n}.example" for n in range(5)]
    assert "No matching site." in viewer.get("/sites", q="shop", state="closed").text
