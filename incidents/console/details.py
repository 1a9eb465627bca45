"""The details that several pages share: texts of a form, and a reveal on record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from incidents import clock
from incidents.api import caller
from incidents.console.acting import Acting
from incidents.console.forms import Given
from incidents.console.writing import Reader
from incidents.contract.actions import of_command
from incidents.contract.fields import Field
from incidents.errors import InputError
from incidents.machine import commands as c
from incidents.values import inputs
from incidents.values.fact import Words


def text(given: Given, name: str, *, limit: int = inputs.MAX_TEXT_CHARACTERS) -> str | None:
    """What was typed there; None if nothing was.

    Raises:
        BadTextError, TextTooLongError: see `values.inputs.text`.
    """
    found = given.text(name)
    return None if found is None else inputs.text(name, limit=limit)(found)


def needed(given: Given, name: str, *, limit: int = inputs.MAX_TEXT_CHARACTERS) -> str:
    """The same, for what must be there; raises EmptyTextError too."""
    return inputs.text(name, limit=limit)(given.text(name) or "")


def when(given: Given, name: str, reader: Reader) -> datetime | None:
    """The time that was typed there, in the reader's zone; None: now. Raises as `clock.parse`."""
    found = given.text(name)
    if found is None:
        return None
    try:
        return clock.parse(found, reader.zone, reader.now)
    except InputError as error:
        spoken = reader.spoken
        if "refused.bad_time" not in spoken.phrases:
            raise
        raise InputError(spoken.say("refused.bad_time", given=found[:80])) from error


def command(desk: Acting, kind: type[c.Command], **target: Any) -> c.Command:
    """The command that a form asks for, of `target`; raises as the fields above do."""
    action = of_command(kind)
    given = {each.name: _field(desk, each) for each in action.asked if each.type is not bool}
    return kind(by=desk.by, **action.fixed, **target, **given)


def _field(desk: Acting, field: Field) -> Any:
    if field.is_time:
        return when(desk.given, field.name, desk.reader)
    if isinstance(field.fact, Words):
        read = needed if field.required else text
        return read(desk.given, field.name, limit=field.fact.limit)
    return desk.given.text(field.name) or ("" if field.required else field.default)


def reveal(desk: Acting, about: str) -> None:
    """See that they may be shown numbers and addresses in full, and put it on record before.

    Raises:
        NotLetError: if they may not.
    """
    desk.proves("reveal")
    caller.record_reveal(desk.house, desk.identity, about)
