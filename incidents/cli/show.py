"""The command `show`: one object by its ID, such as an incident with its story."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from incidents.cli import answers, options, output, params, sites
from incidents.cli.lazy_group import verb
from incidents.contract import next_steps
from incidents.contract.hints import with_commands
from incidents.contract.next_steps import first_of_two
from incidents.errors import UnknownTaskError
from incidents.locale.words import Wording
from incidents.values.site_name import in_full

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.queue import QueueItem
    from incidents.contract.documents.sites import Contact, Evidence, IncidentInFull, Line, Note

# A web address may hold them, and is one line here.
_LINE_ENDS = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


@verb()
@params.anything_argument
@options.view
def show(run: Run, what: tuple[Any, ...] | str) -> None:
    """Show the whole story of an incident, or of anything else with an ID.

    For an item of the queue, such as 12-t2 or 12-disputed, it shows the call script and the
    commands to type; for a contact, such as 12-3-1, its incident. For an order, such as 12-o45, it
    shows the same as orders show; for SITE, the same as site show.
    """
    match what:
        case str():
            _site(run, what)
        case int(), int(), str():
            from incidents.cli import orders

            orders.write_order(run, what)
        case int(), str():
            _item(run, what)
        case _:
            _incident(run, what[:2])


def _site(run: Run, name: str) -> None:
    """Show a site.

    Raises UnknownSiteError, which also describes the format of an ID.
    """
    with params.site_or_id(name):
        sites.write_site(run, name)


def _item(run: Run, key: tuple[int, str]) -> None:
    """Show an item of the queue and what to do; raises UnknownTaskError if it is not listed."""
    from incidents.cli.queue import words

    with run.queries() as queries:
        found = queries.item(key)
    if found is None:
        given = f"{key[0]}-{key[1]}"
        sentence = (
            "{given} is not in the queue: it is done, withdrawn while its site is closed,"
            " or never existed. See incidents queue"
        )
        raise UnknownTaskError.coded("not_in_queue", sentence, {"given": given}, given=given)
    if not output.answer_program(run, with_commands(found), found["id"]):
        due, received = found["due"], found.get("report_received_at")
        pairs = [
            ("task", found["id"]),
            ("do", words.what_in_full(found, run.language)),
            ("site", in_full(found["site"])),
            ("about", run.language.comma.join(found["about"])),
            ("due", "" if due is None else run.when.until(due)),
            ("report received", "" if received is None else run.when(received)),
            ("with", found["claimed_by"] or ""),
            ("whom", _whom(run, found)),
            ("warning", found["warning"] or ""),
            ("say", found["say"]),
        ]
        output.write_pairs(run, pairs)
        sites.show_next_steps(run, found["hints"], first_of_two(found))


def _whom(run: Run, item: QueueItem) -> str:
    """The person to call, and what shows the whole number, which is masked here."""
    from incidents.cli.queue import words

    whom = words.whom(item, run.language)
    return run.text("show.whom", whom=whom) if item["phone"] or item["email"] else whom


def _incident(run: Run, incident: tuple[int, int]) -> None:
    """Show everything on record about an incident.

    Raises UnknownIncidentError if there is no such incident.
    """
    with run.queries() as queries:
        found = queries.incident(incident)
        if run.quiet:
            run.write(found["id"])
            return
        story = queries.timeline(*incident)
        if run.for_programs:
            output.write_document(run, {**found, "timeline": list(story)}, rows=[found])
        else:
            _write_item(run, found, story)


def _write_item(run: Run, incident: IncidentInFull, story: Iterable[Line]) -> None:
    when, site = run.when, incident["site_document"]
    wording = Wording(site=site["site"], site_id=site["id"], when=when)
    closed = site["state"] == "closed"
    run.write(*answers.state_of_incident(run, wording, site, incident))
    run.write(*answers.state_of_site(run, wording, site))
    run.write("")
    output.write_pairs(run, _pairs(run, incident, closed))
    for url in incident["urls"]:
        run.write(run.text("show.url", url=url))
    for text in incident["urls_written"]:
        if text not in incident["urls"]:
            run.write(run.text("show.written", url=text.translate(_LINE_ENDS)))
    for contact in incident["contacts"]:
        run.write(run.text("show.contact_line", what=_contact(run, contact)))
    for evidence in incident["evidence"]:
        run.write(_evidence(run, evidence))
    for note in incident["notes"]:
        run.write(_note(run, note))
    sites.show_events(run, story)
    sites.show_next_steps(run, next_steps.after(incident, site), site.get("asked_by"))


def _pairs(run: Run, incident: IncidentInFull, closed: bool) -> list[tuple[str, str]]:
    occurred_at, recorded_at = incident["occurred_at"], incident["recorded_at"]
    return [
        ("incident", incident["id"]),
        ("site", in_full(incident["site"])),
        ("state", run.language.word("state", incident["state"])),
        ("occurred", run.text("show.occurred", at=occurred_at, zone=run.when.zone_name)),
        ("report received", _received(run, incident)),
        ("recorded", run.text("show.recorded", at=recorded_at, by=incident["by"])),
        ("contact due", sites.contact_due(run, incident, site_closed=closed)),
        ("removal due", sites.removal_due(run, incident, site_closed=closed)),
        ("report", _report(run, incident)),
        ("category", run.language.word("category", incident["category"] or "")),
        ("recurs", incident["recurs"] or ""),
        ("note", incident["note"] or ""),
    ]


def _received(run: Run, incident: IncidentInFull) -> str:
    """When the first report came in that led to the incident, and its ID."""
    # An older server does not say.
    found = incident.get("first_report")
    return "" if found is None else f"{run.when(found['received_at'])} ({found['id']})"


def _report(run: Run, incident: IncidentInFull) -> str:
    """Say when the incident was reported to the police, or by when it must be (L.1)."""
    if incident["reported_at"]:
        return run.text("show.reported", at=incident["reported_at"])
    if incident["report_due"]:
        return run.text("show.to_report", due=incident["report_due"])
    return ""


def _contact(run: Run, contact: Contact) -> str:
    is_late = contact["recorded_at"] != contact["occurred_at"]
    if contact["voided"]:
        code = "show.contact.recorded.voided" if is_late else "show.contact.voided"
    else:
        code = "show.contact.recorded" if is_late else "show.contact"
    sentence = run.text(
        code, id=contact["id"], outcome=contact["outcome"], by=contact["by"],
        at=contact["occurred_at"], recorded_at=contact["recorded_at"],
    )  # fmt: skip
    return (
        run.text("show.said", what=sentence, text=contact["note"]) if contact["note"] else sentence
    )


def _note(run: Run, note: Note) -> str:
    text = run.text("site.erased") if note["text"] is None else note["text"]
    code = f"show.note.{note['audience']}"
    return run.text(code, at=note["recorded_at"], by=note["by"], text=text)


def _evidence(run: Run, evidence: Evidence) -> str:
    return run.text(
        "show.evidence", name=evidence["name"] or run.text("show.a_file"),
        size=output.number(evidence["size"]), at=evidence["recorded_at"], digest=evidence["digest"],
    )  # fmt: skip
