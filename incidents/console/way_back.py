"""The way back from an act: the form that corrects what was recorded, and what that restarts."""

from __future__ import annotations

from collections.abc import Iterable

from incidents.console.flash import WayBack
from incidents.console.rendering import Reader
from incidents.contract.documents import Facts


def of_events(reader: Reader, events: Iterable[Facts]) -> WayBack | None:
    """Return the way back from a call or a removal among the events; None if there is neither."""
    for event in events:
        if event["kind"] == "contact_recorded":
            contact = event["contact"]
            path = f"/incidents/{event['incident']}?void={contact}#void-{contact}"
            effect = "back.contact.clock" if event["stopped_clock"] else "back.contact"
            return WayBack(path, reader.say("back.void"), reader.say(effect))
        if event["kind"] == "incident_removed":
            path = f"/incidents/{event['incident']}#act-take-back"
            return WayBack(path, reader.say("back.take_back"), reader.say("back.removed"))
    return None
