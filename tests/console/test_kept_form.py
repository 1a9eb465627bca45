"""What was typed into a form that was not taken, and where it is found again."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from incidents.console import kept_form, result_cache
from incidents.console.result_cache import ResultCache
from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

WORDS = "what was typed"


def place(page: str) -> str:
    """Where the switch of the language leads."""
    [found] = re.findall(r'<input type="hidden" name="to" value="([^"]*)">', page)
    return unescape(found)


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    desk.violation("shop.example")
    return desk


@pytest.mark.parametrize(
    ("path", "fields", "page", "opened"),
    [
        ("/sites/shop.example/unhold", {"reason": WORDS}, "/sites/shop.example", "act-unhold"),
        ("/sites", {"site": "a..b", "person": WORDS}, "/sites", None),
        ("/incidents/1-1/refused", {"note": WORDS}, "/incidents/1-1", "act-refused"),
        ("/log", {"step": "log", "site": "a..b", "note": WORDS}, "/log", "act-log"),
        ("/log", {"step": "look", "paste": WORDS}, "/log", None),
        (
            "/sites/shop.example/filing/server",
            {"label": "Main", "new": "1", "was.city": "", "city": WORDS},
            "/sites/shop.example/filing", "act-server-",
        ),
        ("/policy/try", {"toml": WORDS}, "/policy", None),
        ("/simulate", {"toml": WORDS}, "/simulate", None),
    ],
)  # fmt: skip
def test_a_form_that_is_not_taken_is_found_again_in_another_language(
    desk: ConsoleDesk, path: str, fields: dict[str, Any], page: str, opened: str | None
) -> None:
    wang = Visitor(desk, "supervisor")
    refused = wang.post(path, fields)
    assert refused.status_code in (200, 409, 422)
    found, _, fragment = place(refused.text).partition("#")
    assert (found.partition("?")[0], fragment or None) == (page, opened)
    switched = wang.post("/language", {"language": "zh", "to": place(refused.text)})
    again = wang.get(switched.headers["location"]).text
    assert 'lang="zh-CN"' in again
    assert WORDS in again
    # It is nobody else's.
    assert WORDS not in Visitor(desk, "li").get(found).text


def test_who_proves_who_they_are_finds_it_again_too(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.StateFalse(by="li", field="phone", evidence="none"))
    wang = Visitor(desk, "supervisor")
    desk.ahead = timedelta(minutes=6)
    asked = wang.post("/sites/shop.example/reinstate", {"reason": WORDS, "seen": "1"})
    assert f'value="{WORDS}"' in asked.text
    again = wang.get(place(asked.text)).text
    assert f">{WORDS}</textarea>" in again
    assert re.search('<details class="act" id="act-reinstate" open>', again)


def test_no_password_or_confirmation_is_kept(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[kept_form.KeptForm] = []

    def put(_: object, by: str, thing: kept_form.KeptForm) -> str:
        found.append(thing)
        return by

    monkeypatch.setattr(ResultCache, "put", put)
    secret = {"confirm": "x.example", "password": "a horse", "key": "k1", "second_password": "x"}
    Visitor(desk, "li").post("/incidents/1-1/refused", {**secret, "note": WORDS})
    assert found == [kept_form.KeptForm((("note", WORDS),), "refused")]


def test_a_file_that_was_chosen_is_said_not_to_be_kept(desk: ConsoleDesk) -> None:
    wang, said = Visitor(desk, "supervisor"), "Files are not kept"
    desk.ahead = timedelta(minutes=6)
    for files, is_said in (({}, False), ({"file": ("a.txt", b"x")}, True)):
        asked = wang.post("/sites/shop.example/reinstate", {"reason": WORDS}, **files)
        assert (said in asked.text) == is_said


@pytest.mark.parametrize("path", ["/queue/1-1/contact", "/sign-out", "/nowhere/else"])
def test_of_what_stands_on_no_page_of_its_own_the_queue_is_the_place(path: str) -> None:
    assert kept_form.page_of_form(path) == "/"


def test_an_act_on_a_part_of_the_queue_comes_back_to_it_without_scripts(desk: ConsoleDesk) -> None:
    fields = {"outcome": "no-answer", "seen": "2", "mine": "1", "after": "0.0.1-1"}
    done = Visitor(desk, "li").post("/queue/1-1/contact", fields)
    assert done.headers["location"] == "/?mine=1&after=0.0.1-1&item=1-1"
    page = Visitor(desk, "li").get("/", mine="1", after="0.0.1-1")
    assert page.status_code == 200


def test_the_oldest_results_are_dropped_once_all_have_too_many_bytes() -> None:
    results = ResultCache[str](10)
    half = "x" * (result_cache.MAX_BYTES // 2)
    ids = [results.put("li", half) for _ in range(3)]
    assert [results.get("li", id_) is not None for id_ in ids] == [False, False, True]
    newest = results.put("li", half * 3)
    assert results.get("li", newest) == half * 3, "the next page shows it, however large"
    assert results.get("li", ids[-1]) is None
