"""The unfamiliar: a word that is taken as it is, and that may be mistyped, told beside the answer.

Categories and whom to call are free (domain.md), so nothing is refused for how it looks.
Nothing is told where a program reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from incidents.cli.run import Run

_MOST_NAMED = 10
_FEWEST_DIGITS = 5
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def category(run: Run, given: str | None) -> list[str]:
    """That none of the newest incidents has this category; ask before it is logged.

    A server is not asked: it has no list of them.
    """
    if given is None or run.for_programs or run.remote is not None:
        return []
    from incidents.views import register

    with run.local.reading() as connection:
        known = register.in_use(connection)
    if not known or given in known:
        return []
    named = ", ".join(known[:_MOST_NAMED])
    told = f"the category {given!r} is new here; in use are {named}: "
    return [told + "if it is mistyped, void the incident and log it again"]


def details(phone: str | None, email: str | None) -> list[str]:
    """What nobody can be reached by as it stands."""
    told = []
    if phone is not None and sum(map(str.isdigit, phone)) < _FEWEST_DIGITS:
        told.append("the phone number has too few digits to be called by: site edit --phone P")
    if email is not None and _ADDRESS.fullmatch(email) is None:
        told.append("the e-mail address is none that can be written to: site edit --email E")
    return told
