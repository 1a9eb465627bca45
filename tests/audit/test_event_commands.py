"""The command asked for again, from the first event of its act."""

from dataclasses import fields

from incidents.audit import event_commands
from incidents.contract.action import fields_of
from incidents.machine import events as e

NOT_ON_RECORD = {("FilingChanged", "parts")}
"""What the desk turns into other fields before it decides."""


def test_an_event_that_names_its_command_has_each_of_its_fields() -> None:
    """A field that is left out would make another command, in silence."""
    missing = {
        (kind.__name__, field.name)
        for kind in e.KINDS.values()
        if kind.command is not None and kind not in event_commands._UNLIKE
        for field in fields_of(kind.command)
        if event_commands._CALLED.get(field.name, field.name)
        not in {each.name for each in fields(kind)}
    }
    assert missing == NOT_ON_RECORD
