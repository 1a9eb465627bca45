"""The acts on incidents: log, removed, refused, recur; their corrections, void and take-back."""

from __future__ import annotations

from pathlib import Path

import click

from incidents.cli import params, unfamiliar
from incidents.cli.act import Act
from incidents.cli.options import acting, at_option
from incidents.cli.password import password_file_option
from incidents.machine import commands
from incidents.machine.ids import incident_id
from incidents.web_address import Kept


@click.command()
@params.site_argument
@click.option(
    "--url", "urls", multiple=True, callback=params.urls, metavar="U",
    help="Where it was found; repeat it for up to 50 addresses of one finding.",
)  # fmt: skip
@click.option(
    "--category", type=params.text("category", limit=100), metavar="C",
    help="What kind of content it is.",
)  # fmt: skip
@at_option("it was found")
@params.note_option
@click.option("--again", is_flag=True, help="It is another violation, also at the same address.")
@params.confirm_option
@acting
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
) -> int:
    """Log a violation on SITE.

    The desk then has an hour to reach the responsible person (R2); the third violation within 24
    hours closes the site (R1). The answer counts them. On a terminal, the one that closes the site
    or is of another host asks for the site's name, or takes --confirm NAME; through a pipe it acts.
    """
    command = commands.Log(
        by=act.by, at=act.run.read_time(at), urls=urls.urls, written=urls.written,
        category=category, note=note, again=again,
    )  # fmt: skip
    told = [] if act.dry_run else unfamiliar.category(act.run, category)
    status = act.submit_once(site, command, way_out=None if again else "--again", confirm=confirm)
    act.run.tell(*told)
    return status


@click.command()
@params.incident_argument
@at_option("it was found gone")
@params.note_option
@acting
def removed(act: Act, incident: tuple[int, int], at: str | None, note: str | None) -> int:
    """State that the content of INCIDENT is gone."""
    site, n = incident
    command = commands.StateRemoved(by=act.by, incident=n, at=act.run.read_time(at), note=note)
    return act.submit(site, command, about=incident_id(site, n))


@click.command()
@params.incident_argument
@at_option("the customer refused")
@params.note_option
@params.confirm_option
@password_file_option
@acting
def refused(
    act: Act,
    *,
    incident: tuple[int, int],
    at: str | None,
    note: str | None,
    confirm: str | None,
    password_file: Path | None,
) -> int:
    """State that the customer was told of INCIDENT and does not delete.

    The site is closed at once (R5), with no after-sales service and no refund: it asks for the
    site's name, or takes --confirm NAME. Where the policy wants two people, another person has to
    confirm first (site confirm-closure). It asks for the password of who acts, or takes
    --password-file, over a server, and in a database with accounts where two people are wanted.
    """
    site, n = incident
    command = commands.StateRefused(by=act.by, incident=n, at=act.run.read_time(at), note=note)
    return act.close_site(
        site, command, confirm=confirm, password=password_file, about=incident_id(site, n)
    )


@click.command()
@params.incident_argument
@at_option("it was found again")
@params.note_option
@click.option(
    "--again",
    is_flag=True,
    help="It is another one than the recurrence that nobody has been told of.",
)
@params.confirm_option
@acting
def recur(
    act: Act,
    *,
    incident: tuple[int, int],
    at: str | None,
    note: str | None,
    again: bool,
    confirm: str | None,
) -> int:
    """Log that the content of INCIDENT is still there, as a new incident linked to it.

    It is a violation too: the third within 24 hours closes the site (R1), and asks first as log
    does.
    """
    site, n = incident
    command = commands.Recur(
        by=act.by, incident=n, at=act.run.read_time(at), note=note, again=again
    )
    return act.submit_once(site, command, way_out="a --key of its own", confirm=confirm)


@click.command()
@params.incident_argument
@params.reason_option
@acting
def void(act: Act, incident: tuple[int, int], reason: str) -> int:
    """Void INCIDENT: logged in error, or not a violation on review.

    What rested on it is derived anew: a suspension may be lifted, a closure disputed.
    """
    site, n = incident
    command = commands.VoidIncident(by=act.by, incident=n, reason=reason)
    return act.submit(site, command, about=incident_id(site, n))


@click.command("take-back")
@params.incident_argument
@params.reason_option
@acting
def take_back(act: Act, incident: tuple[int, int], reason: str) -> int:
    """Take back the last removed or refused of INCIDENT, said of the wrong one."""
    site, n = incident
    command = commands.TakeBack(by=act.by, incident=n, reason=reason)
    return act.submit(site, command, about=incident_id(site, n))
