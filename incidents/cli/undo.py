"""Undo on the command line: it voids a contact, or withdraws an incident's last statement."""

from __future__ import annotations

import click

from incidents.cli import options, params, suggestions
from incidents.cli.act import Act
from incidents.cli.lazy_group import verb
from incidents.machine import commands as c
from incidents.values import ids


@verb()
@click.argument(
    "target", type=params.contact_or_incident, metavar="CONTACT|INCIDENT",
    shell_complete=suggestions.incidents,
)  # fmt: skip
@params.reason_option
@options.acting
def undo(act: Act, target: tuple[int, ...], reason: str) -> None:
    """Void a contact such as 12-3-1, or withdraw the last removed or refused of an incident.

    A contact that had stopped a clock leaves its incident open again, with a new hour. To undo the
    incident itself, void it.
    """
    match target:
        case site, incident, contact:
            voided = c.VoidContact(by=act.by, incident=incident, contact=contact, reason=reason)
            act.submit(site, voided, about=ids.contact_id(*target))
        case site, incident:
            withdrawn = c.TakeBack(by=act.by, incident=incident, reason=reason)
            act.submit(site, withdrawn, about=ids.incident_id(*target))
