"""The numbers of companies and persons: forms, check digits, and what is read out of them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.filing.finding import Finding
from incidents.filing.people import check_identity, organisation_check_digit
from tests.filing.numbers import company, other_check_digit, person

TODAY = date(2026, 3, 1)


def codes(found: list[Finding]) -> list[tuple[str, str, bool]]:
    return [(each.verdict, each.code, each.false) for each in found]


def of_company(number: str) -> list[Finding]:
    return check_identity({"subject_kind": "company", "subject_number": number}, today=TODAY)


def of_person(number: str) -> list[Finding]:
    return check_identity({"subject_kind": "person", "subject_number": number}, today=TODAY)


def test_a_company_number_yields_the_organisation_code_in_it() -> None:
    (found,) = of_company(company(organisation="00000001"))
    assert found.verdict == "ok"
    # 11 less twice the 1 in the last place (GB 11714).
    assert found.facts == {"organisation": "00000001-9"}
    assert found.source == "GB 32100-2015"


@pytest.mark.parametrize(
    "written",
    [company().lower(), f" {company()} ", f"{company()[:9]} {company()[9:]}",
     company().translate({ord("0") + n: chr(ord("０") + n) for n in range(10)})],
)  # fmt: skip
def test_a_company_number_is_read_as_people_write_it(written: str) -> None:
    assert codes(of_company(written)) == [("ok", "company_number_ok", False)]


@pytest.mark.parametrize("issuer", ["11", "51", "91", "N1", "Y1", "A1"])
def test_who_registered_a_company_may_be_told_by_a_letter(issuer: str) -> None:
    assert codes(of_company(company(issuer=issuer))) == [("ok", "company_number_ok", False)]


@pytest.mark.parametrize(
    "number",
    ["", "unknown", company()[:-1], company() + "0", company()[:-1] + "I",
     company()[:2] + "ABCDEF" + company()[8:]],
)  # fmt: skip
def test_what_has_not_the_form_of_a_company_number_is_wrong(number: str) -> None:
    assert codes(of_company(number)) == [("wrong", "company_number_unreadable", True)]


def test_a_wrong_check_digit_says_that_the_company_number_is_false() -> None:
    wrong = other_check_digit(company())
    assert codes(of_company(wrong)) == [("wrong", "company_number_check_digit", True)]


def test_an_organisation_code_with_a_wrong_check_digit_in_a_right_number_is_suspect() -> None:
    from stdnum.cn.uscc import calc_check_digit

    body = "91110105" + "000000010"
    number = body + calc_check_digit(body)
    assert codes(of_company(number)) == [("suspect", "organisation_check_digit", True)]


@pytest.mark.parametrize(
    ("eight", "ninth"),
    [("00000000", "0"), ("00000001", "9"), ("00000005", "1"), ("10000000", "8"),
     ("A0000000", "3"), ("40000000", "X")],
)  # fmt: skip
def test_the_ninth_character_of_an_organisation_code_is_made_of_the_first_eight(
    eight: str, ninth: str
) -> None:
    assert organisation_check_digit(eight) == ninth


def test_an_area_of_a_company_that_no_table_knows_is_a_warning() -> None:
    found = of_company(company(area="119999"))
    assert codes(found) == [
        ("ok", "company_number_ok", False),
        ("unknown", "area_unknown", False),
    ]


@pytest.mark.parametrize(
    ("number", "verdict"),
    [
        (person(), ("ok", "person_number_ok", False)),
        (person(born="20260301"), ("ok", "person_number_ok", False)),
        (person(born="20260302"), ("wrong", "birth_ahead", True)),
        (person(born="19000101"), ("ok", "person_number_ok", False)),
        (person(born="18991231"), ("wrong", "birth_too_early", True)),
        (person(born="19900229"), ("wrong", "birth_impossible", True)),
        (person(born="20000229"), ("ok", "person_number_ok", False)),
        (person(born="00000000"), ("wrong", "birth_impossible", True)),
        (other_check_digit(person()), ("wrong", "person_number_check_digit", True)),
        (person()[:-1], ("wrong", "person_number_unreadable", True)),
        (person() + "0", ("wrong", "person_number_unreadable", True)),
        (company(), ("wrong", "person_number_unreadable", True)),
    ],
)
def test_a_person_number_has_a_check_digit_and_a_day_of_birth(
    number: str, verdict: tuple[str, str, bool]
) -> None:
    assert codes(of_person(number)) == [verdict]


def test_a_last_x_may_be_small() -> None:
    number = next(n for n in (person(order=f"{k:03}") for k in range(100)) if n.endswith("X"))
    assert codes(of_person(number.lower())) == [("ok", "person_number_ok", False)]


@pytest.mark.parametrize(
    ("area", "born", "is_known"),
    [
        ("110105", "19900101", True),
        ("119999", "19900101", False),
        ("510190", "19900101", False),
        # 宝山区 has its code since 1988: who was born before may have been given a number since.
        ("310113", "19800101", True),
        # 南郊区 of Tianjin kept its code to 1991, and 津南区 took it over.
        ("120112", "20200101", True),
        # 崇文区 of Beijing was merged in 2010.
        ("110103", "20100101", True),
        ("110103", "20110101", False),
    ],
)
def test_an_area_of_a_person_has_to_have_been_in_use_since_the_birth(
    area: str, born: str, is_known: bool
) -> None:
    expected = [("ok", "person_number_ok", False)]
    if not is_known:
        expected.append(("unknown", "person_area_unknown", False))
    assert codes(of_person(person(area=area, born=born))) == expected


def test_the_responsible_person_has_a_person_number_whatever_the_subject_is() -> None:
    found = check_identity({"subject_kind": "company", "responsible_number": person()}, today=TODAY)
    assert [(each.field, each.code) for each in found] == [
        ("responsible_number", "person_number_ok")
    ]


@pytest.mark.parametrize("kind", [None, "ship"])
def test_a_number_is_not_judged_before_it_is_known_whose_it_is(kind: str | None) -> None:
    details = {"subject_number": company()} | ({"subject_kind": kind} if kind else {})
    assert codes(check_identity(details, today=TODAY)) == [
        ("unknown", "number_of_unknown_kind", False)
    ]


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 999))
def test_no_finding_repeats_a_part_of_a_person_number(born: date, order: int) -> None:
    number = person(born=f"{born:%Y%m%d}", order=f"{order:03}")
    for number_or_wrong in (number, other_check_digit(number)):
        for found in of_person(number_or_wrong):
            assert found.facts == {}
