"""The commands for sign-ins, sessions, and the tokens of programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import options, output, params, reauthentication
from incidents.cli.admin import account
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.run import CSV, Run

if TYPE_CHECKING:
    from incidents.contract.documents.accounts import OpenSession, Refused, SignIn, Token


of_option = click.option("--of", metavar="HANDLE", help="List only this account.")
since_option = click.option(
    "--since", metavar="T", help="List only entries from this time or day on."
)
limit_option = click.option(
    "--limit", type=params.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="Maximum number to list.",
)  # fmt: skip


@verb("sessions")
@of_option
@options.query
def list_sessions(run: Run, of: str | None) -> None:
    """List open sessions, newest first."""
    found = account.admin_for_look(run).sessions(of)
    if not found:
        account.check_account(run, of)
    output.write_list(
        run, found, ids=(each["id"] for each in found),
        headers=("SESSION", "HANDLE", "SINCE", "LAST USED", "HOW", "FROM"),
        rows=(_session_row(run, each) for each in found),
        nothing=_none_found(run, "no_session", of),
    )  # fmt: skip


@verb("sign-out")
@click.argument("id_", metavar="SESSION")
@reauthentication.own_password_file_option
@options.query
def sign_out(run: Run, id_: str, own_password_file: Path | None) -> None:
    """End SESSION: your own or, as an administrator, anyone's."""
    action, own = account.of_session(run, id_)
    with account.admin_for_action(run, action, own_password_file, own=own) as account_admin:
        account_admin.end_session(id_)
    if not output.answer_program(run, {"id": id_, "ended": True}, id_):
        run.write(run.text("sign_ins.signed_out", id=id_))


@verb("sign-ins")
@of_option
@click.option("--failed", is_flag=True, help="List only failed sign-ins.")
@since_option
@limit_option
@options.query
def list_sign_ins(run: Run, *, of: str | None, failed: bool, since: str | None, limit: int) -> None:
    """List sign-ins, sign-outs and failed sign-ins with their addresses, newest first.

    The sign-in log is not part of the record. It is kept for at least 184 days; then `retention
    run` or `person erase --account` replaces names and addresses with a pseudonym.
    """
    after = run.read_time(since, "since")
    found = account.admin_for_look(run).sign_ins(of=of, failed=failed, since=after, limit=limit)
    if not found:
        account.check_account(run, of)
    output.write_list(
        run, found, ids=(each["session"] for each in found if each["session"] is not None),
        headers=("AT", "WHAT", "RESULT", "HOW", "ACCOUNT", "FROM", "SESSION"),
        rows=(_sign_in_row(run, each) for each in found),
        nothing=_none_found(run, "none_failed" if failed else "none", of),
    )  # fmt: skip


@verb("refusals")
@of_option
@since_option
@limit_option
@options.query
def list_refusals(run: Run, *, of: str | None, since: str | None, limit: int) -> None:
    """List denied actions by account and day (UTC), with counts, newest first."""
    after = run.read_time(since, "since")
    found = account.admin_for_look(run).refusals(of=of, since=after, limit=limit)
    if not found:
        account.check_account(run, of)
    output.write_list(
        run, found, ids=sorted({each["handle"] for each in found}),
        headers=("DAY", "ACCOUNT", "FROM", "ACT", "WHY", "TIMES", "LAST", "ABOUT"),
        rows=(_refusal_row(run, each) for each in found),
        nothing=_none_found(run, "no_refusals", of),
    )  # fmt: skip


def _none_found(run: Run, code: str, handle: str | None) -> str:
    """The sentence that nothing was found, for one account or for all accounts."""
    id_ = f"sign_ins.{code}"
    return run.text(id_) if handle is None else run.text(f"{id_}.of", handle=handle)


def _session_row(run: Run, each: OpenSession) -> tuple[str, ...]:
    when = run.when
    return (
        each["id"], each["handle"], when(each["made_at"]), when(each["seen_at"]),
        run.language.word("how", each["how"]), _place(run, each["place"]),
    )  # fmt: skip


