"""The customer's link on the command line: for the desk to hand out, by chat say, and to revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import output, params
from incidents.cli.options import looking
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run


@click.command()
@params.incident_argument
@looking
def link(run: Run, incident: tuple[int, int]) -> int:
    """Print the link to the customer's page of INCIDENT.

    Whoever has it sees the incident and may state that the content is gone: give it to the
    responsible person alone. If it got about, revoke-links ends it.
    """
    document = run.house.link(incident)
    if run.for_programs:
        output.document(run, document, rows=[document])
        return DONE
    run.say(document["link"])
    if not run.quiet:
        run.tell(f"it holds until {run.when.until(document['until'])}")
    return DONE
