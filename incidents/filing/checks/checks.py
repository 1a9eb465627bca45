"""The checks: all that can be said of a filing from its details alone, without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from incidents.errors import LibraryError
from incidents.filing.checks import (
    address,
    address_rules,
    classification,
    day,
    identity,
    mail,
    office,
    papers,
    record_check,
    telephone,
)
from incidents.filing.checks.finding import Finding
from incidents.machine.filing import Details


class NoFilingLibraryError(LibraryError):
    """to check a filing {detail} is needed, which is not installed"""

    extra = "filing"


def check(details: Details, *, today: date) -> list[Finding]:
    """The findings on those details, in the order in which they are filed; `today` is the day in
    the desk's own zone.

    Raises:
        NoFilingLibraryError: naming what to install.
    """
    try:
        return [
            *classification.check(details),
            *_of_people(details, today),
            *record_check.check(details, today=today),
            *office.check(details, today=today),
            *address.check(details),
            *address_rules.check(details),
            *papers.check(details, today=today),
            *day.check(details, today=today),
        ]
    except ModuleNotFoundError as error:
        raise NoFilingLibraryError(detail=error.name) from error


def falsehoods(details: Details, *, today: date) -> list[Finding]:
    """Those findings of `check` that say that a detail is false, and no others (R4).

    Raises:
        NoFilingLibraryError: naming what to install.
    """
    try:
        return [finding for finding in _of_people(details, today) if finding.false]
    except ModuleNotFoundError as error:
        raise NoFilingLibraryError(detail=error.name) from error


def _of_people(details: Details, today: date) -> Iterator[Finding]:
    """What is said of numbers and addresses by which people are known: these alone can be false."""
    yield from identity.check(details, today=today)
    yield from telephone.check(details)
    yield from mail.check(details)
