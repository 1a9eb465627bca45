"""The tokens on the command line: what programs come in with, made, listed and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import output, reauthentication
from incidents.cli.accounts import keeping
from incidents.cli.accounts.account import handle_argument
from incidents.cli.options import looking
from incidents.cli.root import LazyGroup
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.accounts import Token
    from incidents.locale.words import Document, When

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "make": ("incidents.cli.accounts.token:make", "Make a token, and print it this once."),
        "list": (
            "incidents.cli.accounts.token:list_tokens",
            "List the tokens, without their secrets.",
        ),
        "revoke": ("incidents.cli.accounts.token:revoke", "Let a token be worth nothing."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def token() -> None:
    """What programs come in with, in place of a password."""


@click.command()
@handle_argument
@click.option("--days", type=int, required=True, metavar="N", help="For how long: 1 to 366.")
@click.option(
    "--act", "acts", multiple=True, metavar="A",
    help="Only for this act, such as log; again for more. Default: all that the role may.",
)  # fmt: skip
@reauthentication.own_password_file_option
@looking
def make(
    run: Run, handle: str, days: int, acts: tuple[str, ...], own_password_file: Path | None
) -> int:
    """Make a token of HANDLE, and print its secret: this once, it is kept nowhere."""
    with keeping.acting(run, "make_token", own_password_file, own=handle) as keeper:
        document = keeper.make_token(handle, days, acts or None)
    if run.for_programs and not run.quiet:
        output.document(run, document, rows=[_row(document)])
        return DONE
    run.say(document["secret"])
    if not run.quiet:
        until = run.when(document["expires_at"])
        run.tell(
            f"this is the token {document['id']} of {handle}, until {until}: it is shown this once"
            f" (incidents token revoke {document['id']} ends it)"
        )
    return DONE


@click.command("list")
@click.option("--of", metavar="HANDLE", help="Only of this account.")
@looking
def list_tokens(run: Run, of: str | None) -> int:
    """List the tokens, the newest first."""
    found = keeping.looking(run).tokens(of)
    if not found:
        keeping.insist_on_account(run, of)
    if run.quiet:
        run.say_all([each["id"] for each in found])
    elif run.for_programs:
        output.documents(run, found if run.format != "csv" else map(_row, found))
    else:
        headers = ("TOKEN", "HANDLE", "FOR", "UNTIL", "REVOKED")
        output.table(run, headers, (_line(each, run.when) for each in found))
        if not found:
            run.tell("there are no tokens: incidents token make makes one")
    return DONE


@click.command()
@click.argument("id_", metavar="ID")
@reauthentication.own_password_file_option
@looking
def revoke(run: Run, id_: str, own_password_file: Path | None) -> int:
    """Let the token ID be worth nothing, from this moment on."""
    own = keeping.owner_of(run, id_) if own_password_file is None or run.remote is None else None
    act = keeping.KEEP if own is None else "own_account"
    with keeping.acting(run, act, own_password_file, own=own) as keeper:
        changed = keeper.revoke(id_)
    document: Document = {"id": id_, "revoked": True}
    if run.quiet:
        run.say(id_)
    elif run.for_programs:
        output.document(run, document, rows=[document])
    else:
        run.say(f"{id_}: revoked")
        if not changed:
            run.tell("nothing changed: it stood like that already")
    return DONE


def _row(each: Token) -> Mapping[str, Any]:
    return {**each, "acts": " ".join(each["acts"] or ())}


def _line(each: Token, when: When) -> tuple[str, ...]:
    acts = "all that the role may" if each["acts"] is None else " ".join(each["acts"])
    revoked = "" if each["revoked_at"] is None else when(each["revoked_at"])
    return each["id"], each["handle"], acts, when(each["expires_at"]), revoked
