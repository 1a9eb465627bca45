"""An outcome that the queue's page held for "Undo", with the moment of its click.

It tells of a call that was made before the click. What others did since cannot make that untrue, so
nobody has to see it first: the call is recorded, and the machine decides what follows from it.
"""

from __future__ import annotations

from datetime import datetime

from incidents import clock
from incidents.console import forms
from incidents.console.submission import Submission
from incidents.desk import Answer
from incidents.machine.commands import Command


def clicked_at(desk: Submission) -> datetime | None:
    """The moment of the click, if the page named it; never after now, as its clock may be ahead."""
    named = desk.form.text("clicked_at")
    return None if named is None else min(clock.parse_exact(named), desk.reader.now)


def submit(desk: Submission, site: int, command: Command, *, item: str, steady: bool) -> Answer:
    """Submit the act to the desk; raises as `Submission.submit` does.

    A claim on the item that a colleague made after the click asks nothing, unless somebody was
    asked already.
    """
    clicked = clicked_at(desk)
    was_asked = bool(desk.form.texts(forms.DESPITE))
    about = forms.only(item, until=None if was_asked else clicked)
    return desk.submit(site, command, seen=clicked is None, steady=steady, about=about)
