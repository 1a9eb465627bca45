"""The kept form: the input of a refused form, kept in memory for the page that shows it again.

That page has a path that accepts only forms. If the person switches the language there, or reloads,
they get the page that the form belongs to, with their input filled in. The input is kept for that
person only; files, passwords and confirmations are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request

from incidents.console.result_cache import ResultCache

MAX_KEPT_FORMS = 200
"""The maximum number of kept forms of all people together; the oldest is dropped first."""

KEPT = "kept"
"""The query parameter with the id of a kept form."""

_NEVER_KEPT = frozenset(
    {
        "csrf", "proves", "confirm", "despite", "seen", "key", "code", "second_code", "credential",
        "offer",
    }
)  # fmt: skip
"""The fields that belong to a single submission and are never kept."""

_PAGES = tuple(
    re.compile(path)
    for path in (
        r"(/sites/[^/]+/filing)/[^/]+",
        r"(/(?:sites|incidents|orders)/[^/]+)/.+",
        r"((?:/policy|/reports/rules)/trial/[^/]+)/activate",
        r"(/reports/rules)/try",
        r"(/admin/accounts)/(?:invite|invitations/.+)",
        r"(/admin/(?:accounts/[^/]+|tokens|settings))/.+",
        r"(/(?:sites|log|simulate|policy|audit|orders|hand-over|account))(?:/.+)?",
    )
)
"""The paths to which forms are sent; the group matches the path of the form's page."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    """The input by field name, and which form of the page it belongs to."""

    fields: tuple[tuple[str, str], ...] = ()
    opened: str | None = None

    @property
    def typed(self) -> dict[str, str]:
        """The input; if a name has several values, the last value."""
        return dict(self.fields)

    def texts(self, name: str) -> list[str]:
        """All texts under that field name."""
        return [text for field, text in self.fields if field == name]


KEPT_FORMS: ResultCache[KeptForm] = ResultCache(MAX_KEPT_FORMS)


def page_of_form(path: str) -> str:
    """Return the path of the page with the form that is sent to `path`; by default the queue."""
    found = (page.fullmatch(path) for page in _PAGES)
    return next((match[1] for match in found if match is not None), "/")


def keep_sent(
    request: Request, by: str, fields: Iterable[tuple[str, str]], opened: str | None
) -> str:
    """Keep the form that `by` sent; return the path of the page that shows it again."""
    page = page_of_form(request.url.path)
    if page == "/":
        return page
    id_ = keep_form(by, fields, opened)
    return f"{page}?{KEPT}={id_}" + (f"#act-{opened}" if opened else "")


def keep_form(by: str, fields: Iterable[tuple[str, str]], opened: str | None) -> str:
    """Keep the input; return its id."""
    typed = tuple((name, text) for name, text in fields if name not in _NEVER_KEPT)
    return KEPT_FORMS.put(by, KeptForm(typed, opened))
