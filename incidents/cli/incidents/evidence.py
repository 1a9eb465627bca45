"""The evidence on the command line: the act that puts a file on an incident's record."""

from __future__ import annotations

from pathlib import Path

import click

from incidents.cli import params
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.machine import commands
from incidents.values.ids import incident_id


@click.command()
@params.incident_argument
@click.argument("file", type=params.File(), metavar="FILE")
@acting
def attach(act: Act, incident: tuple[int, int], file: Path) -> int:
    """Attach FILE to INCIDENT as evidence, by its digest.

    A copy is kept beside the database (INCIDENTS_EVIDENCE), or by the server; at most 50 MiB
    (evidence_limit).
    """
    from incidents.retention import evidence

    site, n = incident
    run = act.run
    name = params.text("file's name", limit=255)(file.name)
    digest, size = evidence.measure(file, limit=run.settings.evidence_limit)
    command = commands.Attach(by=act.by, incident=n, digest=digest, size=size, name=name)
    if not act.dry_run or run.remote is not None:
        run.house.keep_evidence(file, digest, lambda: act.refuse_if_impossible(site, command))
    return act.submit(site, command, about=incident_id(site, n))
