"""The facts that a decision rests on, a line each: incidents, contacts, deadlines."""

from __future__ import annotations

from datetime import datetime, timedelta

from incidents.machine.events import Reason
from incidents.views.record import Record
from incidents.words import span

_MICROSECOND = timedelta(microseconds=1)


def counted(record: Record, numbers: tuple[int, ...]) -> list[str]:
    """A line for each of the incidents."""
    return [f"  {incident(record, n)}" for n in sorted(numbers)]


def incident(record: Record, n: int) -> str:
    """`12-1: happened …, recorded … by …, now removed`."""
    name, incident = record.teller.name(n), record.case.incidents.get(n)
    if incident is None:
        return name
    by = record.recorded_by("incident_logged", n) or incident.by
    told = f"{name}: happened {record.when(incident.occurred_at)}"
    told += f", recorded {record.when(incident.recorded_at)} by {by}, now {incident.state}"
    return f"{told}, {incident.urls[0]}" if incident.urls else told


def contacts(record: Record, numbers: list[int], *, only_telling: bool = False) -> list[str]:
    """A line for each contact about the incidents, or for those by which somebody was told."""
    lines = []
    for n in numbers:
        for contact in record.case.incidents[n].contacts:
            if contact.tells or not only_telling:
                voided = "" if contact.stands else ", voided since"
                lines.append(
                    f"  contact {record.teller.name(n)}-{contact.n}: {contact.outcome} at"
                    f" {record.when(contact.occurred_at)}, recorded by {contact.by}{voided}"
                )
    return lines


def deadline(record: Record, reason: Reason) -> list[str]:
    """The deadline against the moment at which it was decided."""
    due, decided = reason.deadline, reason.decided_at
    if due is None or decided is None:
        return []
    return [
        (
            f"Compared: the deadline {_exactly(record, due)} against {_exactly(record, decided)},"
            f" when it was decided: {_late(decided - due)} past."
        )
    ]


def _exactly(record: Record, moment: datetime) -> str:
    fraction = f".{moment.microsecond:06}" if moment.microsecond else ""
    return record.when(moment) + fraction


def _late(late: timedelta) -> str:
    if late < timedelta(seconds=1):
        return f"{late // _MICROSECOND} µs"
    return span(late)
