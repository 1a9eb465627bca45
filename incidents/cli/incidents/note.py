"""The note on the command line: what is written about an incident, for the desk or the customer."""

from __future__ import annotations

import sys

import click

from incidents.cli import params
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.errors import InputError, TextTooLongError
from incidents.machine import commands
from incidents.machine.command import FOR_CUSTOMER, FOR_DESK
from incidents.values import inputs
from incidents.values.ids import incident_id

_STANDARD_INPUT = "-"
# With the blanks around it, which are taken away: who sends a wrong file is told so.
_MOST_CHARACTERS = 2 * inputs.MAX_TEXT_CHARACTERS


@click.command()
@params.incident_argument
@click.argument("text", metavar="TEXT")
@click.option(
    "--to-customer", is_flag=True,
    help="The customer sees it, on the page behind the link to the incident.",
)  # fmt: skip
@acting
def note(act: Act, *, incident: tuple[int, int], text: str, to_customer: bool) -> int:
    """Add a note to INCIDENT: TEXT, or with - what comes on standard input.

    It is for the desk alone, unless --to-customer says otherwise. It moves nothing, and can be
    added whatever the incident and its site have come to.
    """
    site, n = incident
    written = _from_standard_input() if text == _STANDARD_INPUT else text
    command = commands.AddNote(
        by=act.by, incident=n, audience=FOR_CUSTOMER if to_customer else FOR_DESK,
        text=params.text("note")(written),
    )  # fmt: skip
    return act.submit_once(
        site, command, way_out="a --key of its own", another="note", about=incident_id(site, n)
    )  # fmt: skip


def _from_standard_input() -> str:
    try:
        found = sys.stdin.read(_MOST_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise InputError("what came on standard input is no text: no note was added") from error
    if len(found) > _MOST_CHARACTERS:
        most = f"{inputs.MAX_TEXT_CHARACTERS:,}"
        raise TextTooLongError(what="note", length=f"over {_MOST_CHARACTERS:,}", limit=most)
    return found
