"""The accounts on the command line: make them, give them a role and a password, disable them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import output, reauthentication
from incidents.cli.admin import keeping
from incidents.cli.options import looking, recording
from incidents.cli.root import LazyGroup

if TYPE_CHECKING:
    from incidents.cli.admin.keeper import Keeper
    from incidents.cli.run import Run
    from incidents.client.accounts import RemoteKeeper
    from incidents.contract.documents.accounts import Account
    from incidents.locale.words import When


_TOKEN_DAYS = 90
"""For how long the token of a new integrator is proposed, as the guide to integrating has it."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "add": ("incidents.cli.admin.account:add", "Make an account."),
        "list": ("incidents.cli.admin.account:list_accounts", "List the accounts."),
        "role": ("incidents.cli.admin.account:role", "Give an account another role."),
        "password": ("incidents.cli.admin.account:set_password", "Give an account a password."),
        "disable": (
            "incidents.cli.admin.account:disable",
            "Let nobody come in as HANDLE any more.",
        ),
        "enable": (
            "incidents.cli.admin.account:enable",
            "Let a disabled account come in again.",
        ),
        "sessions": (
            "incidents.cli.admin.sign_ins:list_sessions",
            "List the sessions that are open.",
        ),
        "sign-out": ("incidents.cli.admin.sign_ins:sign_out", "End a session."),
        "sign-ins": (
            "incidents.cli.admin.sign_ins:list_sign_ins",
            "List who signed in and out.",
        ),
        "refusals": (
            "incidents.cli.admin.sign_ins:list_refusals",
            "List who was not let do what.",
        ),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def account() -> None:
    """Who may come in, and as what.

    Whoever can reach the database makes the first accounts. As soon as an administrator has a
    password, who keeps accounts gives their own: it is asked for, or read from --own-password-file.
    """


handle_argument = click.argument("handle", metavar="HANDLE")


@click.command()
@handle_argument
@click.option(
    "--role", "given", required=True, metavar="R",
    help="What it may do: viewer, operator, supervisor, auditor, integrator or administrator.",
)  # fmt: skip
@reauthentication.own_password_file_option
@recording
def add(run: Run, handle: str, given: str, own_password_file: Path | None) -> None:
    """Make the account HANDLE, which comes in with the password or the token that it is given next.

    The handle stands in the record for good: small letters, digits, perhaps . _ - between.
    """
    with keeping.acting(run, keeping.KEEP, own_password_file) as keeper:
        keeper.make(handle, given)
        made = keeper.account(handle)
        own = f" --as {run.settings.person}" if keeper.came_in else ""
    next_ = f"account password {handle}"
    if given == "integrator":
        next_ = f"token make {handle} --days {_TOKEN_DAYS}"
    _answer(run, made, changed=True, next_=f"incidents {next_}{own}")


@click.command("list")
@looking
def list_accounts(run: Run) -> None:
    """List the accounts, by their handles."""
    found = keeping.looking(run).accounts()
    # A role of the database that lets nobody in may not know, and an older server does not say.
    tells = any("password_set_at" in each for each in found)
    output.listed(
        run, found, ids=(each["handle"] for each in found),
        headers=("HANDLE", "ROLE", "MADE", "DISABLED", *(["PASSWORD"] if tells else [])),
        rows=(
            (each["handle"], each["role"], run.when(each["made_at"]),
             "" if each["disabled_at"] is None else run.when(each["disabled_at"]),
             *([_password(each, run.when)] if tells else []))
            for each in found
        ),
        nothing="this desk has no accounts: incidents account add makes the first",
    )  # fmt: skip


@click.command()
@handle_argument
@click.argument("given", metavar="ROLE")
@reauthentication.own_password_file_option
@looking
def role(run: Run, handle: str, given: str, own_password_file: Path | None) -> None:
    """Give HANDLE another role, from now on, also in its sessions and to its tokens."""
    _change(run, handle, own_password_file, lambda k: k.give_role(handle, given))


@click.command("password")
@handle_argument
@reauthentication.new_password_file_option
@reauthentication.own_password_file_option
@looking
def set_password(
    run: Run, handle: str, password_file: Path | None, own_password_file: Path | None
) -> None:
    """Give HANDLE a new password, which is asked for twice; all its sessions end.

    If it had one before, its tokens are revoked too. Anybody may give themselves a new one.
    """
    reauthentication.check_standard_input(
        own_password_file, password_file, reauthentication.PASSWORD_OPTION
    )
    if run.remote is None:
        # Nobody is asked for the password of an account that is not there.
        keeping.looking(run).account(handle)
    with keeping.acting(run, "set_password", own_password_file, own=handle) as keeper:
        account = keeper.account(handle)
        keeper.set_password(handle, reauthentication.read_new_password(password_file, handle))
    _answer(run, account, changed=True)


@click.command()
@handle_argument
@reauthentication.own_password_file_option
@looking
def disable(run: Run, handle: str, own_password_file: Path | None) -> None:
    """Let nobody come in as HANDLE any more: its sessions end, and its tokens are revoked."""
    _change(run, handle, own_password_file, lambda k: k.disable(handle))


@click.command()
@handle_argument
@reauthentication.own_password_file_option
@looking
def enable(run: Run, handle: str, own_password_file: Path | None) -> None:
    """Let a disabled account come in again with the password that it had; it needs new tokens."""
    _change(run, handle, own_password_file, lambda k: k.enable(handle))


def _change(
    run: Run, handle: str, file: Path | None, act: Callable[[Keeper | RemoteKeeper], bool]
) -> None:
    with keeping.acting(run, keeping.KEEP, file) as keeper:
        changed = act(keeper)
        account = keeper.account(handle)
    _answer(run, account, changed=changed)


def _answer(run: Run, document: Account, *, changed: bool, next_: str | None = None) -> None:
    if not output.answered(run, document, document["handle"]):
        disabled_at = document["disabled_at"]
        since = "" if disabled_at is None else f", disabled since {run.when(disabled_at)}"
        run.say(f"{document['handle']}: {document['role']}{since}")
        if not changed:
            run.tell("nothing changed: it stood like that already")
        if next_ is not None:
            run.say(f"next: {next_}")


def _password(of: Account, when: When) -> str:
    """When its password was set, and where somebody else has set it, from when on it counts."""
    if of["password_set_at"] is None:
        return "none"
    told, counts_from = f"set {when(of['password_set_at'])}", of["password_counts_from"]
    if counts_from is None:
        return told
    return f"{told} by {of['password_given_by']}, counts from {when(counts_from)}"
