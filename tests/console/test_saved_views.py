"""Saved views: filters with a name, which are tabs of their list for those who may see them."""

from __future__ import annotations

import re
import sqlite3
from html import unescape
from typing import Any

import pytest

from incidents.console.pages import saved_views
from incidents.store.accounts import saved_views as stored
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor


def save(who: Visitor, name: str, **more: str) -> Any:
    fields = {"page": "/incidents", "query": "state=open&by=li", "name": name, **more}
    return who.post("/views", fields)


def tabs(who: Visitor, path: str = "/incidents") -> dict[str, str]:
    """The tabs of the list: each one's name, and where it leads."""
    page = unescape(who.get(path).text)
    return {name: to for to, name in re.findall(r'<a href="([^"]+)"[^>]*><bdi>([^<]+)</bdi>', page)}


def view_of(who: Visitor, path: str = "/incidents?state=open&by=li") -> str:
    """The id of the view that is open and may be changed."""
    [found] = re.findall(r'action="/views/(\w+)/change"', who.get(path).text)
    return str(found)


@pytest.mark.both_databases
def test_a_view_is_a_tab_for_its_owner_and_a_shared_one_for_all(desk: ConsoleDesk) -> None:
    li, vera = Visitor(desk, "li"), Visitor(desk, "vera")
    sent = save(li, "Mine today")
    assert sent.headers["location"] == "/incidents?state=open&by=li"
    assert "View saved." in li.get("/incidents").text
    save(li, "Open ones", query="after=x&state=open&no=1", shared="1")
    assert tabs(li) == {
        "Mine today": "/incidents?state=open&by=li", "Open ones": "/incidents?state=open",
    }  # fmt: skip
    assert tabs(vera) == {"Open ones": "/incidents?state=open"}
    assert tabs(li, "/sites") == {}


def test_an_owner_renames_shares_and_deletes_a_view(desk: ConsoleDesk) -> None:
    li, chen = Visitor(desk, "li"), Visitor(desk, "chen")
    save(li, "Mine")
    view = view_of(li)
    assert li.post(f"/views/{view}/change", {"name": "Ours", "shared": "1"}).status_code == 303
    assert list(tabs(chen)) == ["Ours"]
    assert "/change" not in chen.get("/incidents?state=open&by=li").text
    li.post(f"/views/{view}/change", {"name": "Mine"})
    assert (list(tabs(li)), list(tabs(chen))) == (["Mine"], [])
    li.post(f"/views/{view}/delete")
    assert tabs(li) == {}
    assert li.post(f"/views/{view}/delete").headers["location"] == "/"
    assert "this view was deleted" in li.get("/").text


def test_others_change_nothing_but_a_supervisor_what_is_shared(desk: ConsoleDesk) -> None:
    li, chen, wang = (Visitor(desk, who) for who in ("li", "chen", "wang"))
    save(li, "Mine")
    view = view_of(li)
    for who in (chen, wang):
        who.post(f"/views/{view}/change", {"name": "Theirs"})
        who.post(f"/views/{view}/delete")
        assert "only its owner or, if it is shared, a supervisor" in who.get("/").text
    assert list(tabs(li)) == ["Mine"]
    li.post(f"/views/{view}/change", {"name": "Ours", "shared": "1"})
    chen.post(f"/views/{view}/delete")
    assert list(tabs(li)) == ["Ours"]
    wang.post(f"/views/{view}/delete")
    assert tabs(li) == {}


def test_who_only_looks_keeps_views_and_shares_none(desk: ConsoleDesk) -> None:
    vera = Visitor(desk, "vera")
    save(vera, "Mine", shared="1")
    assert 'name="shared"' not in vera.get("/incidents?state=open").text
    assert list(tabs(vera)) == ["Mine"]
    assert tabs(Visitor(desk, "li")) == {}


def test_what_cannot_be_saved_says_why(desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_OWN", 2)
    li = Visitor(desk, "li")
    for name, more, told in (
        ("", {}, "name"),
        ("x" * 61, {}, "60"),
        ("A", {"query": ""}, "Apply a filter first"),
        ("A", {"page": "/audit"}, "This page has no views."),
        ("A", {}, "View saved."),
        ("A", {"query": "state=removed"}, "already have a view named"),
        ("B", {}, "View saved."),
        ("C", {}, "you keep 2 views of this list"),
    ):
        page = li.get(save(li, name, **more).headers["location"]).text
        assert told.casefold() in page.casefold(), (name, more)
    assert list(tabs(li)) == ["A", "B"]


def test_a_name_is_text_whatever_it_is(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li", "zh")
    save(li, HOSTILE[:60], shared="1")
    page = li.get("/incidents?state=open&by=li").text
    assert "<script>document" not in page
    assert unescape(page).count(HOSTILE[:60]) >= 2


def test_the_queue_has_views_of_its_own(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    save(li, "Calls", page="/", query="kind=call")
    assert tabs(li, "/")["Calls"] == "/?kind=call"


def test_a_view_of_ones_own_items_stays_one(desk: ConsoleDesk) -> None:
    li, chen = Visitor(desk, "li"), Visitor(desk, "chen")
    page = unescape(li.get("/", mine="1", kind="call", state="active").text)
    assert 'name="query" value="mine=1&kind=call&state=active"' in page
    assert '<a href="/?mine=1">Clear all' in page
    save(li, "My calls", page="/", query="mine=1&kind=call&after=x", shared="1")
    assert tabs(li, "/")["My calls"] == "/?mine=1&kind=call"
    assert tabs(chen, "/")["My calls"] == "/?mine=1&kind=call"
    assert "/change" in li.get("/", mine="1", kind="call").text
    assert "/change" not in li.get("/", kind="call").text


def test_a_database_that_fails_while_a_view_is_saved_is_unavailable(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(stored, "save", fail)
    answer = save(Visitor(desk, "li"), "Mine")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5")
    assert "disk I/O" not in answer.text
