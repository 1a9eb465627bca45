"""The numbers of a company and of a person: their form, their check digits and what they say.

Of a person's number no finding repeats a part: neither the place nor the day of birth.
"""

from __future__ import annotations

import re
from datetime import date

from incidents.filing.checks import area
from incidents.filing.checks.finding import Finding, ok, suspect, unknown, wrong
from incidents.filing.checks.record_number import plain
from incidents.machine.filing import Details

COMPANY = "GB 32100-2015"
ORGANISATION = "GB 11714"
PERSON = "GB 11643"

FIRST_YEAR = 1900
"""Nobody was born before it who answers for a site."""

# A letter may name who registered it (Y: others, N: the farmers' ministry), and the kind.
_COMPANY = re.compile("[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_PERSON = re.compile("[0-9]{17}[0-9X]")
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def check(details: Details, *, today: date) -> list[Finding]:
    """What is to be said of the subject's number, and of the responsible person's."""
    found = []
    if "subject_number" in details:
        found += _of_subject(details, today)
    if "responsible_number" in details:
        found += _of_person("responsible_number", details["responsible_number"], today)
    return found


def organisation_check_digit(code: str) -> str:
    """The ninth character of an organisation code, out of its first eight (GB 11714)."""
    total = sum(int(each, 36) * weight for each, weight in zip(code[:8], _WEIGHTS, strict=True))
    return "0X987654321"[total % 11]


def _of_subject(details: Details, today: date) -> list[Finding]:
    kind, number = details.get("subject_kind"), details["subject_number"]
    if kind == "company":
        return _of_company("subject_number", number)
    if kind == "person":
        return _of_person("subject_number", number, today)
    return [unknown("subject_number", "number_of_unknown_kind", "domain.md 5")]


def _of_company(field: str, text: str) -> list[Finding]:
    from stdnum.cn.uscc import calc_check_digit

    number = plain(text).replace("-", "")
    if not _COMPANY.fullmatch(number):
        return [wrong(field, "company_number_unreadable", COMPANY, false=True)]
    if number[-1] != calc_check_digit(number[:-1]):
        return [wrong(field, "company_number_check_digit", COMPANY, false=True)]
    organisation = number[8:17]
    if organisation[-1] != organisation_check_digit(organisation):
        found = suspect(field, "organisation_check_digit", ORGANISATION, false=True)
    else:
        # As it stood on the certificates of its own that were given out until 2015.
        shown = f"{organisation[:8]}-{organisation[8]}"
        found = ok(field, "company_number_ok", COMPANY, organisation=shown)
    if area.find(number[2:8]) is None:
        return [found, unknown(field, "area_unknown", area.SOURCE, area=number[2:8])]
    return [found]


def _of_person(field: str, text: str, today: date) -> list[Finding]:
    from stdnum.cn.ric import calc_check_digit

    number = plain(text).replace("-", "")
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
    """A number may have been given years after a birth, by the area's code of then."""
    here = area.find(code)
    if here is not None and (here.last_year is None or here.last_year >= year):
        return []
    return [unknown(field, "person_area_unknown", area.SOURCE)]
