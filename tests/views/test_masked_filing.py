"""The masked details of a filing: no number or address of anybody's stands in one in full."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from incidents.machine.filing import FIELDS, SEALED_FIELDS
from incidents.views import masked
from tests.filing.numbers import company, person

NUMBER, MAIL = "+86 138 0013 8000", "wang@shop.example"


def test_of_a_number_in_papers_the_last_two_characters_stay() -> None:
    for number in (person(), company()):
        assert masked.identity(number) == f"{'•' * 16}{number[-2:]}"
    assert masked.identity("11010119900101000x 备") == "•••••••••••••••••x 备"
    assert masked.identity("123456") == "••••••"


@given(st.text(max_size=80))
def test_no_number_in_papers_shows_more_than_two_signs(text: str) -> None:
    shown = masked.identity(text)
    assert len(shown) == len(text)
    assert sum(character.isalnum() for character in shown) <= 2


def test_no_sealed_detail_shows_a_number_or_an_address() -> None:
    for key in SEALED_FIELDS:
        for text in (NUMBER, MAIL, f"ring {NUMBER} or write to {MAIL}"):
            [shown] = masked.document({key: text}).values()
            assert NUMBER not in shown, key
            assert MAIL not in shown, key
            assert re.search(r"\d{5}", shown) is None, key


def test_what_says_nothing_about_a_person_is_shown() -> None:
    details = {key: "2026-01-02 192.0.2.71" for key in FIELDS if key not in SEALED_FIELDS}
    assert masked.document(details) == details


def test_of_a_server_its_place_is_masked_and_its_addresses_stay() -> None:
    server = {"ip": "192.0.2.71 192.0.2.172", "count": "2", "place": f"ring {NUMBER}"}
    shown = {**server, "place": "ring +86 ••• •••• ••00"}
    text = json.dumps(server, sort_keys=True, separators=(",", ":"))
    assert masked.document({"server.main": server}) == {"server.main": shown}
    assert json.loads(masked.document({"server.main": text})["server.main"]) == shown
    for broken in (NUMBER, "[" * 5_000, '"138 0013 8000"'):
        assert masked.document({"server.main": broken}) == {"server.main": "•••"}
    assert masked.document({"server.main": None}) == {"server.main": None}
