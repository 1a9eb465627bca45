"""The acts on sites: the register, false information (R4), holds, reinstatement, disputes."""

from __future__ import annotations

from pathlib import Path

import click

from incidents.cli import params, unfamiliar
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.cli.password import password_file_option
from incidents.cli.root import LazyGroup
from incidents.errors import InputError
from incidents.machine import commands

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "add": ("incidents.cli.site:add", "Take a site into the register."),
        "edit": ("incidents.cli.site:edit", "Change whom to call."),
        "list": ("incidents.cli.register:list_sites", "List the sites."),
        "show": ("incidents.cli.register:show", "How a site stands, and whom to call."),
        "why": ("incidents.cli.register:why", "Why a site stands as it does, in plain words."),
        "false-info": ("incidents.cli.site:false_info", "State that a filed detail is false (R4)."),
        "confirm-closure": (
            "incidents.cli.site:confirm_closure",
            "Close a site as another person asked.",
        ),
        "decline-closure": (
            "incidents.cli.site:decline_closure",
            "Leave a site open that was to be closed.",
        ),
        "hold": ("incidents.cli.site:hold", "Keep a site down by order."),
        "unhold": ("incidents.cli.site:unhold", "End the hold."),
        "reinstate": ("incidents.cli.site:reinstate", "Ask that a closed site be opened."),
        "approve": ("incidents.cli.site:approve", "Approve what another person asked."),
        "decline": ("incidents.cli.site:decline", "Decline what another person asked."),
        "uphold": ("incidents.cli.site:uphold", "Let a disputed closure stand."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def site() -> None:
    """The register of sites, and the acts on one of them."""


phone_option = click.option(
    "--phone", type=params.text("phone number", limit=64), metavar="P",
    help="The responsible person's phone.",
)  # fmt: skip
email_option = click.option(
    "--email", type=params.text("e-mail address", limit=254), metavar="E",
    help="The responsible person's e-mail.",
)  # fmt: skip
person_option = click.option(
    "--person", "responsible", type=params.text("person's name", limit=200), metavar="N",
    help="The responsible person's name.",
)  # fmt: skip


@click.command()
@params.name_argument
@phone_option
@email_option
@person_option
@acting
def add(act: Act, site: str, phone: str | None, email: str | None, responsible: str | None) -> int:
    """Take NAME into the register, with whom to call when something is found."""
    command = commands.AddSite(by=act.by, phone=phone, email=email, person=responsible)
    status = act.submit(site, command)
    act.run.tell(*unfamiliar.details(phone, email))
    return status


@click.command()
@params.name_argument
@phone_option
@email_option
@person_option
@acting
def edit(act: Act, site: str, phone: str | None, email: str | None, responsible: str | None) -> int:
    """Change whom to call for NAME; what is not given stays as it is."""
    if phone is email is responsible is None:
        raise InputError("nothing to change is given: add --phone, --email or --person")
    command = commands.EditSite(by=act.by, phone=phone, email=email, person=responsible)
    status = act.submit(site, command)
    act.run.tell(*unfamiliar.details(phone, email))
    return status


@click.command("false-info")
@params.name_argument
@click.option(
    "--field", type=params.text("field's name", limit=100), required=True, metavar="F",
    help="Which filed detail is false: phone, email, person …",
)  # fmt: skip
@click.option(
    "--evidence", type=params.text("evidence"), required=True, metavar="E",
    help="How that was established, in your own words.",
)  # fmt: skip
@params.confirm_option
@password_file_option
@acting
def false_info(
    act: Act,
    *,
    site: str,
    field: str,
    evidence: str,
    confirm: str | None,
    password_file: Path | None,
) -> int:
    """State that a filed detail of NAME is false.

    The site is closed at once (R4), with no after-sales service and no refund: it asks for the
    site's name, or takes --confirm NAME. Where the policy wants two people, another person has to
    confirm first (site confirm-closure). It asks for the password of who acts, or takes
    --password-file, over a server, and in a database with accounts where two people are wanted.
    """
    command = commands.StateFalse(by=act.by, field=field, evidence=evidence)
    return act.close_site(site, command, confirm=confirm, password=password_file)


@click.command("confirm-closure")
@params.name_argument
@params.confirm_option
@password_file_option
@acting
def confirm_closure(act: Act, site: str, confirm: str | None, password_file: Path | None) -> int:
    """Close NAME, as another person has asked with false-info or refused (R4, R5).

    With no after-sales service and no refund: it asks for the site's name, or takes --confirm NAME.
    Where there are accounts it asks for the password of who acts, or takes --password-file.
    """
    command = commands.ConfirmClosure(by=act.by)
    return act.close_site(site, command, confirm=confirm, password=password_file)


@click.command("decline-closure")
@params.name_argument
@click.option("--reason", type=params.text("reason"), metavar="R", help="Why, in your own words.")
@acting
def decline_closure(act: Act, site: str, reason: str | None) -> int:
    """Do not close NAME, as somebody has asked; who asked may take it back so."""
    return act.submit(site, commands.DeclineClosure(by=act.by, reason=reason))


@click.command()
@params.name_argument
@params.reason_option
@acting
def hold(act: Act, site: str, reason: str) -> int:
    """Keep NAME down by order of the police or the regulator, until it is unheld."""
    return act.submit(site, commands.SetHold(by=act.by, reason=reason))


@click.command()
@params.name_argument
@params.reason_option
@acting
def unhold(act: Act, site: str, reason: str) -> int:
    """End the hold on NAME: it opens, unless a suspension still runs or it is closed."""
    return act.submit(site, commands.LiftHold(by=act.by, reason=reason))


@click.command()
@params.name_argument
@params.reason_option
@password_file_option
@acting
def reinstate(act: Act, site: str, reason: str, password_file: Path | None) -> int:
    """Ask that NAME, which is closed, be opened again; another person approves or declines.

    Where there are accounts, and over a server, it asks for the password of who acts, or takes
    --password-file.
    """
    command = commands.AskReinstatement(by=act.by, reason=reason)
    return act.submit_in_person(site, command, password_file)


@click.command()
@params.name_argument
@password_file_option
@acting
def approve(act: Act, site: str, password_file: Path | None) -> int:
    """Approve that NAME be opened again, as another person has asked.

    Where there are accounts, and over a server, it asks for the password of who acts, or takes
    --password-file.
    """
    return act.submit_in_person(site, commands.Approve(by=act.by), password_file)


@click.command()
@params.name_argument
@click.option("--reason", type=params.text("reason"), metavar="R", help="Why, in your own words.")
@acting
def decline(act: Act, site: str, reason: str | None) -> int:
    """Decline that NAME be opened again; it stays closed."""
    return act.submit(site, commands.Decline(by=act.by, reason=reason))


@click.command()
@params.name_argument
@params.reason_option
@acting
def uphold(act: Act, site: str, reason: str) -> int:
    """Let the disputed closure of NAME stand."""
    return act.submit(site, commands.Uphold(by=act.by, reason=reason))
