"""The account commands: make and disable accounts, and set roles and passwords.

The administrator signs in, and manages the accounts of a database or of a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.accounts import identity
from incidents.cli import options, output, reauthentication
from incidents.cli.admin import rule_owners
from incidents.cli.lazy_group import LazyGroup, verb

if TYPE_CHECKING:
    from incidents.cli.admin.account_admin import AccountAdmin
    from incidents.cli.run import Run
    from incidents.client.accounts import RemoteAccountAdmin
    from incidents.client.app import RemoteApp
    from incidents.contract.documents.accounts import Account


_TOKEN_DAYS = 90
"""The suggested lifetime of an integrator's new token, as in the guide to integrating."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "add": ("incidents.cli.admin.account:add", "Add an account."),
        "list": ("incidents.cli.admin.account:list_accounts", "List accounts."),
        "invite": (
            "incidents.cli.admin.invitations:invite",
            "Invite somebody to choose a password.",
        ),
        "invitations": (
            "incidents.cli.admin.invitations:list_invitations",
            "List invitations.",
        ),
        "uninvite": ("incidents.cli.admin.invitations:uninvite", "Revoke an invitation."),
        "role": ("incidents.cli.admin.account:role", "Change an account's role."),
        "password": ("incidents.cli.admin.account:set_password", "Set an account's password."),
        "reset-factors": (
            "incidents.cli.admin.account:reset_factors",
            "Remove an account's second factors.",
        ),
        "disable": (
            "incidents.cli.admin.account:disable",
            "Disable an account.",
        ),
        "enable": (
            "incidents.cli.admin.account:enable",
            "Enable a disabled account.",
        ),
        "sessions": (
            "incidents.cli.admin.sign_ins:list_sessions",
            "List open sessions.",
        ),
        "sign-out": ("incidents.cli.admin.sign_ins:sign_out", "End a session."),
        "sign-ins": (
            "incidents.cli.admin.sign_ins:list_sign_ins",
            "List sign-ins and sign-outs.",
        ),
        "refusals": (
            "incidents.cli.admin.sign_ins:list_refusals",
            "List denied actions.",
        ),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def account() -> None:
    """Manage accounts, roles and sessions.

    Anyone who can reach the database can make the first accounts. Once an administrator has a
    password, managing accounts asks for your own password, or reads it from --own-password-file.
    """


handle_argument = click.argument("handle", metavar="HANDLE")


@verb()
@handle_argument
@click.option(
    "--role", "given", required=True, metavar="R",
    help="Role: viewer, operator, supervisor, auditor, integrator or administrator.",
)  # fmt: skip
@reauthentication.own_password_file_option
@options.writing
def add(run: Run, handle: str, given: str, own_password_file: Path | None) -> None:
    """Add the account HANDLE. Give it a password or a token next.

    The handle stays in the record permanently. Use lowercase letters and digits, with . _ - between
    them.
    """
    with admin_for_action(run, KEEP, own_password_file) as account_admin:
        account_admin.make(handle, given)
        made = account_admin.account(handle)
        own = f" --as {run.settings.person}" if account_admin.signed_in else ""
    next_ = f"account password {handle}"
    if given == "integrator":
        next_ = f"token make {handle} --days {_TOKEN_DAYS}"
    _answer(run, made, done="added", next_=f"incidents {next_}{own}")


@verb("list")
@options.query
def list_accounts(run: Run) -> None:
    """List accounts by handle."""
    found = admin_for_look(run).accounts()
    # A database role without accounts access may not know, and an older server does not say.
    tells = any("password_set_at" in each for each in found)
    output.write_list(
        run, found, ids=(each["handle"] for each in found),
        headers=("HANDLE", "ROLE", "MADE", "DISABLED", *(["PASSWORD"] if tells else [])),
        rows=(
            (each["handle"], run.language.word("role", each["role"]), run.when(each["made_at"]),
             "" if each["disabled_at"] is None else run.when(each["disabled_at"]),
             *([_password(run, each)] if tells else []))
            for each in found
        ),
        nothing=run.text("account.none"),
    )  # fmt: skip


@verb()
@handle_argument
@click.argument("given", metavar="ROLE")
@reauthentication.own_password_file_option
@options.query
def role(run: Run, handle: str, given: str, own_password_file: Path | None) -> None:
    """Change the role of HANDLE immediately, also for its open sessions and tokens."""
    _change(run, handle, own_password_file, lambda k: k.give_role(handle, given), done="new_role")


@verb("password")
@handle_argument
@reauthentication.new_password_file_option
@reauthentication.own_password_file_option
@options.query
def set_password(
    run: Run, handle: str, password_file: Path | None, own_password_file: Path | None
) -> None:
    """Set a new password for HANDLE; all its sessions end.

    It asks for the password twice. If the account had one before, its tokens are revoked too.
    Anyone can set their own password.
    """
    reauthentication.check_standard_input(
        own_password_file, password_file, reauthentication.PASSWORD_OPTION
    )
    if run.remote is None:
        # Nobody is asked for the password of an account that is not there.
        admin_for_look(run).account(handle)
    with admin_for_action(run, "set_password", own_password_file, own=handle) as account_admin:
        account = account_admin.account(handle)
        account_admin.set_password(
            handle, reauthentication.read_new_password(run, password_file, handle)
        )
    _answer(run, account, done="new_password")


