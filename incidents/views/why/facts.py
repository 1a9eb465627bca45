"""The facts that a decision rests on, a line each: incidents, contacts, deadlines."""

from __future__ import annotations

from datetime import timedelta

from incidents.machine.events import Reason
from incidents.views.why.record import Record

_MICROSECOND = timedelta(microseconds=1)


def counted(record: Record, numbers: tuple[int, ...]) -> list[str]:
    """A line for each of the incidents."""
    return [f"  {incident(record, n)}" for n in sorted(numbers)]


def incident(record: Record, n: int) -> str:
    """`12-1: happened …, recorded … by …, now removed`."""
    name, incident = record.teller.name(n), record.case.incidents.get(n)
    if incident is None:
        return name
    return record.say(
        "incident.at" if incident.urls else "incident", name=name,
        occurred_at=incident.occurred_at, recorded_at=incident.recorded_at,
        by=record.recorded_by("incident_logged", n) or incident.by, state=incident.state,
        url=next(iter(incident.urls), None),
    )  # fmt: skip


def contacts(record: Record, numbers: list[int], *, only_telling: bool = False) -> list[str]:
    """A line for each contact about the incidents, or for those by which somebody was told."""
    lines = []
    for n in numbers:
        for contact in record.case.incidents[n].contacts:
            if contact.tells or not only_telling:
                told = record.say(
                    "contact" if contact.stands else "contact.voided",
                    name=f"{record.teller.name(n)}-{contact.n}", outcome=contact.outcome,
                    at=contact.occurred_at, by=contact.by,
                )  # fmt: skip
                lines.append(f"  {told}")
    return lines


def deadline(record: Record, reason: Reason) -> list[str]:
    """The deadline against the moment at which it was decided."""
    due, decided = reason.deadline, reason.decided_at
    if due is None or decided is None:
        return []
    late: timedelta | str = decided - due
    if decided - due < timedelta(seconds=1):
        late = record.say("microseconds", n=(decided - due) // _MICROSECOND)
    return [record.say("deadline", due=due, decided=decided, late=late)]
