"""The details that several pages share: texts of a form, a reveal on record, the alarms."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from incidents import clock, inputs
from incidents.api import caller
from incidents.console.form import Given
from incidents.console.sitting import Acting
from incidents.console.writing import Reader

Document = dict[str, Any]

_SOON = timedelta(hours=6)


def text(given: Given, name: str, *, limit: int = inputs.MAX_TEXT_CHARACTERS) -> str | None:
    """What was typed there; None if nothing was.

    Raises:
        BadTextError, TextTooLongError: see `inputs.text`.
    """
    found = given.text(name)
    return None if found is None else inputs.text(name, limit=limit)(found)


def needed(given: Given, name: str, *, limit: int = inputs.MAX_TEXT_CHARACTERS) -> str:
    """The same, for what must be there; raises EmptyTextError too."""
    return inputs.text(name, limit=limit)(given.text(name) or "")


def when(given: Given, name: str, reader: Reader) -> datetime | None:
    """The time that was typed there, in the reader's zone; None: now. Raises as `clock.parse`."""
    found = given.text(name)
    return None if found is None else clock.parse(found, reader.zone, clock.now())


def reveal(desk: Acting, about: str) -> None:
    """See that they may be shown numbers and addresses in full, and put it on record before.

    Raises:
        NotLetError: if they may not.
    """
    desk.proves("reveal")
    caller.record_reveal(desk.house, desk.identity, about)


def alarms(reader: Reader, found: Document) -> list[tuple[str, Document]]:
    """What stands above the queue, the worst first: the key of its words, and the facts."""
    told: list[tuple[str, Document]] = []
    enforcement, acts, report = found["enforcement"], found["acts"], found["report"]
    if enforcement["enforced_by"] is None:
        told.append(("alarm.clock", enforcement))
    if acts["dead"]:
        told.append(("alarm.dead", {**acts, **acts["first"][0]}))
    if acts["late"]["late"]:
        told.append(("alarm.late", {**acts["late"], **acts["late"]["first"][0]}))
    if enforcement["enforced_by"] == "once":
        told.append(("alarm.once", enforcement))
    first = None if report is None else report["first"]
    if first is not None and datetime.fromisoformat(first) - reader.now <= _SOON:
        told.append(("alarm.report", report))
    return told
