"""The classification of a site: its nature against its licence, its level against its service, and
what its kind of hosting allows."""

from __future__ import annotations

from incidents.filing.checks.finding import Finding, ok, suspect, wrong
from incidents.machine.filing import Details

FILED = "domain.md 5, what is filed"
COMMERCIAL = "domain.md 5, commercial filing"

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
"""What may be filed under these keys."""

LEVEL_2 = frozenset({"forum", "microblog", "blog"})
"""Where others write; every other service is of level 3."""


def check(details: Details) -> list[Finding]:
    """What is to be said of the coded details, each by itself and one against another."""
    strange = [
        wrong(key, "choice_unknown", FILED, choices=", ".join(choices))
        for key, choices in CHOICES.items()
        if key in details and details[key] not in choices
    ]
    return [*strange, *_nature(details), *_licence(details), *_managed(details), *_level(details)]


def level_of(service_type: str) -> str:
    """The level of a site with that service: 2 or 3."""
    return "2" if service_type in LEVEL_2 else "3"


def _nature(details: Details) -> list[Finding]:
    nature, licensed = details.get("nature"), "icp_licence" in details
    if nature == "commercial" and not licensed:
        return [wrong("nature", "commercial_without_licence", COMMERCIAL)]
    if nature == "non_commercial" and licensed:
        return [suspect("nature", "licence_without_commerce", COMMERCIAL)]
    return [ok("nature", "nature_ok", COMMERCIAL)] if nature in CHOICES["nature"] else []


def _licence(details: Details) -> list[Finding]:
    if "icp_licence" in details and "icp_number" not in details:
        return [wrong("icp_licence", "licence_without_filing", COMMERCIAL)]
    return []


def _managed(details: Details) -> list[Finding]:
    commercial = details.get("nature") == "commercial" or "icp_licence" in details
    if details.get("hosting") == "managed" and commercial:
        return [wrong("hosting", "managed_commercial", COMMERCIAL)]
    return []


def _level(details: Details) -> list[Finding]:
    level, service = details.get("level"), details.get("service_type")
    if level not in CHOICES["level"] or service not in CHOICES["service_type"]:
        return []
    expected = level_of(service)
    if level == expected:
        return [ok("level", "level_ok", FILED, level=level, service=service)]
    if "level_reason" in details:
        facts = {"level": level, "service": service, "expected": expected}
        return [ok("level", "level_with_reason", FILED, **facts)]
    return [wrong("level", "level_differs", FILED, level=level, service=service, expected=expected)]
