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
"""What says nothing about a person: these stand in the entries as they are."""

SEALED_FIELDS = (
    "subject_name", "subject_number", "responsible_name", "responsible_number",
    "responsible_phone", "responsible_email", "access_provider", "access_place", "access_phone",
    "registrar", "support_name", "support_phone", "level_reason", "home_url",
)  # fmt: skip

FIELDS = (*OPEN_FIELDS, *SEALED_FIELDS)

CONTACT_FIELDS = ("phone", "email", "person")
"""Whom to call: the details that the register keeps of a site itself, filed or not."""

DAYS = ("opened_on", "filed_on", "approved_on", "shown_on")

SERVER, DOCUMENT = "server.", "document."
"""With what the keys of the servers and of the documents begin."""

MAX_OPEN = 200
MAX_DOCUMENT = 400
"""So many characters may stand in the entries as they are; sealed text as all sealed text."""

MAX_ITEMS = 100
"""So many servers, and so many documents, a filing has at most."""

WITHIN = timedelta(days=30)
"""Within 30 days of its opening a site is filed, and of its approval its number is shown. The day
of the beginning does not count, and the last one does to its end."""

FIRST_DAY = date(1990, 1, 1)
"""Nothing was opened on the net before."""

REMIND = (14, 7, 1)
"""So many days before its last day a term is reminded of; from then on every day."""

FILE, SHOW = "file", "show_number"
SUSPICION, FOOTER = "suspicion", "footer"
"""The tasks that a term, a detail that may be false, and a page bring: see `case.Task`."""

TERMS = {FILE: ("opened_on", "filed_on"), SHOW: ("approved_on", "shown_on")}
"""Each term: the day that it begins with, and the day that ends it. What is approved has been
filed, whether or not anybody has said when."""

SHOWN = frozenset({"public_security_number", "approved_on"})
"""With these on record a page has something to show."""

_LABEL = re.compile(r"(server|document)\.[a-z0-9][a-z0-9-]{0,39}")

Details = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A running deadline: its last day, and the day of the last reminder."""

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
    """Whether a detail can have that key."""
    return key in _KNOWN or _LABEL.fullmatch(key) is not None


def can_be_false(field: str) -> bool:
    """Whether a site has a detail of that name that can be reported as false (R4)."""
    return field in CONTACT_FIELDS or is_known(field)


def is_sealed(key: str) -> bool:
    """Whether the detail under that key is personal text."""
    return key not in _OPEN and not key.startswith(DOCUMENT)


def changed(details: Details, changes: Details) -> dict[str, str]:
    """The details after those changes; an empty text removes a detail."""
    return {key: text for key, text in sorted({**details, **changes}.items()) if text}


def is_met(term: str, details: Details) -> bool:
    """Whether the obligation of the term is fulfilled."""
    return TERMS[term][1] in details or (term == FILE and "approved_on" in details)


def terms(details: Details, before: Mapping[str, Term]) -> dict[str, Term]:
    """The running terms for those details; one with the same last day keeps its reminder."""
    found = {}
    for name, (begun, _) in TERMS.items():
        if begun not in details or is_met(name, details):
            continue
        due_on = (date.fromisoformat(details[begun]) + WITHIN).isoformat()
        was = before.get(name)
        found[name] = was if was is not None and was.due_on == due_on else Term(due_on=due_on)
    return found


def reminded(term: Term, on: str) -> Term:
    """The term after the desk has been reminded of it on that day."""
    return replace(term, reminded_on=on)


_OPEN = frozenset(OPEN_FIELDS)
_KNOWN = frozenset(FIELDS)
