"""The remark: what a form says, and what is not one."""

from __future__ import annotations

from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.console import customer_view
from incidents.console.customer_view import TooLongError, UnreadableError
from incidents.desk.text import MAX_WORDS, refused_text
from incidents.machine.commands import SayRemoved


def _form(text: str) -> bytes:
    return f"remark={quote_plus(text)}".encode()


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_whatever_is_typed_can_be_recorded(text: str) -> None:
    found = customer_view.read(_form(text))
    assert refused_text(SayRemoved(incident=1, note=found)) is None
    assert found is None or found == found.strip() != ""


@given(st.binary(max_size=200))
def test_whatever_is_sent_is_a_remark_or_unreadable(body: bytes) -> None:
    try:
        found = customer_view.read(body)
    except UnreadableError:
        return
    assert unquote_plus(body.partition(b"=")[0].decode()) == "remark"
    assert found is None or found


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", None), (" \r\n\t", None), ("gone", "gone"), (" 已删除 \r\n", "已删除"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"), ("a\tb", "a\tb"), ("a\0b\x1bc\x85d\u2028e", "a b c d e"),
        ("a+b=c&d", "a+b=c&d"),
    ],
)  # fmt: skip
def test_line_ends_are_one_kind_and_controls_are_spaces(typed: str, kept: str | None) -> None:
    assert customer_view.read(_form(typed)) == kept


def test_the_longest_remark_is_the_longest_that_the_desk_takes() -> None:
    assert customer_view.MAX_CHARACTERS == MAX_WORDS
    longest = "字" * MAX_WORDS
    assert customer_view.read(_form(f" {longest}\r\n")) == longest
    with pytest.raises(TooLongError) as refused:
        customer_view.read(_form(longest + "s"))
    assert refused.value.remark == longest + "s"
