"""An outcome that the queue's page held for "Undo": when it was clicked, and what changed since.

It tells of a call that was made before the click, so only what another person did meanwhile, about
the same incident or the whole site, has to be seen before it is recorded.
"""

from __future__ import annotations

from datetime import datetime

from incidents import clock, views
from incidents.console import forms
from incidents.console.submission import Submission
from incidents.desk import Answer
from incidents.machine.commands import Command
from incidents.machine.site_events import ItemClaimed, ItemReleased
from incidents.values.ids import incident_id
from incidents.values.person_name import RESERVED_PERSONS

MOST = 100
"""The number of later entries that are read; after more, the desk refuses the act."""
MOST_AT_ONCE = 5
"""How often an act is submitted again: a page that goes sends all that it holds at once."""
# Claims have a question of their own.
_CLAIMS = {ItemClaimed.kind, ItemReleased.kind}


def clicked_at(desk: Submission) -> datetime | None:
    """The moment of the click, if the page named it; never after now, as its clock may be ahead."""
    named = desk.form.text("clicked_at")
    return None if named is None else min(clock.parse_exact(named), desk.reader.now)


def submit(
    desk: Submission, incident: tuple[int, int], command: Command, *, item: str, steady: bool
) -> Answer:
    """Submit the act to the desk, once more if only what need not be seen came in between.

    A claim on the item that a colleague made after the click asks nothing, unless somebody was
    asked already. Raises as `Submission.submit` does.
    """
    was_asked = bool(desk.form.texts(forms.DESPITE))
    about = forms.only(item, until=None if was_asked else clicked_at(desk))
    seen = _seen(desk, incident)
    for _ in range(MOST_AT_ONCE):
        answer = desk.submit(incident[0], command, at=seen, about=about, steady=steady)
        if answer.refusal is None or answer.refusal.name != "changed_meanwhile":
            break
        before, seen = seen, _seen(desk, incident)
        if seen == before:
            break
    return answer


def _seen(desk: Submission, incident: tuple[int, int]) -> int | None:
    """The number of the site's last entry that the act need not wait for, or what the page showed.

    An act that was not held has seen only what its page showed.
    """
    shown = desk.seen
    if shown is None or clicked_at(desk) is None:
        return shown
    with desk.reading() as connection:
        lines = list(
            views.timeline(
                connection, incident[0], now=desk.reader.now, zone=desk.reader.zone, after=shown,
                most=MOST,
            )
        )  # fmt: skip
    about = (None, incident_id(*incident))
    ignored = {desk.by, *RESERVED_PERSONS}
    if any(
        each["by"] not in ignored and each["incident"] in about and each["kind"] not in _CLAIMS
        for each in lines
    ):
        return shown
    return max([shown, *(each["seq"] for each in lines)])
