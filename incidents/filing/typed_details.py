"""The details that are a choice or a day: their allowed values, and their consistency.

The nature of a site must agree with its licence, its level with its service, and its details with
its kind of hosting. Days are ISO 8601 dates in the desk's zone, in chronological order.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

from incidents.filing.finding import Finding, ok, suspect, wrong
from incidents.machine.filing import DAYS, TERMS, WITHIN, Details

CHOICES_SOURCE, NATURE_SOURCE, LEVEL_SOURCE = (
    "specification F.43",
    "specification F.39",
    "specification F.40",
)

CHOICES = {
    "subject_kind": ("company", "person"),
    "nature": ("commercial", "non_commercial"),
    "level": ("2", "3"),
    "hosting": ("virtual_host", "cloud_server", "managed", "other"),
    "access_method": (
        "leased_virtual_space", "leased_server", "hosted_server", "dedicated_line", "other",
    ),
    "support_kind": ("company", "owner"),
    "service_type": (
        "forum", "microblog", "blog", "news", "shop", "video", "game", "search", "mail", "portal",
        "company", "other",
    ),
}  # fmt: skip
"""The allowed values of each detail that is a choice, by the detail's key."""

LEVEL_2 = frozenset({"forum", "microblog", "blog"})
"""The services with content from users; every other service is level 3."""


def check_choices(details: Details) -> list[Finding]:
    """The findings on the details that are a choice, and on their consistency."""
    unknown_values = [
        wrong(key, "choice_unknown", CHOICES_SOURCE, choices=", ".join(choices))
        for key, choices in CHOICES.items()
        if key in details and details[key] not in choices
    ]
    commercial = details.get("nature") == "commercial" or "icp_licence" in details
    broken = []
    if "icp_licence" in details and "icp_number" not in details:
        broken.append(wrong("icp_licence", "licence_without_filing", "specification B.2"))
    if details.get("hosting") == "managed" and commercial:
        broken.append(wrong("hosting", "managed_commercial", "specification B.3"))
    return [*unknown_values, *_nature(details), *broken, *_level(details)]


def _nature(details: Details) -> list[Finding]:
    nature, licensed = details.get("nature"), "icp_licence" in details
    if nature == "commercial" and not licensed:
        return [wrong("nature", "commercial_without_licence", "specification B.1")]
    if nature == "non_commercial" and licensed:
        return [suspect("nature", "licence_without_commerce", NATURE_SOURCE)]
    return [ok("nature", "nature_ok", NATURE_SOURCE)] if nature in CHOICES["nature"] else []


def _level(details: Details) -> list[Finding]:
    level, service = details.get("level"), details.get("service_type")
    if level not in CHOICES["level"] or service not in CHOICES["service_type"]:
        return []
    expected = "2" if service in LEVEL_2 else "3"
    if level == expected:
        return [ok("level", "level_ok", LEVEL_SOURCE, level=level, service=service)]
    if "level_reason" in details:
        facts = {"level": level, "service": service, "expected": expected}
        return [ok("level", "level_with_reason", LEVEL_SOURCE, **facts)]
    return [
        wrong(
            "level", "level_differs", LEVEL_SOURCE, level=level, service=service, expected=expected
        )
    ]


DAYS_SOURCE = "specification F.17"
PAST_DAYS = ("filed_on", "approved_on", "shown_on")
"""The days of events that must be past; the day of opening can be in the future."""

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_day(text: str) -> date | None:
    """Read a day such as 2026-03-01; None if the text is not a day."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def check_days(details: Details, *, today: date) -> list[Finding]:
    """The findings on the days, and on days in the wrong order."""
    read = {key: read_day(details[key]) for key in DAYS if key in details}
    found = [wrong(key, "day_unreadable", "ISO 8601") for key, day in read.items() if day is None]
    days = {key: day for key, day in read.items() if day is not None}
    found += [
        wrong(key, "day_ahead", DAYS_SOURCE, day=days[key].isoformat())
        for key in PAST_DAYS
        if key in days and days[key] > today
    ]
    found += _days_in_order(days)
    found += _late_days(days)
    if "approved_on" in days and "public_security_number" not in details:
        found.append(wrong("public_security_number", "number_not_filed", "specification F.18"))
    if not found and len(days) > 1:
        found.append(ok(list(days)[-1], "days_in_order", DAYS_SOURCE))
    return found


def _late_days(days: dict[str, date]) -> list[Finding]:
    """The findings on events that came after their 30 days."""
    return [
        suspect(
            ended,
            "day_late",
            "specification F.28",
            day=days[ended].isoformat(),
            until=until.isoformat(),
        )
        for begun, ended in TERMS.values()
        if begun in days and ended in days and days[ended] > (until := days[begun] + WITHIN)
    ]


def _days_in_order(days: dict[str, date]) -> list[Finding]:
    known = list(days.items())
    return [
        wrong(
            key,
            "day_before",
            DAYS_SOURCE,
            day=day.isoformat(),
            earlier=earlier,
            earlier_day=earlier_day.isoformat(),
        )
        for (earlier, earlier_day), (key, day) in pairwise(known)
        if day < earlier_day
    ]
