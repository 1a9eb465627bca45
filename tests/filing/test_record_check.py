"""The record numbers of a filing: their forms, and whether the area of one can be its area."""

from datetime import date

import pytest

from incidents.filing.checks.finding import Finding
from incidents.filing.checks.record_number import check_record_numbers

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