@verb("reset-factors")
@handle_argument
@reauthentication.own_password_file_option
@options.query
def reset_factors(run: Run, handle: str, own_password_file: Path | None) -> None:
    """Remove all second factors of HANDLE, whose owner has lost them.

    Its recovery codes go too. The person signs in with the password alone, and adds new factors in
    the console.
    """
    _change(run, handle, own_password_file, lambda k: k.reset_factors(handle), done="factors_reset")


@verb()
@handle_argument
@reauthentication.own_password_file_option
@options.query
def disable(run: Run, handle: str, own_password_file: Path | None) -> None:
    """Disable the account HANDLE: end its sessions and revoke its tokens."""
    _change(run, handle, own_password_file, lambda k: k.disable(handle))


@verb()
@handle_argument
@reauthentication.own_password_file_option
@options.query
def enable(run: Run, handle: str, own_password_file: Path | None) -> None:
    """Enable a disabled account with its old password; its tokens stay revoked."""
    _change(run, handle, own_password_file, lambda k: k.enable(handle))


def _change(
    run: Run,
    handle: str,
    file: Path | None,
    action: Callable[[AccountAdmin | RemoteAccountAdmin], bool],
    done: str = "stands",
) -> None:
    with admin_for_action(run, KEEP, file) as account_admin:
        changed = action(account_admin)
        account = account_admin.account(handle)
    _answer(run, account, done=done if changed else "stands", changed=changed)


def _answer(
    run: Run, document: Account, *, done: str, changed: bool = True, next_: str | None = None
) -> None:
    if not output.answer_program(run, document, document["handle"]):
        disabled_at = document["disabled_at"]
        if disabled_at is not None and done == "stands":
            done = "stands.disabled"
        facts = {"handle": document["handle"], "role": document["role"], "at": disabled_at}
        run.write(run.text(f"account.{done}", **facts))
        if not changed:
            run.inform(run.text("account.unchanged"))
        if next_ is not None:
            run.write(run.text("answer.next", step=next_))
    if changed and run.remote is None:
        rule_owners.warn(run)


def _password(run: Run, of: Account) -> str:
    """Describe when the password was set.

    If somebody else set the password, say since when its owner can act as a second person.
    """
    at, counts_from = of["password_set_at"], of["password_counts_from"]
    code = "none" if at is None else "set" if counts_from is None else "given"
    return run.text(
        f"account.password.{code}", at=at, by=of["password_given_by"], since=counts_from
    )


KEEP = "keep_accounts"


def admin_for_look(run: Run) -> AccountAdmin | RemoteAccountAdmin:
    """Open the accounts for reading."""
    if run.remote is not None:
        return run.remote.account_admin
    from incidents.cli.admin.account_admin import AccountAdmin

    return AccountAdmin(run)


def check_account(run: Run, handle: str | None) -> None:
    """Check that the account exists, after a list for it came out empty.

    A person who cannot see all accounts gets no error.

    Raises:
        UnknownAccountError, ProblemError: if there is no such account.
    """
    if handle is not None and (run.remote is None or run.remote.account_admin.sees_all):
        admin_for_look(run).account(handle)


@contextmanager
def admin_for_action(
    run: Run, action: str, file: Path | None, *, own: str | None = None
) -> Iterator[AccountAdmin | RemoteAccountAdmin]:
    """Open the accounts for an action of `accounts.identity`.

    `own`: the account that a person may change as their own. With a database, the person must sign
    in as soon as an administrator has a password. With a server, the person signs in if no token
    may perform the action, if there is no token, or if a password file is named.
    """
    server = run.remote
    if server is None:
        from incidents.cli.admin.account_admin import AccountAdmin, signed_in

        yield AccountAdmin(run, signed_in(run, file, KEEP, own))
    elif action in identity.IN_PERSON or file is not None or not server.has_token:
        with reauthentication.in_session(run, file, reauthentication.OWN_PASSWORD_OPTION):
            yield server.account_admin
    else:
        yield server.account_admin


def owner_of(run: Run, token: str) -> str | None:
    """Return the owner of a token; None if there is no such token.

    With a server, only the person's own tokens have a known owner.
    """
    if run.remote is not None:
        return _own_there(run.remote, token)
    from incidents.cli.admin.account_admin import AccountAdmin

    return AccountAdmin(run).owner_of(token)


def of_session(run: Run, session: str) -> tuple[str, str | None]:
    """Return the action that ends the session, and the owner of the session if known here."""
    server = run.remote
    if server is None:
        return "own_account", run.local.open_sessions.owner_of(session)
    if not server.has_token:
        return "own_account", None
    own = server.account_admin.sessions(server.password_account)
    return ("own_account" if any(each["id"] == session for each in own) else KEEP), None


def _own_there(server: RemoteApp, token: str) -> str | None:
    if not server.has_token:
        return None
    mine = (each["id"] for each in server.account_admin.tokens(server.person))
    return server.person if token in mine else None
