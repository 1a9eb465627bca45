"""The incidents on the command line: log, attach, note, the customer's link."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from incidents.cli import options, output, params, suggestions
from incidents.cli.act import Act
from incidents.cli.group import verb
from incidents.cli.run import Run
from incidents.errors import InputError, TextTooLongError
from incidents.machine import commands
from incidents.machine.command import FOR_CUSTOMER, FOR_DESK
from incidents.values import inputs
from incidents.values.ids import incident_id
from incidents.values.web_address import Kept


@verb()
@params.site_argument
@click.option(
    "--url", "urls", multiple=True, callback=params.urls, metavar="U",
    help="Where it was found; repeat it for up to 50 addresses of one finding.",
)  # fmt: skip
@click.option(
    "--category", type=params.text("category", limit=100), metavar="C",
    shell_complete=suggestions.categories,
    help="What kind of content it is.",
)  # fmt: skip
@options.at_option("it was found")
@params.note_option
@click.option("--again", is_flag=True, help="It is another violation, also at the same address.")
@params.confirm_option
@options.acting
def log(
    act: Act,
    *,
    site: str,
    urls: Kept,
    category: str | None,
    at: str | None,
    note: str | None,
    again: bool,
    confirm: str | None,
) -> None:
    """Log a violation on SITE.

    The desk then has an hour to reach the responsible person (R2); the third violation within 24
    hours closes the site (R1). The answer counts them. On a terminal, the one that closes the site
    or is of another host asks for the site's name, or takes --confirm NAME; through a pipe it acts.
    """
    command = commands.Log(
        by=act.by, at=act.run.read_time(at), urls=urls.urls, written=urls.written,
        category=category, note=note, again=again,
    )  # fmt: skip
    told = [] if act.dry_run else params.hints_on_category(act.run, category)
    act.submit_once(site, command, may_repeat=again, confirm=confirm)
    act.run.tell(*told)


@verb()
@params.incident_argument
@click.argument("file", type=params.File(), metavar="FILE")
@options.acting
def attach(act: Act, incident: tuple[int, int], file: Path) -> None:
    """Attach FILE to INCIDENT as evidence, by its digest.

    A copy is kept beside the database (INCIDENTS_EVIDENCE), or by the server; at most 50 MiB
    (evidence_limit).
    """
    from incidents.record import evidence

    site, n = incident
    run = act.run
    name = params.text("file's name", limit=255)(file.name)
    digest, size = evidence.measure(file, limit=run.settings.evidence_limit)
    command = commands.Attach(by=act.by, incident=n, digest=digest, size=size, name=name)
    if not act.dry_run or run.remote is not None:
        run.house.keep_evidence(file, digest, lambda: act.refuse_if_impossible(site, command))
    act.submit(site, command, about=incident_id(site, n))


_STANDARD_INPUT = "-"
# With the blanks around it, which are taken away: who sends a wrong file is told so.
_MOST_CHARACTERS = 2 * inputs.MAX_TEXT_CHARACTERS


@verb()
@params.incident_argument
@click.argument("text", metavar="TEXT")
@click.option(
    "--to-customer", is_flag=True,
    help="The customer sees it, on the page behind the link to the incident.",
)  # fmt: skip
@options.acting
def note(act: Act, *, incident: tuple[int, int], text: str, to_customer: bool) -> None:
    """Add a note to INCIDENT: TEXT, or with - what comes on standard input.

    It is for the desk alone, unless --to-customer says otherwise. It moves nothing, and can be
    added whatever the incident and its site have come to.
    """
    site, n = incident
    written = _note_of_standard_input() if text == _STANDARD_INPUT else text
    command = commands.AddNote(
        by=act.by, incident=n, audience=FOR_CUSTOMER if to_customer else FOR_DESK,
        text=params.text("note")(written),
    )  # fmt: skip
    act.submit_once(site, command, may_repeat=False, another="note", about=incident_id(site, n))


def _note_of_standard_input() -> str:
    try:
        found = sys.stdin.read(_MOST_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise InputError.coded(
            "note_no_text", "what came on standard input is no text: no note was added"
        ) from error
    if len(found) > _MOST_CHARACTERS:
        most = f"{inputs.MAX_TEXT_CHARACTERS:,}"
        raise TextTooLongError(what="note", length=f"over {_MOST_CHARACTERS:,}", limit=most)
    return found


@verb()
@params.incident_argument
@options.looking
def link(run: Run, incident: tuple[int, int]) -> None:
    """Print the link to the customer's page of INCIDENT.

    Whoever has it sees the incident and may state that the content is gone: give it to the
    responsible person alone. If it got about, revoke-links ends it.
    """
    document = run.house.link(incident)
    if run.for_programs:
        output.document(run, document, rows=[document])
    else:
        run.say(document["link"])
        if not run.quiet:
            run.tell(run.text("link.until", at=document["until"]))
