"""The phone numbers of a filing: whether they can exist, and whether they look made up."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from incidents.filing.checks.finding import Finding, ok, suspect, unknown, wrong
from incidents.machine.filing import Details

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

SOURCE = "E.164, libphonenumber"
HOUSE = "a pattern of made-up numbers"
SERVICE = "the numbering plan's service numbers, libphonenumber"

OWN = "responsible_phone"
"""It has to reach a person; each other may be a company's service number."""

FIELDS = (OWN, "support_phone", "access_phone")
REGION = "CN"
"""Where a number without a plus sign is dialled."""

RUN = 7
"""So many equal digits, or digits that count up or down, look made up."""

LONGEST_SERVICE = 6
"""A number within a city has 7 or 8 digits, and what is shorter is a service's."""

_EXTENSION = r"(?: ?(?:转|ext\.?|x|#) ?[0-9]{1,6})?"
_WRITTEN = re.compile(rf"(?P<number>[+(]{{0,2}}[0-9][0-9 ()./-]*){_EXTENSION}", re.IGNORECASE)
# Of seven or eight digits, as within a city.
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")
# A carrier's line for topping up, which many a form is filled in with.
_LINES = ("13800138000",)
_UP, _DOWN = "01234567890", "09876543210"
_MAX = 64
_MAX_PASTED = 2 * _MAX


def check(details: Details) -> list[Finding]:
    """What is to be said of each phone number that is filed."""
    return [_of(field, details[field]) for field in FIELDS if field in details]


def _of(field: str, text: str) -> Finding:
    from phonenumbers import NumberParseException, number_type, parse

    # What is pasted out of a form holds spaces of all kinds. To normalise a text takes the square
    # of its length.
    pasted = " ".join(text.split())
    half = unicodedata.normalize("NFKC", pasted) if len(pasted) <= _MAX_PASTED else pasted
    written = " ".join(half.split()).translate(_DASHES)
    # libphonenumber finds numbers within other words; here nothing else may stand.
    found = _WRITTEN.fullmatch(written) if len(written) <= _MAX else None
    if found is None:
        return wrong(field, "phone_unreadable", SOURCE, false=True)
    try:
        number = parse(found["number"], REGION)
    except NumberParseException:
        return wrong(field, "phone_unreadable", SOURCE, false=True)
    kind: int = number_type(number)
    return (
        _of_service(field, number, kind)
        or _made_up(field, str(number.national_number))
        or _local(field, found["number"])
        or _existing(field, number, kind)
    )


def _of_service(field: str, number: PhoneNumber, kind: int) -> Finding | None:
    """What is dialled to reach a service, and not a person."""
    from phonenumbers import PhoneNumberType

    own = field == OWN
    digits = str(number.national_number)
    if number.country_code != 86:
        return None
    if _is_emergency(digits):
        return suspect(field, "phone_emergency", SERVICE, false=True)
    if _is_short(digits) or digits in _LINES:
        if own:
            return suspect(field, "phone_of_service", SERVICE, false=True)
        return ok(field, "phone_service", SERVICE)
    rest = _subscriber(digits)
    if len(rest) <= LONGEST_SERVICE and _is_short(rest):
        # libphonenumber calls it valid; it is dialled without an area code.
        return suspect(field, "phone_service_with_area", SERVICE, false=own)
    if kind in {PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST}:
        if own:
            return suspect(field, "phone_hotline", SERVICE)
        return ok(field, "phone_service", SERVICE)
    return None


def _made_up(field: str, digits: str) -> Finding | None:
    if re.search(rf"([0-9])\1{{{RUN - 1}}}", digits):
        return suspect(field, "phone_repeats", HOUSE, false=True, count=str(RUN))
    for start in range(len(digits) - RUN + 1):
        if digits[start : start + RUN] in _UP or digits[start : start + RUN] in _DOWN:
            return suspect(field, "phone_counts", HOUSE, false=True, count=str(RUN))
    return None


def _local(field: str, written: str) -> Finding | None:
    digits = re.sub("[ ()./-]", "", written)
    return unknown(field, "phone_without_area", SOURCE) if _LOCAL.fullmatch(digits) else None


def _existing(field: str, number: PhoneNumber, kind: int) -> Finding:
    from phonenumbers import PhoneNumberType, ValidationResult, is_possible_number_with_reason

    country = f"+{number.country_code}"
    possible = is_possible_number_with_reason(number)
    if possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return unknown(field, "phone_without_area", SOURCE)
    if possible != ValidationResult.IS_POSSIBLE:
        return wrong(field, "phone_impossible", SOURCE, false=True, country=country)
    if kind == PhoneNumberType.UNKNOWN:
        return wrong(field, "phone_not_given_out", SOURCE, false=True, country=country)
    told = PhoneNumberType.to_string(kind).lower()
    return ok(field, "phone_exists", SOURCE, country=country, kind=told)


def _is_emergency(digits: str) -> bool:
    from phonenumbers import is_emergency_number

    return len(digits) <= LONGEST_SERVICE and is_emergency_number(digits, REGION)


def _is_short(digits: str) -> bool:
    from phonenumbers import NumberParseException, is_valid_short_number_for_region, parse

    # Longer ones, which send short messages, all begin alike.
    if len(digits) > LONGEST_SERVICE and not digits.startswith("106"):
        return False
    try:
        return is_valid_short_number_for_region(parse(digits, REGION), REGION)
    except NumberParseException:
        return False


def _subscriber(digits: str) -> str:
    """What stands behind the area code: two digits for 010 and 02x, three for all others."""
    return digits[2:] if digits.startswith(("10", "2")) else digits[3:]


_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
