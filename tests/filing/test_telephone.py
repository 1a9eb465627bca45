"""Phone numbers: what cannot exist, what looks made up, and whose service numbers are nobody's."""

import pytest

from incidents.filing.finding import Finding
from incidents.filing.people import check_phones


def phone_finding(text: str, field: str = "responsible_phone") -> Finding:
    (found,) = check_phones({field: text})
    assert found.field == field
    return found


@pytest.mark.parametrize(
    ("text", "country", "kind"),
    [
        ("010-5555 0100", "+86", "fixed_line"),
        ("(010) 5555-0100", "+86", "fixed_line"),
        ("+86 10 5555 0100", "+86", "fixed_line"),
        ("０１０－５５５５０１００", "+86", "fixed_line"),
        ("010-55550100转123", "+86", "fixed_line"),
        ("010-55550100 ext. 12", "+86", "fixed_line"),
        # One of those that Australia keeps for fiction.
        ("+61 491 570 006", "+61", "mobile"),
        ("+1 201 555 0123", "+1", "fixed_line_or_mobile"),
    ],
)
def test_a_number_that_can_exist_is_ok_in_whichever_country(
    text: str, country: str, kind: str
) -> None:
    found = phone_finding(text)
    assert (found.verdict, found.code) == ("ok", "phone_exists")
    assert found.facts == {"country": country, "kind": kind}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "phone_unreadable"),
        ("none", "phone_unreadable"),
        ("ask for 010-5555 0100", "phone_unreadable"),
        ("010-5555 0100 or 010-5555 0101", "phone_unreadable"),
        ("1", "phone_unreadable"),
        ("0", "phone_unreadable"),
        ("+999 555 0100", "phone_unreadable"),
        ("5" * 100, "phone_unreadable"),
        ("999", "phone_impossible"),
        ("010-5555 0100 0100", "phone_impossible"),
        ("+1 201 555 012", "phone_impossible"),
        ("12055550100", "phone_not_given_out"),
        ("+1 001 555 0123", "phone_not_given_out"),
    ],
)
def test_a_number_that_cannot_exist_is_false(text: str, code: str) -> None:
    found = phone_finding(text)
    assert (found.verdict, found.code, found.false) == ("wrong", code, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("8888 8888", "phone_repeats"),
        ("021-88888888", "phone_repeats"),
        ("13800000000", "phone_repeats"),
        ("+86 138 0000 0000", "phone_repeats"),
        ("010-50000000", "phone_repeats"),
        ("13912345678", "phone_counts"),
        ("010-87654321", "phone_counts"),
        ("010-34567890", "phone_counts"),
    ],
)
def test_a_number_that_looks_made_up_is_suspect_though_it_is_called_valid(
    text: str, code: str
) -> None:
    found = phone_finding(text)
    assert (found.verdict, found.code, found.false) == ("suspect", code, True)


@pytest.mark.parametrize(
    ("text", "is_made_up"),
    [
        ("010-55555501", False),
        ("010-55555550", True),
        ("010-61234569", False),
        ("010-61234567", True),
    ],
)
def test_seven_digits_look_made_up_and_six_do_not(text: str, is_made_up: bool) -> None:
    assert (phone_finding(text).verdict == "suspect") is is_made_up


@pytest.mark.parametrize(
    ("text", "own", "support", "access"),
    [
        ("95187", "phone_of_service", "phone_service", "phone_service"),
        ("12345", "phone_of_service", "phone_service", "phone_service"),
        ("400 555 0100", "phone_hotline", "phone_service", "phone_service"),
        ("800 555 0100", "phone_hotline", "phone_service", "phone_service"),
        ("110", "phone_emergency", "phone_emergency", "phone_emergency"),
        # libphonenumber calls it valid.
        ("+86 571 95187", *["phone_service_with_area"] * 3),
        ("010-12345", *["phone_service_with_area"] * 3),
    ],
)
def test_a_service_number_reaches_a_company_and_no_person(
    text: str, own: str, support: str, access: str
) -> None:
    assert phone_finding(text).code == own
    assert phone_finding(text).verdict == "suspect"
    assert phone_finding(text, "support_phone").code == support
    assert phone_finding(text, "access_phone").code == access
    expected = "ok" if access == "phone_service" else "suspect"
    assert phone_finding(text, "access_phone").verdict == expected


def test_only_what_cannot_be_a_person_s_own_is_said_to_be_false() -> None:
    assert phone_finding("95187").false
    assert phone_finding("110", "access_phone").false
    assert phone_finding("+86 571 95187").false
    # A company may well have its calls answered there.
    assert not phone_finding("400 555 0100").false
    assert not phone_finding("+86 571 95187", "access_phone").false


@pytest.mark.parametrize("text", ["5555 0100", "555-0101"])
def test_without_an_area_code_nobody_can_tell(text: str) -> None:
    found = phone_finding(text)
    assert (found.verdict, found.code, found.false) == ("unknown", "phone_without_area", False)


def test_no_finding_repeats_the_number() -> None:
    for text in ("010-5555 0100", "13800000000", "999", "95187"):
        assert text.replace(" ", "")[-4:] not in str(phone_finding(text).facts)
