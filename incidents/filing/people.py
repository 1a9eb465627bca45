"""The people in a filing: their identity numbers, phone numbers and email address.

Only these details can be false (R4). No finding repeats any part of a person's number, neither the
place nor the date of birth. Nothing is sent: no name is looked up, no number called and no email
sent.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import TYPE_CHECKING

from incidents.filing import area
from incidents.filing.finding import Finding, ok, suspect, unknown, wrong
from incidents.filing.record_number import normalized
from incidents.machine.filing import Details

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber


COMPANY = "GB 32100-2015"
ORGANISATION = "GB 11714"
PERSON = "GB 11643"

FIRST_YEAR = 1900
"""The earliest year of birth that a responsible person can have."""

# Letters name the registering office (Y: others, N: the ministry of agriculture) and the kind.
_COMPANY = re.compile("[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_PERSON = re.compile("[0-9]{17}[0-9X]")
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def check_identity(details: Details, *, today: date) -> list[Finding]:
    """The findings on the identity numbers of the subject and of the responsible person."""
    found = []
    if "subject_number" in details:
        found += _of_subject(details, today)
    if "responsible_number" in details:
        found += _of_person("responsible_number", details["responsible_number"], today)
    return found


def organisation_check_digit(code: str) -> str:
    """The ninth character of an organisation code, from its first eight (GB 11714)."""
    total = sum(int(each, 36) * weight for each, weight in zip(code[:8], _WEIGHTS, strict=True))
    return "0X987654321"[total % 11]


def _of_subject(details: Details, today: date) -> list[Finding]:
    kind, number = details.get("subject_kind"), details["subject_number"]
    if kind == "company":
        return _of_company("subject_number", number)
    if kind == "person":
        return _of_person("subject_number", number, today)
    return [unknown("subject_number", "number_of_unknown_kind", "specification F.43")]


def _of_company(field: str, text: str) -> list[Finding]:
    from stdnum.cn.uscc import calc_check_digit

    number = normalized(text).replace("-", "")
    if not _COMPANY.fullmatch(number):
        return [wrong(field, "company_number_unreadable", COMPANY, false=True)]
    if number[-1] != calc_check_digit(number[:-1]):
        return [wrong(field, "company_number_check_digit", COMPANY, false=True)]
    organisation = number[8:17]
    if organisation[-1] != organisation_check_digit(organisation):
        found = suspect(field, "organisation_check_digit", ORGANISATION, false=True)
    else:
        # The form on the separate certificates issued until 2015.
        shown = f"{organisation[:8]}-{organisation[8]}"
        found = ok(field, "company_number_ok", COMPANY, organisation=shown)
    if area.find(number[2:8]) is None:
        return [found, unknown(field, "area_unknown", area.SOURCE, area=number[2:8])]
    return [found]


def _of_person(field: str, text: str, today: date) -> list[Finding]:
    from stdnum.cn.ric import calc_check_digit

    number = normalized(text).replace("-", "")
    if not _PERSON.fullmatch(number):
        return [wrong(field, "person_number_unreadable", PERSON, false=True)]
    if number[-1] != calc_check_digit(number):
        return [wrong(field, "person_number_check_digit", PERSON, false=True)]
    try:
        born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError:
        return [wrong(field, "birth_impossible", PERSON, false=True)]
    if born > today:
        return [wrong(field, "birth_ahead", PERSON, false=True)]
    if born.year < FIRST_YEAR:
        return [wrong(field, "birth_too_early", PERSON, false=True, year=str(FIRST_YEAR))]
    found = ok(field, "person_number_ok", PERSON)
    return [found, *_place_of_birth(field, number[:6], born.year)]


def _place_of_birth(field: str, code: str, year: int) -> list[Finding]:
    """The finding on the area code: a number can be issued years after birth, with a newer code."""
    here = area.find(code)
    if here is not None and (here.last_year is None or here.last_year >= year):
        return []
    return [unknown(field, "person_area_unknown", area.SOURCE)]


PHONE_SOURCE = "E.164, libphonenumber"
PHONE_PATTERN = "a pattern of made-up numbers"
PHONE_SERVICE = "the numbering plan's service numbers, libphonenumber"

OWN_PHONE = "responsible_phone"
"""The phone number that must reach a person; the other numbers can be service numbers."""

PHONE_FIELDS = (OWN_PHONE, "support_phone", "access_phone")
REGION = "CN"
"""The region assumed for a number without a plus sign."""

MAX_RUN = 7
"""The number of equal or consecutive digits from which a number looks invented."""

MAX_SERVICE_DIGITS = 6
"""The maximum number of digits of a service number: local numbers have 7 or 8."""

_EXTENSION = r"(?: ?(?:转|ext\.?|x|#) ?[0-9]{1,6})?"
_WRITTEN = re.compile(rf"(?P<number>[+(]{{0,2}}[0-9][0-9 ()./-]*){_EXTENSION}", re.IGNORECASE)
# Local, with seven or eight digits.
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")
# A carrier's top-up line, often used to fill in forms.
_SERVICE_LINES = ("13800138000",)
_UP, _DOWN = "01234567890", "09876543210"
_MAX_PHONE = 64
_MAX_PASTED_PHONE = 2 * _MAX_PHONE


def check_phones(details: Details) -> list[Finding]:
    """The findings on each filed phone number."""
    return [_of_phone(field, details[field]) for field in PHONE_FIELDS if field in details]


def _of_phone(field: str, text: str) -> Finding:
    from phonenumbers import NumberParseException, number_type, parse

    # Pasted text has all kinds of spaces; normalisation takes quadratic time.
    pasted = " ".join(text.split())
    half = unicodedata.normalize("NFKC", pasted) if len(pasted) <= _MAX_PASTED_PHONE else pasted
    written = " ".join(half.split()).translate(_DASHES)
    # libphonenumber finds numbers within text; here nothing else is allowed.
    found = _WRITTEN.fullmatch(written) if len(written) <= _MAX_PHONE else None
    if found is None:
        return wrong(field, "phone_unreadable", PHONE_SOURCE, false=True)
    try:
        number = parse(found["number"], REGION)
    except NumberParseException:
        return wrong(field, "phone_unreadable", PHONE_SOURCE, false=True)
    kind: int = number_type(number)
    return (
        _of_service(field, number, kind)
        or _looks_invented(field, str(number.national_number))
        or _local_phone(field, found["number"])
        or _existing_phone(field, number, kind)
    )


def _of_service(field: str, number: PhoneNumber, kind: int) -> Finding | None:
    """Return whether the number belongs to a service, not to a person."""
    from phonenumbers import PhoneNumberType, is_emergency_number

    own = field == OWN_PHONE
    digits = str(number.national_number)
    if number.country_code != 86:
        return None
    if len(digits) <= MAX_SERVICE_DIGITS and is_emergency_number(digits, REGION):
        return suspect(field, "phone_emergency", PHONE_SERVICE, false=True)
    if _is_short(digits) or digits in _SERVICE_LINES:
        if own:
            return suspect(field, "phone_of_service", PHONE_SERVICE, false=True)
        return ok(field, "phone_service", PHONE_SERVICE)
    # After an area code, which has two digits (10, 2x) or three.
    rest = digits[2:] if digits.startswith(("10", "2")) else digits[3:]
    if len(rest) <= MAX_SERVICE_DIGITS and _is_short(rest):
        # libphonenumber accepts it, but it has no area code.
        return suspect(field, "phone_service_with_area", PHONE_SERVICE, false=own)
    if kind in {PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST}:
        if own:
            return suspect(field, "phone_hotline", PHONE_SERVICE)
        return ok(field, "phone_service", PHONE_SERVICE)
    return None


def _looks_invented(field: str, digits: str) -> Finding | None:
    if re.search(rf"([0-9])\1{{{MAX_RUN - 1}}}", digits):
        return suspect(field, "phone_repeats", PHONE_PATTERN, false=True, count=str(MAX_RUN))
    runs = (digits[start : start + MAX_RUN] for start in range(len(digits) - MAX_RUN + 1))
    if any(run in _UP or run in _DOWN for run in runs):
        return suspect(field, "phone_counts", PHONE_PATTERN, false=True, count=str(MAX_RUN))
    return None


def _local_phone(field: str, written: str) -> Finding | None:
    digits = re.sub("[ ()./-]", "", written)
    return unknown(field, "phone_without_area", PHONE_SOURCE) if _LOCAL.fullmatch(digits) else None


def _existing_phone(field: str, number: PhoneNumber, kind: int) -> Finding:
    from phonenumbers import PhoneNumberType, ValidationResult, is_possible_number_with_reason

    country = f"+{number.country_code}"
    possible = is_possible_number_with_reason(number)
    if possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return unknown(field, "phone_without_area", PHONE_SOURCE)
    if possible != ValidationResult.IS_POSSIBLE:
        return wrong(field, "phone_impossible", PHONE_SOURCE, false=True, country=country)
    if kind == PhoneNumberType.UNKNOWN:
        return wrong(field, "phone_not_given_out", PHONE_SOURCE, false=True, country=country)
    kind_name = PhoneNumberType.to_string(kind).lower()
    return ok(field, "phone_exists", PHONE_SOURCE, country=country, kind=kind_name)


def _is_short(digits: str) -> bool:
    from phonenumbers import NumberParseException, is_valid_short_number_for_region, parse

    # Longer ones, which send short messages, all have the same prefix.
    if len(digits) > MAX_SERVICE_DIGITS and not digits.startswith("106"):
        return False
    try:
        return is_valid_short_number_for_region(parse(digits, REGION), REGION)
    except NumberParseException:
        return False


_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")


MAIL_SYNTAX = "RFC 5321 section 4.1.2 and RFC 6531, email-validator"
MAIL_RESERVED = "RFC 2606, RFC 6761 section 6"
MAIL_DISPOSABLE = "the list disposable-email-domains"

MAIL_FIELD = "responsible_email"

MAX_MAIL_CHARACTERS = 320
"""The maximum numbers of characters before and after the @ of an email address (RFC 5321,
4.5.3.1)."""

RESERVED_DOMAINS = frozenset({
    "test", "example", "invalid", "localhost", "local", "onion", "arpa", "example.com",
    "example.net", "example.org",
})  # fmt: skip
"""The domains that are reserved, for examples and the like, and cannot receive email."""


def check_mail(details: Details) -> list[Finding]:
    """The findings on the responsible person's email address."""
    return [_of_mail(details[MAIL_FIELD])] if MAIL_FIELD in details else []


def _of_mail(text: str) -> Finding:
    from disposable_email_domains import blocklist
    from email_validator import EmailNotValidError, validate_email

    if len(text) > MAX_MAIL_CHARACTERS:
        return wrong(MAIL_FIELD, "mail_unreadable", MAIL_SYNTAX, false=True)
    domains = _domains(text.strip().rpartition("@")[2].lower())
    if "@" in text and not RESERVED_DOMAINS.isdisjoint(domains):
        return wrong(MAIL_FIELD, "mail_reserved", MAIL_RESERVED, false=True, domain=domains[0])
    try:
        domain = validate_email(text.strip(), check_deliverability=False).ascii_domain.lower()
    except EmailNotValidError:
        return wrong(MAIL_FIELD, "mail_unreadable", MAIL_SYNTAX, false=True)
    if not blocklist.isdisjoint(_domains(domain)):
        return suspect(MAIL_FIELD, "mail_disposable", MAIL_DISPOSABLE, false=True, domain=domain)
    return ok(MAIL_FIELD, "mail_ok", MAIL_SYNTAX, domain=domain)


def _domains(domain: str) -> list[str]:
    """The domain and its parent domains: `a.example.com`, `example.com`, `com`."""
    labels = domain.rstrip(".").split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]
