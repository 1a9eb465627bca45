"""The incident commands: log, attach, note, undo, and the link for the customer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from incidents.cli import options, output, params, suggestions
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.cli.submission import Submission
from incidents.errors import InputError, TextTooLongError
from incidents.machine import commands
from incidents.machine.command import FOR_CUSTOMER, FOR_DESK
from incidents.values import inputs
from incidents.values.ids import contact_id, incident_id
from incidents.values.web_address import Normalized


@verb()
@params.site_argument
@click.option(
    "--url", "urls", multiple=True, callback=params.urls, metavar="U",
    help="Web address of the finding; repeat for up to 50 addresses.",
)  # fmt: skip
@click.option(
    "--category", type=params.text("category", limit=100), metavar="C",
    callback=params.category, shell_complete=suggestions.categories,
    help="Category of the content.",
)  # fmt: skip
@options.at_option("it was found")
@params.note_option
@click.option("--again", is_flag=True, help="Log a separate violation at the same address.")
@params.confirm_option
@options.action
def log(
    submission: Submission,
    *,
    site: str,
    urls: Normalized,
    category: str | None,
    at: str | None,
    note: str | None,
    again: bool,
    confirm: str | None,
) -> None:
    """Log a violation on SITE.

    The desk then has an hour to reach the responsible person (R2). The third violation within 24
    hours closes the site (R1); the output shows the count. If the violation closes the site, or its
    address is on another host, you must type the site's name on a terminal, or give --confirm NAME.
    In a pipe, the command does not ask.
    """
    command = commands.Log(
        by=submission.by, at=submission.run.read_time(at), urls=urls.urls, written=urls.written,
        category=category, note=note, again=again,
    )  # fmt: skip
    if not submission.dry_run:
        submission.also += params.hints_on_category(submission.run, category)
    submission.submit_once(site, command, may_repeat=again, confirm=confirm)


@verb()
@params.incident_argument
@click.argument("file", type=params.File(), metavar="FILE")
@options.action
def attach(submission: Submission, incident: tuple[int, int], file: Path) -> None:
    """Attach FILE to INCIDENT as evidence.

    The record keeps the digest of FILE. A copy of at most 50 MiB (evidence_limit) is kept beside
    the database (INCIDENTS_EVIDENCE), or on the server.
    """
    from incidents.record import evidence

    site, n = incident
    run = submission.run
    name = params.text("file's name", limit=255)(file.name)
    digest, size = evidence.measure(file, limit=run.settings.evidence_limit)
    command = commands.Attach(by=submission.by, incident=n, digest=digest, size=size, name=name)
    if not submission.dry_run or run.remote is not None:
        run.app.keep_evidence(file, digest, lambda: submission.refuse_if_impossible(site, command))
    submission.submit(site, command, about=incident_id(site, n))


_STANDARD_INPUT = "-"
# Including the blanks around it, which are removed: so a wrong file is reported.
_MOST_CHARACTERS = 2 * inputs.MAX_TEXT_CHARACTERS


@verb()
@params.incident_argument
@click.argument("text", metavar="TEXT")
@click.option(
    "--to-customer", is_flag=True,
    help="Show the note to the customer, on the customer page of the incident.",
)  # fmt: skip
@options.action
def note(
    submission: Submission, *, incident: tuple[int, int], text: str, to_customer: bool
) -> None:
    """Add TEXT to INCIDENT as a note; - reads standard input.

    Only the desk sees the note, unless you add --to-customer. A note changes no state, and you can
    add one in any state of the incident and its site.
    """
    site, n = incident
    written = _note_of_standard_input() if text == _STANDARD_INPUT else text
    command = commands.AddNote(
        by=submission.by, incident=n, audience=FOR_CUSTOMER if to_customer else FOR_DESK,
        text=params.text("note")(written),
    )  # fmt: skip
    submission.submit_once(
        site, command, may_repeat=False, another="note", about=incident_id(site, n)
    )


def _note_of_standard_input() -> str:
    try:
        found = sys.stdin.read(_MOST_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise InputError.coded(
            "note_no_text", "standard input is not text: no note was added"
        ) from error
    if len(found) > _MOST_CHARACTERS:
        most = f"{inputs.MAX_TEXT_CHARACTERS:,}"
        raise TextTooLongError(what="note", length=f"over {_MOST_CHARACTERS:,}", limit=most)
    return found


@verb()
@params.incident_argument
@options.query
def link(run: Run, incident: tuple[int, int]) -> None:
    """Print the link to the customer page of INCIDENT.

    Anyone with the link can see the incident and state that the content is removed: give it only to
    the responsible person. If others have the link, revoke it with
    revoke-links.
    """
    document = run.app.link(incident)
    if run.for_programs:
        output.write_document(run, document, rows=[document])
    else:
        run.write(document["link"])
        if not run.quiet:
            run.inform(run.text("link.until", at=document["until"]))


@verb()
@click.argument(
    "target", type=params.contact_or_incident, metavar="CONTACT|INCIDENT",
    shell_complete=suggestions.incidents,
)  # fmt: skip
@params.reason_option
@options.action
def undo(submission: Submission, target: tuple[int, ...], reason: str) -> None:
    """Void a contact such as 12-3-1, or withdraw an incident's last recorded removal or refusal.

    If the voided contact had stopped a clock, the incident is open again, with a new clock. To undo
    an incident, use void.
    """
    match target:
        case site, incident, contact:
            voided = commands.VoidContact(
                by=submission.by, incident=incident, contact=contact, reason=reason
            )
            submission.submit(site, voided, about=contact_id(*target))
        case site, incident:
            withdrawn = commands.TakeBack(by=submission.by, incident=incident, reason=reason)
            submission.submit(site, withdrawn, about=incident_id(*target))
