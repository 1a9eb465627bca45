"""The quota of acts in the console: one with that of the API, and what was typed is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from incidents.api.authentication import CSRF_HEADER
from tests.browser import Chromium
from tests.served_desk import ConsoleDesk, Visitor, open_desk, person, serving


def send(who: Visitor, path: str, **fields: str) -> Any:
    return who.post(path, fields)


@pytest.fixture
def hurried(db_url: str, tmp_path: Path) -> Iterator[ConsoleDesk]:
    """A desk where an account may do two acts a minute."""
    few = "[serve]\nacts_per_minute = 2\n"
    with open_desk(db_url, tmp_path, few, as_=ConsoleDesk) as opened:
        yield opened


@pytest.mark.parametrize(
    ("language", "told"), [("en", "can do 2 actions a minute"), ("zh", "每分钟最多可进行 2 次操作")]
)
def test_beyond_the_quota_an_act_waits_and_what_was_typed_is_kept(
    hurried: ConsoleDesk, language: str, told: str
) -> None:
    hurried.violation("shop.example")
    li, note = Visitor(hurried, "li", language), "she calls back at noon"
    for n in range(2):
        assert send(li, "/incidents/1-1/note", text=f"note {n}", key=f"k{n}").status_code == 303
    assert send(li, "/incidents/1-1/note", text="note 1", key="k1").status_code == 303, (
        "done before"
    )
    refused = send(li, "/incidents/1-1/note", text=note)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert told in refused.text
    assert f'name="text" value="{note}"' in refused.text
    back = re.search(r'href="(/incidents/1-1\?kept=[^"#]+)', refused.text)
    assert back is not None
    assert note in li.get(back[1]).text
    open_page = {"hx-request": "true"}
    li.client.headers.update(open_page)
    aloud = send(li, "/incidents/1-1/note", text=note)
    assert (aloud.status_code, "retry-after" in aloud.headers) == (429, True)
    assert told in aloud.text
    assert "<form" not in aloud.text, "nothing takes the place of what was typed"
    assert li.client.post("/queue/1-1/claim", data={"csrf": li.csrf}).status_code == 429
    assert note not in li.get("/incidents/1-1").text


def test_an_account_has_one_quota_in_the_console_and_over_the_api(hurried: ConsoleDesk) -> None:
    hurried.violation("shop.example")
    li = Visitor(hurried, "li")
    session = {CSRF_HEADER: li.csrf}
    for n in range(5):
        asked = li.client.post(
            "/api/v1/incidents/1-1/notes?dry_run=true", json={"text": f"{n}"}, headers=session
        )
        assert asked.status_code == 201, asked.text
        assert send(li, "/incidents/1-1/note", text="").status_code == 409
    assert send(li, "/incidents/1-1/note", text="the first").status_code == 303
    first = li.client.post("/api/v1/incidents/1-1/notes", json={"text": "b"}, headers=session)
    assert first.status_code == 201
    assert send(li, "/incidents/1-1/note", text="the third").status_code == 429
    again = li.client.post("/api/v1/incidents/1-1/notes", json={"text": "c"}, headers=session)
    assert again.status_code == 429


@pytest.mark.long
def test_in_an_open_page_it_is_told_and_what_was_typed_stands_where_it_was(
    hurried: ConsoleDesk, browser: Chromium
) -> None:
    hurried.violation("shop.example")
    li = Visitor(hurried, "li")
    for n in range(2):
        assert send(li, "/incidents/1-1/note", text=f"note {n}").status_code == 303
    with serving(hurried), person(browser, hurried, "li", "/incidents/1-1") as page:
        page.fill("#note-text", "she calls back")
        page.locator("section[aria-labelledby=h-notes] form > button").click()
        expect(page.locator("#said .refused")).to_contain_text("can do 2 actions a minute")
        assert page.input_value("#note-text") == "she calls back"
