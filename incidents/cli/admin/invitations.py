"""The commands for invitations: an administrator invites, and the person chooses a password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, reauthentication
from incidents.cli.admin import account
from incidents.cli.admin.sign_ins import of_option
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run

if TYPE_CHECKING:
    from incidents.contract.documents.accounts import Invitation


@verb()
@account.handle_argument
@click.option(
    "--role", "given", metavar="R",
    help="Role of a new account: viewer, operator, supervisor, auditor or administrator.",
)  # fmt: skip
@reauthentication.own_password_file_option
@options.writing
def invite(run: Run, handle: str, given: str | None, own_password_file: Path | None) -> None:
    """Invite the person of HANDLE to choose a password, and print the link once.

    The account is added if there is none. The link is valid for 72 hours and works once. For an
    account that has a password, the person can choose another one by the link.
    """
    with account.admin_for_action(run, account.KEEP, own_password_file) as account_admin:
        made = account_admin.invite(handle, given)
    if run.for_programs and not run.quiet:
        output.write_document(run, made, rows=[made])
        return
    server = None if run.remote is None else run.remote.server
    run.write(f"{server or ''}{made['path']}")
    if not run.quiet:
        facts = {"handle": made["handle"], "role": made["role"], "until": made["expires_at"]}
        run.inform(run.text("invitation.made", id=made["id"], **facts))
        if server is None:
            run.inform(run.text("invitation.where"))


@verb("invitations")
@of_option
@options.query
def list_invitations(run: Run, of: str | None) -> None:
    """List invitations, newest first, without their links."""
    found = account.admin_for_look(run).invitations(of)
    if not found:
        account.check_account(run, of)
    output.write_list(
        run, found, ids=(each["id"] for each in found),
        headers=("INVITATION", "HANDLE", "ROLE", "STATE", "BY", "UNTIL"),
        rows=(_row(run, each) for each in found),
        nothing=run.text("invitation.none"),
    )  # fmt: skip


@verb()
@click.argument("id_", metavar="INVITATION")
@reauthentication.own_password_file_option
@options.query
def uninvite(run: Run, id_: str, own_password_file: Path | None) -> None:
    """Revoke INVITATION: its link no longer works."""
    with account.admin_for_action(run, account.KEEP, own_password_file) as account_admin:
        changed = account_admin.revoke_invitation(id_)
    if not output.answer_program(run, {"id": id_, "revoked": True}, id_):
        run.write(run.text("sign_ins.revoked", id=id_))
        if not changed:
            run.inform(run.text("account.unchanged"))


def _row(run: Run, each: Invitation) -> tuple[str, ...]:
    word = run.language.word
    return (
        each["id"], each["handle"], word("role", each["role"]),
        word("invitation_state", each["state"]), each["by"], run.when(each["expires_at"]),
    )  # fmt: skip
