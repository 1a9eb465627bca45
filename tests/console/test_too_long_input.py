"""What is too long: nothing is cut without a word, and what was typed stands in the form again."""

from __future__ import annotations

import re

import pytest

from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

SITE = "shop.example"
LONG = "字" * 5_000


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """A site with an incident, and one attempt to reach somebody."""
    desk.violation(SITE)
    desk.do(SITE, c.RecordContact(by="li", incident=1, outcome="no-answer"))
    return desk


@pytest.mark.parametrize(
    ("path", "field", "fields"),
    [
        ("/incidents/1-1/note", "text", {"audience": "desk"}),
        ("/incidents/1-1/contact", "note", {"outcome": "no-answer"}),
        ("/incidents/1-1/void-contact", "reason", {"contact": "1-1-1"}),
        ("/sites/shop.example/hold", "reason", {}),
        ("/log", "note", {"step": "log", "site": "shop.example"}),
    ],
)
def test_what_is_too_long_is_refused_in_words_and_stands_in_its_field_again(
    desk: ConsoleDesk, path: str, field: str, fields: dict[str, str]
) -> None:
    again = Visitor(desk, "supervisor").post(path, {**fields, field: LONG})
    assert again.status_code == 409
    assert "5,000 characters; the limit is 4,000" in again.text
    assert f">{LONG}</textarea>" in again.text
    assert not re.search(f'<p class="quote">{LONG}', again.text)


def test_no_browser_cuts_what_is_pasted_into_a_text_without_a_word(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    for page in ("/log", "/incidents/1-1", "/sites/shop.example", "/policy", "/simulate"):
        areas = re.findall("<textarea[^>]*>", wang.get(page).text)
        assert areas, page
        assert not [area for area in areas if "maxlength" in area], page


def test_a_mail_that_is_too_long_to_be_searched_is_refused_rather_than_searched_in_part(
    desk: ConsoleDesk,
) -> None:
    mail = "x " * 50_000 + "https://shop.example/a"
    again = Visitor(desk, "operator").post("/log", {"step": "look", "paste": mail})
    assert again.status_code == 409
    assert "100,022 characters; the limit is 100,000" in again.text
    assert f">{mail}</textarea>" in again.text


def test_a_site_that_is_not_taken_in_keeps_what_was_typed_of_it(desk: ConsoleDesk) -> None:
    typed = {"site": "new.example", "phone": "+86 10 5555 0100 " * 5, "person": "Zhang"}
    again = Visitor(desk, "operator").post("/sites", typed)
    assert again.status_code == 409
    assert "the limit is 64" in again.text
    for field, value in typed.items():
        assert f'name="{field}" value="{value}"' in again.text
