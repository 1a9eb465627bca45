"""The look at one incident: all that is on record of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from incidents.cli import output, params, timeline
from incidents.cli.options import looking
from incidents.errors import DONE
from incidents.words import Teller, next_commands

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.words import Document, When

# A web address may hold them, and is one line here.
_LINE_ENDS = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


@click.command()
@params.incident_argument
@looking
def show(run: Run, incident: tuple[int, int]) -> int:
    """Tell the whole story of INCIDENT."""
    from incidents import clock
    from incidents.clock import rfc3339
    from incidents.views import duty

    house = run.house
    owed = house.report_duty
    with house.reading() as connection:
        found: Document = house.views.incident(connection, incident)
        if "report_due" not in found:
            due = None if owed is None else duty.deadline_of(connection, incident, owed)
            found["report_due"] = None if due is None else rfc3339(due)
        if run.quiet:
            run.say(found["id"])
            return DONE
        story = house.views.timeline(connection, *incident, now=clock.now(), zone=run.settings.zone)
        if run.for_programs:
            output.document(run, {**found, "timeline": list(story)}, rows=[found])
        else:
            _tell(run, found, story)
    return DONE


def _tell(run: Run, incident: Document, story: Iterable[Document]) -> None:
    when, site = run.when, incident["site_document"]
    teller = Teller(site=site["site"], site_id=site["id"], when=when)
    closed = site["state"] == "closed"
    run.say(teller.incident_state(incident, site_closed=closed))
    if site["state"] != "active" or site["run"] >= 2:
        run.say(teller.site_state(site))
    run.say("")
    output.pairs(run, _pairs(incident, when, closed))
    for url in incident["urls"]:
        run.say(f"url: {url}")
    for text in incident["urls_written"]:
        if text not in incident["urls"]:
            run.say(f"written: {text.translate(_LINE_ENDS)}")
    for contact in incident["contacts"]:
        run.say(f"contact: {_contact(contact, when)}")
    for evidence in incident["evidence"]:
        run.say(f"evidence: {_evidence(evidence, when)}")
    for note in incident["notes"]:
        run.say(f"note {_note(note, when)}")
    timeline.events(run, story)
    timeline.next_steps(run, next_commands(incident, site), site.get("asked_by"))


def _pairs(incident: Document, when: When, closed: bool) -> list[tuple[str, str]]:
    def time(name: str) -> str:
        return when(incident[name]) if incident[name] else ""

    return [
        ("incident", incident["id"]),
        ("site", incident["site"]),
        ("state", incident["state"]),
        ("occurred", f"{time('occurred_at')} {when.zone_name}"),
        ("recorded", f"{time('recorded_at')} by {incident['by']}"),
        ("contact due", timeline.contact_due(incident, when, site_closed=closed)),
        ("removal due", time("removal_due")),
        ("report", _report(incident, when)),
        ("category", incident["category"] or ""),
        ("recurs", incident["recurs"] or ""),
        ("note", incident["note"] or ""),
    ]


def _report(incident: Document, when: When) -> str:
    """Whether the police have been told of it, or by when they are to be (domain.md, section 4)."""
    if incident["reported_at"]:
        return f"reported to the police {when(incident['reported_at'])}"
    if incident["report_due"]:
        return f"to be reported to the police by {when.until(incident['report_due'])}"
    return ""


def _contact(contact: Document, when: When) -> str:
    told = f"{contact['id']} {contact['outcome']} at {when(contact['occurred_at'])}"
    told += f" by {contact['by']}"
    if contact["recorded_at"] != contact["occurred_at"]:
        told += f" (recorded {when(contact['recorded_at'])})"
    if contact["voided"]:
        told += ", voided"
    return f"{told}: {contact['note']}" if contact["note"] else told


def _note(note: Document, when: When) -> str:
    text = "(erased)" if note["text"] is None else note["text"]
    return f"for the {note['audience']}: {when(note['recorded_at'])} by {note['by']}: {text}"


def _evidence(evidence: Document, when: When) -> str:
    name = evidence["name"] or "a file"
    size = output.number(evidence["size"])
    return f"{name} ({size} bytes, {when(evidence['recorded_at'])}) {evidence['digest']}"
