"""The days of a filing: ISO 8601 dates in the desk's own zone, and the order they come in."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

from incidents.filing.checks.finding import Finding, ok, suspect, wrong
from incidents.machine.filing import DAYS, TERMS, WITHIN, Details

SOURCE = "domain.md 5, the order of a filing"
PAST = ("filed_on", "approved_on", "shown_on")
"""These tell what has been done; a site may be going to open."""

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_day(text: str) -> date | None:
    """The day that a text is, as 2026-03-01; None if it is none."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def check(details: Details, *, today: date) -> list[Finding]:
    """What is to be said of the days, and of each that lies before the one that it comes after."""
    read = {key: read_day(details[key]) for key in DAYS if key in details}
    found = [wrong(key, "day_unreadable", "ISO 8601") for key, day in read.items() if day is None]
    days = {key: day for key, day in read.items() if day is not None}
    found += [
        wrong(key, "day_ahead", SOURCE, day=days[key].isoformat())
        for key in PAST
        if key in days and days[key] > today
    ]
    found += _order(days)
    found += _late(days)
    if "approved_on" in days and "public_security_number" not in details:
        found.append(wrong("public_security_number", "number_not_filed", SOURCE))
    if not found and len(days) > 1:
        found.append(ok(list(days)[-1], "days_in_order", SOURCE))
    return found


def _late(days: dict[str, date]) -> list[Finding]:
    """What was done after the last of its thirty days."""
    return [
        suspect(ended, "day_late", SOURCE, day=days[ended].isoformat(), until=until.isoformat())
        for begun, ended in TERMS.values()
        if begun in days and ended in days and days[ended] > (until := days[begun] + WITHIN)
    ]


def _order(days: dict[str, date]) -> list[Finding]:
    known = list(days.items())
    return [
        wrong(
            key,
            "day_before",
            SOURCE,
            day=day.isoformat(),
            earlier=earlier,
            earlier_day=earlier_day.isoformat(),
        )
        for (earlier, earlier_day), (key, day) in pairwise(known)
        if day < earlier_day
    ]
