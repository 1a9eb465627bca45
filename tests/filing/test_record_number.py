"""Record numbers: read as people write them, in one form only, and of an area that can be its."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.filing.area import CHARACTERS, PROVINCES, of_area, of_character
from incidents.filing.finding import Finding
from incidents.filing.record_number import (
    Icp,
    check_record_numbers,
    read_icp,
    read_licence,
    read_public_security,
)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("京ICP备12345678号-1", "京ICP备12345678号-1"),
        ("京ICP备12345678号", "京ICP备12345678号"),
        ("京icp备12345678号-12", "京ICP备12345678号-12"),
        ("  京 ICP 备 12345678 号 - 1 ", "京ICP备12345678号-1"),
        ("京ＩＣＰ备１２３４５６７８号－１", "京ICP备12345678号-1"),
        ("京ICP备12345678号—1", "京ICP备12345678号-1"),
        ("京ICP备12345678-1", "京ICP备12345678号-1"),
        ("京ICP备12345678号-01", "京ICP备12345678号-1"),
        ("京\u200bICP备12345678号\u3000", "京ICP备12345678号"),
        ("蜀ICP备2026000001号", "蜀ICP备2026000001号"),
        ("京ICP备案12345678号", "京ICP备12345678号"),
    ],
)
def test_an_icp_number_is_read_as_people_write_it(written: str, kept: str) -> None:
    assert str(read_icp(written)) == kept


@pytest.mark.parametrize(
    ("digits", "is_one"), [(7, False), (8, True), (10, True), (11, False)]
)  # fmt: skip
def test_an_icp_number_has_8_to_10_digits(digits: int, is_one: bool) -> None:
    assert (read_icp(f"京ICP备{'1' * digits}号") is not None) is is_one


@pytest.mark.parametrize(
    "text",
    [
        "", "京ICP备", "ICP备12345678号", "美ICP备12345678号", "京ICP证12345678号",
        "京ICP备12345678号-0", "京ICP备12345678号-1 京公网安备 11010502000001号",
        "京ICP备123456七八号", "京ICP备١٢٣٤٥٦٧٨号",
    ],
)  # fmt: skip
def test_what_is_no_icp_number_is_none(text: str) -> None:
    assert read_icp(text) is None


def test_the_number_of_a_subject_is_that_of_each_of_its_sites() -> None:
    first, second = read_icp("京ICP备12345678号-1"), read_icp("京ICP备12345678号-2")
    assert first is not None
    assert second is not None
    assert first != second
    assert first.subject == second.subject == "京ICP备12345678号"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("京ICP证150476号", "京ICP证150476号"),
        ("京 ICP 证 150476 号", "京ICP证150476号"),
        ("粤B2-20090059", "粤B2-20090059"),
        ("粤b2—20090059号", "粤B2-20090059"),
        ("B1.B2-20090059", "B1.B2-20090059"),
        ("合字B2-20090059", "B2-20090059"),
        ("粤B1、B2-20090059", "粤B1.B2-20090059"),
    ],
)
def test_a_licence_is_one_of_the_web_alone_or_one_of_telecom_services(
    written: str, kept: str
) -> None:
    assert str(read_licence(written)) == kept


@pytest.mark.parametrize(
    "text",
    ["", "京ICP证15047号", "京ICP备12345678号", "粤B2-2009005", "粤C2-20090059", "粤B220090059"],
)
def test_what_is_no_licence_is_none(text: str) -> None:
    assert read_licence(text) is None


@pytest.mark.parametrize(
    "written",
    [
        "京公网安备 11010502000001号", "京公网安备11010502000001号", "京公网安备11010502000001",
        "11010502000001", "京公网安备　１１０１０５０２０００００１号",
        "京公网安备案11010502000001号",
    ],
)  # fmt: skip
def test_a_public_security_number_is_written_in_one_form(written: str) -> None:
    found = read_public_security(written)
    assert str(found) == "京公网安备 11010502000001号"
    assert found is not None
    assert found.area == "110105"


@pytest.mark.parametrize(
    ("digits", "is_one"), [(10, False), (11, True), (14, True), (15, False)]
)  # fmt: skip
def test_a_public_security_number_has_11_to_14_digits(digits: int, is_one: bool) -> None:
    code = "110105" + "0" * (digits - 6)
    assert (read_public_security(f"京公网安备 {code}号") is not None) is is_one


def test_a_code_of_no_province_is_shown_alone() -> None:
    assert str(read_public_security("99010502000001")) == "99010502000001"


@given(st.sampled_from(CHARACTERS), st.from_regex("[0-9]{8,10}", fullmatch=True),
       st.none() | st.integers(1, 99_999).map(str))  # fmt: skip
def test_an_icp_number_that_is_written_is_read_again(
    province: str, digits: str, suffix: str | None
) -> None:
    number = Icp(province, digits, suffix)
    assert read_icp(str(number)) == number


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    for read in (read_icp, read_licence, read_public_security):
        found = read(text)
        assert found is None or read(str(found)) is not None


def test_the_31_provinces_are_found_by_their_characters_and_by_their_areas() -> None:
    assert len(PROVINCES) == 31
    assert len(set(CHARACTERS)) == len(CHARACTERS)
    for province in PROVINCES:
        assert of_area(province.area + "0000") is province
        assert all(of_character(each) is province for each in province.characters)
    assert of_area("99") is of_character("美") is None


TODAY = date(2026, 3, 1)


def codes(**details: str) -> list[tuple[str, str]]:
    return [(each.verdict, each.code) for each in found(**details)]


def found(**details: str) -> list[Finding]:
    return check_record_numbers(details, today=TODAY)


@pytest.mark.parametrize(
    ("field", "written", "number"),
    [
        ("icp_number", "京 icp备１２３４５６７８号－１", "京ICP备12345678号-1"),
        ("icp_licence", "京ICP证 150476号", "京ICP证150476号"),
        ("icp_licence", "粤B2-20090059", "粤B2-20090059"),
        ("public_security_number", "11010502000001", "京公网安备 11010502000001号"),
    ],
)
def test_a_number_is_given_back_in_its_one_form(field: str, written: str, number: str) -> None:
    (each,) = found(**{field: written})
    assert (each.verdict, each.field, each.facts) == ("ok", field, {"number": number})


@pytest.mark.parametrize("field", ["icp_number", "icp_licence", "public_security_number"])
@pytest.mark.parametrize("text", ["", "applied for", "京12345678"])
def test_what_is_no_number_is_wrong_but_may_be_the_desk_s_own_slip(field: str, text: str) -> None:
    (each,) = found(**{field: text})
    assert (each.verdict, each.field, each.false) == ("wrong", field, False)


@pytest.mark.parametrize(
    ("number", "verdicts"),
    [
        ("京公网安备 11010502000001号", [("ok", "public_security_ok")]),
        ("川公网安备 51010402000001号", [("ok", "public_security_ok")]),
        ("蜀公网安备 51010402000001号", [("ok", "public_security_ok")]),
        ("沪公网安备 11010502000001号", [("wrong", "public_security_other_province")]),
        ("京公网安备 99010502000001号", [("wrong", "public_security_other_province")]),
        ("99010502000001", [("ok", "public_security_ok"), ("unknown", "area_unknown")]),
        (
            "川公网安备 51019002000001号",
            [("ok", "public_security_ok"), ("unknown", "area_unknown")],
        ),
    ],
)
def test_the_character_and_the_area_of_a_number_are_of_one_province(
    number: str, verdicts: list[tuple[str, str]]
) -> None:
    assert codes(public_security_number=number) == verdicts


@pytest.mark.parametrize(
    ("approved_on", "warned"),
    [("2010-12-31", False), ("2011-01-01", True), (None, True), ("some day", True)],
)
def test_an_area_is_judged_in_the_year_of_the_approval_or_today(
    approved_on: str | None, warned: bool
) -> None:
    # 崇文区 of Beijing was merged in 2010.
    details = {"public_security_number": "京公网安备 11010302000001号"}
    if approved_on is not None:
        details["approved_on"] = approved_on
    warnings = [each for each in found(**details) if each.verdict == "unknown"]
    assert [each.code for each in warnings] == (["area_of_other_years"] if warned else [])
    assert all(each.facts["name"] == "崇文区" for each in warnings)
