"""The filing of a site, as a case holds it (specification, F), and its running deadlines.

A detail is a text under a key: one of `FIELDS`, or `server.LABEL` and `document.LABEL` for each of
the servers and documents, with a JSON object. Details that may concern a person, such as free text,
are sealed already (see `case`). Days are ISO 8601 dates in the desk's own zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

OPEN_FIELDS = (
    "subject_kind", "icp_number", "icp_licence", "public_security_number", "hosting",
    "service_type", "nature", "level", "ip", "contract_ip", "resolved_ip", "reported_ip",
    "access_method", "access_code", "support_kind", "office_code",
    "opened_on", "filed_on", "approved_on", "shown_on",
)  # fmt: skip
"""The fields without personal data, which entries hold unsealed."""

SEALED_FIELDS = (
    "subject_name", "subject_number", "responsible_name", "responsible_number",
    "responsible_phone", "responsible_email", "access_provider", "access_place", "access_phone",
    "registrar", "support_name", "support_phone", "level_reason", "home_url",
)  # fmt: skip

FIELDS = (*OPEN_FIELDS, *SEALED_FIELDS)

CONTACT_FIELDS = ("phone", "email", "person")
"""The contact details that the register keeps for each site, with or without a filing."""

DAYS = ("opened_on", "filed_on", "approved_on", "shown_on")

SERVER, DOCUMENT = "server.", "document."
"""The prefixes of the keys of servers and documents."""

MAX_OPEN = 200
MAX_DOCUMENT = 400
"""The maximum number of characters of a document, which entries hold unsealed; sealed text has a
limit of its own."""

MAX_ITEMS = 100
"""The maximum number of servers, and of documents, in a filing."""

WITHIN = timedelta(days=30)
"""The 30 days after its opening within which a site must be filed, and after its approval within
which it must show its number. The first day does not count; the last day counts to its end."""

FIRST_DAY = date(1990, 1, 1)
"""The earliest possible opening date."""

REMIND = (14, 7, 1)
"""The days before a deadline on which the desk is reminded; after the deadline, it is reminded
daily."""

FILE, SHOW = "file", "show_number"
SUSPICION, FOOTER = "suspicion", "footer"
"""The tasks for a detail that seems false, and for a page footer with problems: see `case.Task`."""

TERMS = {FILE: ("opened_on", "filed_on"), SHOW: ("approved_on", "shown_on")}
"""The deadlines, each with the date that starts it and the date that ends it. An approved site
counts as filed, even without a filing date."""

SHOWN = frozenset({"public_security_number", "approved_on"})
"""The details that must both be on record before the page footer must show the number."""

_LABEL = re.compile(r"(server|document)\.[a-z0-9][a-z0-9-]{0,39}")

Details = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A running deadline: its last day, and the day of the latest reminder."""

    due_on: str
    reminded_on: str | None = None

    @property
    def remind_on(self) -> str:
        """The day on which the next reminder is due."""
        due = date.fromisoformat(self.due_on)
        days = [due - timedelta(days=ahead) for ahead in REMIND]
        if self.reminded_on is None:
            return days[0].isoformat()
        last = date.fromisoformat(self.reminded_on)
        after = (day for day in days if day > last)
        return next(after, max(last, due) + timedelta(days=1)).isoformat()


def is_known(key: str) -> bool:
    """Whether the key is one that a detail can have."""
    return key in _KNOWN or _LABEL.fullmatch(key) is not None


def can_be_false(field: str) -> bool:
    """Whether a detail of that name can be reported as false (R4)."""
    return field in CONTACT_FIELDS or is_known(field)


def is_sealed(key: str) -> bool:
    """Whether the detail under that key is personal text."""
    return key not in _OPEN and not key.startswith(DOCUMENT)


def changed(details: Details, changes: Details) -> dict[str, str]:
    """The details with the changes applied; an empty text removes a detail."""
    return {key: text for key, text in sorted({**details, **changes}.items()) if text}


def is_met(term: str, details: Details) -> bool:
    """Whether the obligation behind the term is fulfilled."""
    return TERMS[term][1] in details or (term == FILE and "approved_on" in details)


def terms(details: Details, before: Mapping[str, Term]) -> dict[str, Term]:
    """The running deadlines for those details; an unchanged deadline keeps its latest reminder."""
    found = {}
    for name, (begun, _) in TERMS.items():
        if begun not in details or is_met(name, details):
            continue
        due_on = (date.fromisoformat(details[begun]) + WITHIN).isoformat()
        was = before.get(name)
        found[name] = was if was is not None and was.due_on == due_on else Term(due_on=due_on)
    return found


def reminded(term: Term, on: str) -> Term:
    """The term, with that day as the day of the latest reminder."""
    return replace(term, reminded_on=on)


_OPEN = frozenset(OPEN_FIELDS)
_KNOWN = frozenset(FIELDS)
