"""The masked: never more of a number or an address than its code, its ends and its domain."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.views import masked
from incidents.views.masked import DOT

_SEPARATORS = " -.()（）－"
_ODD_DIGITS = "0123456789０１２３４５６７８９٠١٢٣٤٥٦٧٨٩²③Ⅷ"
_NUMBERS = st.text(alphabet=_ODD_DIGITS + _SEPARATORS + "+＋x#转/,;ext分机abzw中@\n", max_size=60)
_DIGIT_RUNS = st.text(alphabet="0123456789", min_size=8, max_size=8)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+86 10 5555 0100", "+86 10 •••• ••00"),
        ("+86 (0)10 5555 0100", "+86 (0)10 •••• ••00"),
        ("0086 755 5555 0100", "0086 755 •••• ••00"),
        ("010-55550100", "010-••••••00"),
        ("0755 5555 0100", "0755 •••• ••00"),
        ("5555 0100", "•••• ••00"),
        # With its code and its end too little of it would be hidden.
        ("010 555 010", "••• ••• •10"),
        # A mobile number has no area: what it begins with is the person's.
        ("+86 130 0000 0000", "+86 ••• •••• ••00"),
        ("130 0000 0000", "••• •••• ••00"),
        ("+1 (212) 555-0100", "+1 (212) •••-••00"),
        ("+44 20 7946 0100", "+44 •• •••• ••00"),
        ("+852 0000 0100", "+852 •••• ••00"),
        ("＋８６ １０ ５５５５ ０１００", "＋８６ １０ •••• ••００"),
        # Several numbers, each for itself; an extension is hidden whole.
        ("010 5555 0100 / 130 0000 0002", "010 •••• ••00 / ••• •••• ••02"),
        ("010 5555 0100 ext. 12", "010 •••• ••00 •••. ••"),
        ("010 5555 0100 转 8012", "010 •••• ••00 • ••••"),
        # Too short to hide anything but all of it.
        ("95187", "•••••"),
        ("110", "•••"),
        ("555 010", "••• •••"),
        ("1-800-FLOWERS", "•-•••-•••••••"),
        ("wang@mail.example", "•••••••••.•••••••"),
        ("③③③③③③③③", "••••••••"),
        ("", ""),
    ],
)
def test_a_number_keeps_its_code_and_its_last_two_digits(number: str, shown: str) -> None:
    assert masked.phone(number) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("wang@shop.example", "w•••@shop.example"),
        ("王伟@公司.example", "王•••@公司.example"),
        ("wang@shop.example, li@mail.example", "w•••@shop.example, l•••@mail.example"),
        ("Wang Wei <wang@shop.example>", "••• ••• <w•••@shop.example>"),
        ("a@b@c.example", "a•••@c.example"),
        # One letter would be all of it.
        ("w@shop.example", "•••@shop.example"),
        # What is no address may be anything.
        ("shop.example", "•••"),
        ("wang@localhost", "•••"),
        ("wang@130.0000.0000", "•••"),
        ("wang@13000000000.example", "•••"),
        ("wang@shop.example13000000000", "•••"),
        ("", ""),
    ],
)
def test_an_address_keeps_its_first_letter_and_its_domain(address: str, shown: str) -> None:
    assert masked.address(address) == shown


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("Wang Wei", "Wang Wei"),
        ("his wife: 130 0000 0000", "his wife: ••• •••• ••00"),
        ("to 010 5555 0100 or wang@shop.example.", "to 010 •••• ••00 or w•••@shop.example."),
        ("联系他wang@shop.example或13000000000", "联•••@shop.example或•••••••••00"),
        ("seen 2026-03-01 10:05 and 2026-03-02", "seen 2026-03-01 10:05 and 2026-03-02"),
        ("3 pages, 12 pictures", "3 pages, 12 pictures"),
        ("on 2026/03/01, 1/3/2026 and 2026.3.1.", "on 2026/03/01, 1/3/2026 and 2026.3.1."),
        ("called 3\n2026-03-01 10:05 again", "called 3\n2026-03-01 10:05 again"),
        ("12-3/12-4, 3/4 of 1203-1", "12-3/12-4, 3/4 of 1203-1"),
        ("130/0000/0000", "•••/••••/••••"),
        ("130\r\n0000 0000", "•••\r\n•••• ••00"),
    ],
)
def test_what_looks_like_a_number_or_an_address_is_masked_in_words_too(
    note: str, shown: str
) -> None:
    assert masked.words(note) == shown


@pytest.mark.parametrize(
    "between",
    ["\xa0", "\u2009", "\u202f", "\u3000", "\u200b", "\u2060", "\ufeff", "\xad", "·", "・", "•",
     "_", "/", "／", "−", "\n", "\r\n", "\u2028", "\x85", " · ", " / ", "\u2044", "ー", "﹣",
     "、", "，", ":", "：", "~", "～", "*", "＊", "  -  ", "\n    "],
)  # fmt: skip
def test_a_number_is_one_whatever_people_and_programs_put_between_its_digits(between: str) -> None:
    shown = masked.words(f"call 130{between}0000{between}1234 today")
    assert re.sub(r"\D", "", shown) in ("", "34")
    assert [word for word in shown.split() if word.isalpha()] == ["call", "today"]
    assert between in shown


@given(_NUMBERS)
@example("+86105555010 x 1")
@example("0" * 60)
@example("+" + "1" * 7)
def test_no_number_ever_shows_more_than_its_code_and_its_last_two_digits(text: str) -> None:
    shown = masked.phone(text)
    assert len(shown) == len(text)
    for character, was in zip(shown, text, strict=True):
        assert character in (was, DOT)
        assert not character.isalnum() or character.isdecimal()
    for part, was in zip(_split(shown), _split(text), strict=True):
        digits = [c for c, w in zip(part, was, strict=True) if w.isdecimal()]
        kept = [n for n, c in enumerate(digits) if c != DOT]
        if not kept:
            continue
        # A code at the beginning: 00, a country's three, a zero, an area's three.
        code = next((n for n, c in enumerate(digits) if c == DOT), len(digits))
        assert code <= 9
        hidden = [n for n, c in enumerate(digits) if c == DOT]
        assert len(hidden) >= 5
        assert set(kept) <= {*range(code), *range(len(digits))[-2:]} | _tail(hidden, digits)
        assert len([n for n in kept if n >= code]) <= 2


def _tail(hidden: list[int], digits: list[str]) -> set[int]:
    """The two last digits before an extension, all of which is hidden."""
    end = len(digits)
    while end and digits[end - 1] == DOT:
        end -= 1
    return {end - 1, end - 2}


def _split(text: str) -> list[str]:
    return re.split(r"[/,;|\n]", text)


@given(st.sampled_from(["", "+86 10 ", "010-", "+86 755 ", "0086755", "+1 212 "]), _DIGIT_RUNS)
def test_a_subscriber_s_number_is_hidden_but_for_its_end(code: str, number: str) -> None:
    shown = masked.phone(code + number)
    assert shown.endswith((DOT * 6 + number[-2:], DOT * 5 + number[-2:]))
    assert number not in shown
    assert number[:6] not in shown


@given(_NUMBERS)
def test_what_is_shown_of_a_number_shows_no_more_when_it_is_masked_again(text: str) -> None:
    once = masked.phone(text)
    again = masked.phone(once)
    assert all(c in (w, DOT) for c, w in zip(again, once, strict=True))


@given(
    st.text(alphabet="abcdefgh.-_+123456789中", min_size=2, max_size=40),
    st.sampled_from(["mail.example", "a.test", "公司.example"]),
)
def test_no_address_ever_shows_more_than_one_character_before_its_domain(
    local: str, domain: str
) -> None:
    shown = masked.address(f"{local}@{domain}")
    before, _, after = shown.rpartition("@")
    assert after == domain
    assert before.removesuffix(DOT * 3) in ("", local[0])


@given(
    st.text(alphabet="abc wei 张，:", max_size=20),
    st.sampled_from(["{}", "+86 10 {}", "({})", "tel:{};", "{} x", "@{}"]),
    st.tuples(*[st.sampled_from("123456789")] * 8).map("".join),
    st.sampled_from(["", " - ", "转"]),
)
def test_a_number_in_words_shows_at_most_its_last_two_digits(
    before: str, form: str, number: str, after: str
) -> None:
    shown = masked.words(f"{before}{form.format(number)}{after}")
    assert number[:6] not in shown
    assert number not in re.sub(r"\D", "", shown)


@given(st.text(max_size=200))
def test_anything_can_be_masked(text: str) -> None:
    masked.words(text)
    assert len(masked.phone(text)) == len(text)
    shown = masked.address(text)
    assert not any(character.isdecimal() for character in shown.partition("@")[0])


def test_what_is_not_on_file_stays_away_and_a_name_is_no_secret() -> None:
    told = {"phone": None, "email": "li@shop.example", "person": "Li Na", "note": None}
    assert masked.details(told) == {
        "phone": None, "email": "l•••@shop.example", "person": "Li Na", "note": None,
    }  # fmt: skip


def test_of_a_line_of_our_own_only_the_words_that_it_quotes_are_masked() -> None:
    ours = "Policy sha256:bd8a1234567890, incidents site why 4008001234.example"
    hostile = "Held: “” call 138 0013 8000 “wang@shop.example”, since http://a.example/4008001234"
    shown = masked.document({"text": [ours, hostile]})["text"]
    assert shown[0] == ours
    assert "138 0013" not in shown[1]
    assert "wang" not in shown[1]
    assert shown[1].endswith("”, since http://a.example/4008001234")


def test_a_document_is_masked_at_any_depth_and_nothing_else_of_it_changes() -> None:
    told = "call +86 138 0013 8000 or wang@shop.example"
    document: dict[str, Any] = {
        "id": "1380013800-1", "phone": "+86 138 0013 8000", "email": None, "urls": ["http://a/1380013800"],
        "incidents": [{"note": told, "contacts": [{"note": told}], "evidence": [{"name": told}]}],
        "hold": {"reason": told}, "text": [f"held: “{told}”"], "policy": "sha256:1380013800",
        "timeline": [{"words": f"1-1 logged: “{told}”", "said": told}], "number": 1380013800,
    }  # fmt: skip
    shown = masked.document(document)
    assert "138 0013" not in str(shown)
    assert "wang" not in str(shown)
    assert shown["timeline"][0]["words"].startswith("1-1 logged: “call +86")
    same = ("id", "email", "urls", "policy", "number")
    assert {name: shown[name] for name in same} == {name: document[name] for name in same}
    assert document["phone"] == "+86 138 0013 8000", "the one that was given stays as it is"


def test_of_an_address_as_it_was_written_what_may_be_a_password_is_masked() -> None:
    same = ["http:\\\\shop.example\\li@home", "http://a/b"]
    written = ["http://li:pass@word@shop.example/@a", "HTTP:\\\\li@a", *same]
    shown = masked.document({"urls_written": written})["urls_written"]
    assert shown == ["http://•••@shop.example/@a", "HTTP:\\\\•••@a", *same]