def _sign_in_row(run: Run, each: SignIn) -> tuple[str, ...]:
    whose = (each["handle"], None if each["by"] is None else f"({each['by']})")
    word = run.language.word
    return (
        run.when(each["at"]), word("sign_in_event", each["what"]),
        word("sign_in_result", each["result"]), word("how", each["how"]),
        " ".join(filter(None, whose)), _place(run, each["place"]), each["session"] or "",
    )  # fmt: skip


def _place(run: Run, place: str | None) -> str:
    """Describe where somebody signed in: an address, or the terminal named in the log."""
    login = (place or "").removeprefix("the terminal of ")
    return login if login == (place or "") else run.text("sign_ins.terminal", login=login)


def _refusal_row(run: Run, each: Refused) -> tuple[str, ...]:
    return (
        each["day"], each["handle"], each["login"], each["act"],
        run.language.word("not_let", each["why"]), str(each["count"]), run.when(each["last_at"]),
        each["about"] or "",
    )  # fmt: skip


TOKEN_COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "make": ("incidents.cli.admin.sign_ins:make", "Make a token and print it once."),
        "list": (
            "incidents.cli.admin.sign_ins:list_tokens",
            "List tokens without their secrets.",
        ),
        "revoke": ("incidents.cli.admin.sign_ins:revoke", "Revoke a token."),
    }
}


@click.group(cls=LazyGroup, sections=TOKEN_COMMANDS)
def token() -> None:
    """Manage the tokens that programs use in place of a password."""


@verb()
@account.handle_argument
@click.option(
    "--days", type=int, required=True, metavar="N", help="Days until the token expires: 1 to 366."
)
@click.option(
    "--act", "acts", multiple=True, metavar="A",
    help="Allow only this action, such as log; repeat for more. Default: all actions of the role.",
)  # fmt: skip
@reauthentication.own_password_file_option
@options.query
def make(
    run: Run, handle: str, days: int, acts: tuple[str, ...], own_password_file: Path | None
) -> None:
    """Make a token for HANDLE and print its secret once; the secret is not stored."""
    with account.admin_for_action(
        run, "make_token", own_password_file, own=handle
    ) as account_admin:
        document = account_admin.make_token(handle, days, acts or None)
    if run.for_programs and not run.quiet:
        output.write_document(run, document, rows=[_token_document(document)])
        return
    run.write(document["secret"])
    if not run.quiet:
        until = document["expires_at"]
        run.inform(run.text("sign_ins.token", id=document["id"], handle=handle, until=until))


@verb("list")
@of_option
@options.query
def list_tokens(run: Run, of: str | None) -> None:
    """List tokens, newest first."""
    found = account.admin_for_look(run).tokens(of)
    if not found:
        account.check_account(run, of)
    output.write_list(
        run, list(map(_token_document, found)) if run.format == CSV else found,
        ids=(each["id"] for each in found),
        headers=("TOKEN", "HANDLE", "FOR", "UNTIL", "REVOKED"),
        rows=(_token_row(run, each) for each in found),
        nothing=run.text("sign_ins.no_tokens"),
    )  # fmt: skip


@verb()
@click.argument("id_", metavar="ID")
@reauthentication.own_password_file_option
@options.query
def revoke(run: Run, id_: str, own_password_file: Path | None) -> None:
    """Revoke the token ID immediately."""
    own = account.owner_of(run, id_) if own_password_file is None or run.remote is None else None
    action = account.KEEP if own is None else "own_account"
    with account.admin_for_action(run, action, own_password_file, own=own) as account_admin:
        changed = account_admin.revoke(id_)
    if not output.answer_program(run, {"id": id_, "revoked": True}, id_):
        run.write(run.text("sign_ins.revoked", id=id_))
        if not changed:
            run.inform(run.text("account.unchanged"))


def _token_document(each: Token) -> Mapping[str, Any]:
    return {**each, "acts": " ".join(each["acts"] or ())}


def _token_row(run: Run, each: Token) -> tuple[str, ...]:
    acts = run.text("sign_ins.all_acts") if each["acts"] is None else " ".join(each["acts"])
    revoked = "" if each["revoked_at"] is None else run.when(each["revoked_at"])
    return each["id"], each["handle"], acts, run.when(each["expires_at"]), revoked
