"""The acts on contacts: record one, void a wrong one."""

from __future__ import annotations

import click

from incidents.cli import params
from incidents.cli.act import Act
from incidents.cli.options import acting, at_option
from incidents.machine import commands
from incidents.machine.incident import OUTCOMES


@click.command()
@params.target_argument
@click.argument("outcome", type=click.Choice(OUTCOMES))
@at_option("the call was made")
@params.note_option
@acting
def contact(
    act: Act, target: tuple[int, int] | str, outcome: str, at: str | None, note: str | None
) -> int:
    """Record a call or message about INCIDENT, or one call about all that is open on SITE.

    Only reached, which is speaking to the responsible person, stops the clock (R2). A call made in
    time and typed late needs its time, --at.
    """
    site, n = target if isinstance(target, tuple) else (target, None)
    command = commands.RecordContact(
        by=act.by, incident=n, outcome=outcome, at=act.run.read_time(at), note=note
    )
    return act.submit(site, command)


@click.command("void-contact")
@click.argument("contact", type=params.contact, metavar="CONTACT")
@params.reason_option
@acting
def void_contact(act: Act, contact: tuple[int, int, int], reason: str) -> int:
    """Void CONTACT, a wrong record such as 12-3-1.

    If it had stopped a clock, the incident is open again and a new hour starts.
    """
    site, incident, n = contact
    command = commands.VoidContact(by=act.by, incident=incident, contact=n, reason=reason)
    return act.submit(site, command, about="-".join(map(str, contact)))
