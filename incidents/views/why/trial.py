"""The trial: an action that the machine decides on a copy of the case, so that nothing happens."""

from __future__ import annotations

from typing import Any

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.decide import Decision, decide
from incidents.machine.incident import Incident
from incidents.views.why.record import Record

_SOMEBODY = "somebody"


def contact_in_time(record: Record, incident: Incident) -> Decision | None:
    """The decision on a late record of a contact that was made in time, if there was a deadline."""
    if incident.contact_due is None:
        return None
    return attempt(
        record, c.RecordContact, incident=incident.n, outcome="reached", at=incident.contact_due
    )  # fmt: skip


def void(record: Record, incident: Incident) -> Decision | None:
    """The decision on voiding the incident."""
    return attempt(record, c.VoidIncident, incident=incident.n, reason="tried out")


def void_contact(record: Record, incident: int, n: int) -> Decision | None:
    """The decision on voiding the incident's contact of that number."""
    return attempt(record, c.VoidContact, incident=incident, contact=n, reason="tried out")


def attempt(record: Record, command: type[c.Command], **fields: Any) -> Decision | None:
    """The machine's decision on a command now; None if the machine would refuse it."""
    decision = decide(record.case, command(by=_SOMEBODY, **fields), record.policy, record.now)
    return decision if decision.refusal is None else None


def own_events(decision: Decision | None) -> tuple[e.Event, ...]:
    """The events of the action itself."""
    return () if decision is None else decision.events[decision.due :]
