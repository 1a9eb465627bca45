"""The check of the record numbers: their form, and the area that a public-security number names."""

from __future__ import annotations

from datetime import date

from incidents.filing.checks import area
from incidents.filing.checks.area import of_area, of_character
from incidents.filing.checks.day import read_day
from incidents.filing.checks.finding import Finding, ok, wrong
from incidents.filing.checks.record_number import (
    PublicSecurity,
    read_icp,
    read_licence,
    read_public_security,
)
from incidents.machine.filing import Details

SOURCE = "domain.md 4, the record numbers"


def check(details: Details, *, today: date) -> list[Finding]:
    """What is to be said of the three numbers; an area is judged in the year of the approval."""
    found = []
    if "icp_number" in details:
        found.append(_of_icp(details["icp_number"]))
    if "icp_licence" in details:
        found.append(_of_licence(details["icp_licence"]))
    if "public_security_number" in details:
        approved = read_day(details.get("approved_on", "")) or today
        found += _of_public_security(details["public_security_number"], approved.year)
    return found


def _of_icp(text: str) -> Finding:
    number = read_icp(text)
    if number is None:
        return wrong("icp_number", "icp_number_unreadable", SOURCE)
    return ok("icp_number", "icp_number_ok", SOURCE, number=str(number))


def _of_licence(text: str) -> Finding:
    number = read_licence(text)
    if number is None:
        return wrong("icp_licence", "icp_licence_unreadable", SOURCE)
    return ok("icp_licence", "icp_licence_ok", SOURCE, number=str(number))


def _of_public_security(text: str, year: int) -> list[Finding]:
    field = "public_security_number"
    number = read_public_security(text)
    if number is None:
        return [wrong(field, "public_security_unreadable", SOURCE)]
    if _of_another_province(number):
        return [
            wrong(
                field,
                "public_security_other_province",
                SOURCE,
                number=str(number),
                area=number.area,
            )
        ]
    return [
        ok(field, "public_security_ok", SOURCE, number=str(number)),
        *area.warnings(field, number.area, year),
    ]


def _of_another_province(number: PublicSecurity) -> bool:
    if number.province is None:
        return False
    return of_character(number.province) != of_area(number.area)
