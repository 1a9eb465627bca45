"""The timeline: what happened, in order, as a person reads it; and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from incidents.accounts.identity import login_beside
from incidents.cli import next_step, output
from incidents.cli.run import painted

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents import Hint
    from incidents.contract.documents.sites import Incident, Line, SiteInFull
    from incidents.locale.words import When


def events(run: Run, timeline: Iterable[Line]) -> None:
    """One row for each event: when it happened, who recorded it, what it says."""
    when = run.when
    run.say("", painted("What happened", bold=True) + f" (times in {when.zone_name})")
    output.table(run, ("WHEN", "WHO", "WHAT"), (_row(event, when) for event in timeline))


def incidents(run: Run, site: SiteInFull) -> None:
    """One row for each incident of a site that its document shows, the newest of all."""
    found, of = site["incidents"], site["incidents_total"]
    closed = site["state"] == "closed"
    if not found:
        return
    when = run.when
    newest = f"the newest {len(found)} of {of}; " if of > len(found) else ""
    run.say("", painted("Incidents", bold=True) + f" ({newest}times in {when.zone_name})")
    headers = ("INCIDENT", "STATE", "OCCURRED", "CONTACT DUE", "CATEGORY")
    output.table(run, headers, (_incident(each, when, closed) for each in found))


def next_steps(run: Run, hints: Sequence[Hint], asked_by: str | None) -> None:
    """What can be typed next, and by whom; `asked_by`: who asked for what waits for another."""
    steps = (next_step.told(hint, asked_by) for hint in hints)
    run.say_all([f"next: {painted(step, bold=True)}" for step in steps])


def _row(event: Line, when: When) -> tuple[str, str, str]:
    at, recorded_at = event["at"], event["recorded_at"]
    told = event["words"]
    if at != recorded_at:
        told += f" (recorded {when(recorded_at)})"
    login = login_beside(event["by"], event["login"])
    who = event["by"] if login is None else f"{event['by']} ({login})"
    return when(at), who, told


def contact_due(incident: Incident, when: When, *, site_closed: bool) -> str:
    """By when somebody is to be reached, or was to be; who reads a time waits for it to lapse."""
    due = incident["contact_due"]
    if incident["state"] == "open" and (site_closed or due is None):
        return "no clock runs"
    return "" if due is None else when(due)


def _incident(incident: Incident, when: When, closed: bool) -> tuple[str, ...]:
    return (
        incident["id"],
        incident["state"],
        when(incident["occurred_at"]),
        contact_due(incident, when, site_closed=closed),
        incident["category"] or "",
    )
