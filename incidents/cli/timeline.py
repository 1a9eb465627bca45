"""The timeline: what happened, in order, as a person reads it; and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from incidents.cli import next_step, output
from incidents.cli.run import painted

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.words import Document, When


def events(run: Run, timeline: Iterable[Document]) -> None:
    """One row for each event: when it happened, who recorded it, what it says."""
    when = run.when
    run.say("", painted("What happened", bold=True) + f" (times in {when.zone_name})")
    output.table(run, ("WHEN", "WHO", "WHAT"), (_row(event, when) for event in timeline))


def incidents(run: Run, found: Sequence[Document], *, of: int) -> None:
    """One row for each incident of a site, the newest of so many."""
    if not found:
        return
    when = run.when
    newest = f"the newest {len(found)} of {of}; " if of > len(found) else ""
    run.say("", painted("Incidents", bold=True) + f" ({newest}times in {when.zone_name})")
    headers = ("INCIDENT", "STATE", "OCCURRED", "CONTACT DUE", "CATEGORY")
    output.table(run, headers, (_incident(incident, when) for incident in found))


def next_steps(run: Run, commands: Sequence[str], asked_by: str | None) -> None:
    """What can be typed next, and by whom; `asked_by`: who asked for what waits for another."""
    steps = (next_step.told(command, asked_by) for command in commands)
    run.say_all([f"next: {painted(step, bold=True)}" for step in steps])


def _row(event: Document, when: When) -> tuple[str, str, str]:
    at, recorded_at = event["at"], event["recorded_at"]
    told = event["words"]
    if at != recorded_at:
        told += f" (recorded {when(recorded_at)})"
    login = event["login"]
    who = event["by"] if login in (None, event["by"]) else f"{event['by']} ({login})"
    return when(at), who, told


def _incident(incident: Document, when: When) -> tuple[str, ...]:
    due = incident["contact_due"]
    return (
        incident["id"],
        incident["state"],
        when(incident["occurred_at"]),
        "" if due is None else when(due),
        incident["category"] or "",
    )
