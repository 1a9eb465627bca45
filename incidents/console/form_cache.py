"""The kept: what was typed into a form that was not taken, for the page that somebody goes on to.

A refused form is answered where only forms are taken. Whoever switches the language there, or loads
the page again, comes to the page with the form, and finds in it what they had typed. It is kept in
memory, for them alone; files, passwords and confirmations are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request

from incidents.console.result_cache import Shelf

MOST = 200
"""So many forms are kept, of all people together; the oldest goes first."""

PARAMETER = "kept"
"""What in a page's address says which form."""

_NEVER = frozenset({"csrf", "proves", "confirm", "despite", "seen", "key"})
"""What a form is sent with, and what is said of one sending alone."""

_PAGES = tuple(
    re.compile(path)
    for path in (
        r"(/sites/[^/]+/filing)/[^/]+",
        r"(/(?:sites|incidents|orders)/[^/]+)/.+",
        r"(/policy/trial/[^/]+)/activate",
        r"(/(?:sites|log|simulate|policy|audit|orders|hand-over))(?:/.+)?",
    )
)
"""Where a form is sent, beginning with the page that it stands on."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was typed, by the names of the fields, and which form of its page it was."""

    fields: tuple[tuple[str, str], ...] = ()
    opened: str | None = None

    @property
    def typed(self) -> dict[str, str]:
        """What was typed; of several under one name the last."""
        return dict(self.fields)

    def texts(self, name: str) -> list[str]:
        """All texts under that name."""
        return [text for field, text in self.fields if field == name]


def page_of(path: str) -> str:
    """The page on which the form stands that is sent to `path`; the queue, if it is of none."""
    found = (page.fullmatch(path) for page in _PAGES)
    return next((match[1] for match in found if match is not None), "/")


def place(request: Request, by: str, fields: Iterable[tuple[str, str]], opened: str | None) -> str:
    """Keeps what `by` has sent with the request: where the page is that has it again."""
    page = page_of(request.url.path)
    if page == "/":
        return page
    id_ = put(request, by, fields, opened)
    return f"{page}?{PARAMETER}={id_}" + (f"#act-{opened}" if opened else "")


def put(request: Request, by: str, fields: Iterable[tuple[str, str]], opened: str | None) -> str:
    """Keeps it: its id."""
    typed = tuple((name, text) for name, text in fields if name not in _NEVER)
    return _shelf(request).put(by, Kept(typed, opened))


def of(request: Request, by: str) -> Kept:
    """What the address of the page names, of what that person has sent; else nothing."""
    id_ = request.query_params.get(PARAMETER, "") if request.method == "GET" else ""
    return (get(request, by, id_) if id_ else None) or Kept()


def get(request: Request, by: str, id_: str) -> Kept | None:
    """What lies there under that id; None if it is gone, or somebody else's."""
    return _shelf(request).get(by, id_)


def _shelf(request: Request) -> Shelf[Kept]:
    found: Shelf[Kept] = request.app.state.kept
    return found
