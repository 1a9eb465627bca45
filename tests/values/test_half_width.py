"""Half-width text: what a Chinese input method types, read as numbers, times and ids."""

import pytest

from incidents.errors import RefusedError
from incidents.values import inputs
from incidents.values.half_width import half_width


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("１－１", "1-1"),
        ("1—1", "1-1"),
        ("０９：０５", "09:05"),
        ("2026－03－01　09：05", "2026-03-01 09:05"),
        ("＋８６（10）5555　0100", "+86(10)5555 0100"),
        ("６０ｍ", "60m"),
        ("10分钟前", "10分钟前"),
        ("1-1", "1-1"),
    ],
)
def test_full_width_signs_are_read_as_those_of_ascii(typed: str, plain: str) -> None:
    assert half_width(typed) == plain


def test_ids_are_read_in_full_width_and_named_as_typed_when_they_are_unknown() -> None:
    assert inputs.incident("１２－3　") == (12, 3)
    assert inputs.contact("１－１－１") == (1, 1, 1)
    assert inputs.item("1－ｔ２") == (1, "t2")
    assert inputs.order("１－ｏ４５") == (1, 45, "act")
    with pytest.raises(RefusedError) as error:
        inputs.incident("１－－１")
    assert error.value.facts["given"] == "１－－１"


def test_a_number_is_kept_in_half_width_and_a_note_as_written() -> None:
    assert inputs.text("phone", is_half_width=True)("１３８ 0000") == "138 0000"
    assert inputs.text("note")("１３８：号码") == "１３８：号码"
