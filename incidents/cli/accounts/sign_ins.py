"""The sign-ins on the command line: sessions listed and ended, who came in, who was not let."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import output, reauthentication
from incidents.cli.accounts import keeping
from incidents.cli.options import looking
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.accounts import OpenSession, Refused, SignIn
    from incidents.locale.words import Document, When

of_option = click.option("--of", metavar="HANDLE", help="Only of this account.")
since_option = click.option("--since", metavar="T", help="Only at this time or later.")
limit_option = click.option(
    "--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="Maximum number to list.",
)  # fmt: skip


@click.command("sessions")
@of_option
@looking
def list_sessions(run: Run, of: str | None) -> int:
    """List the sessions that are open, the newest first."""
    found = keeping.looking(run).sessions(of)
    if not found:
        keeping.insist_on_account(run, of)
    if run.quiet:
        run.say_all([each["id"] for each in found])
    elif run.for_programs:
        output.documents(run, found)
    else:
        headers = ("SESSION", "HANDLE", "SINCE", "LAST USED", "HOW", "FROM")
        output.table(run, headers, (_session(each, run.when) for each in found))
        if not found:
            run.tell("no session is open" + _of(of))
    return DONE


@click.command("sign-out")
@click.argument("id_", metavar="SESSION")
@reauthentication.own_password_file_option
@looking
def sign_out(run: Run, id_: str, own_password_file: Path | None) -> int:
    """End SESSION: your own or, as an administrator, somebody else's."""
    act, own = keeping.of_session(run, id_)
    with keeping.acting(run, act, own_password_file, own=own) as keeper:
        keeper.end_session(id_)
    document: Document = {"id": id_, "ended": True}
    if run.quiet:
        run.say(id_)
    elif run.for_programs:
        output.document(run, document, rows=[document])
    else:
        run.say(f"{id_}: signed out")
    return DONE


@click.command("sign-ins")
@of_option
@click.option("--failed", is_flag=True, help="Only those that failed.")
@since_option
@limit_option
@looking
def list_sign_ins(run: Run, *, of: str | None, failed: bool, since: str | None, limit: int) -> int:
    """List who signed in and out, from where, and who was not let in; the newest first.

    The log is no part of the record. It is kept for 184 days at least; then `retention run` or
    `person erase --account` puts a pseudonym in the place of a person and an address.
    """
    after = run.read_time(since)
    found = keeping.looking(run).sign_ins(of=of, failed=failed, since=after, limit=limit)
    if not found:
        keeping.insist_on_account(run, of)
    if run.quiet:
        run.say_all([each["session"] for each in found if each["session"] is not None])
    elif run.for_programs:
        output.documents(run, found)
    else:
        headers = ("AT", "WHAT", "RESULT", "HOW", "ACCOUNT", "FROM", "SESSION")
        output.table(run, headers, (_sign_in(each, run.when) for each in found))
        if not found:
            run.tell("no sign-ins" + (" that failed" if failed else "") + _of(of))
    return DONE


@click.command("refusals")
@of_option
@since_option
@limit_option
@looking
def list_refusals(run: Run, *, of: str | None, since: str | None, limit: int) -> int:
    """List who was not let do what, and how often, by the day (UTC); the newest first."""
    after = run.read_time(since)
    found = keeping.looking(run).refusals(of=of, since=after, limit=limit)
    if not found:
        keeping.insist_on_account(run, of)
    if run.quiet:
        run.say_all(sorted({each["handle"] for each in found}))
    elif run.for_programs:
        output.documents(run, found)
    else:
        headers = ("DAY", "ACCOUNT", "FROM", "ACT", "WHY", "TIMES", "LAST", "ABOUT")
        output.table(run, headers, (_refusal(each, run.when) for each in found))
        if not found:
            run.tell("no refusals" + _of(of))
    return DONE


def _of(handle: str | None) -> str:
    return "" if handle is None else f" of {handle}"


def _session(each: OpenSession, when: When) -> tuple[str, ...]:
    since, seen = when(each["made_at"]), when(each["seen_at"])
    return each["id"], each["handle"], since, seen, each["how"], each["place"] or ""


def _sign_in(each: SignIn, when: When) -> tuple[str, ...]:
    whose = (each["handle"], None if each["by"] is None else f"({each['by']})")
    return (
        when(each["at"]), each["what"], each["result"], each["how"],
        " ".join(word for word in whose if word), each["place"] or "", each["session"] or "",
    )  # fmt: skip


def _refusal(each: Refused, when: When) -> tuple[str, ...]:
    return (
        each["day"], each["handle"], each["login"], each["act"], each["why"], str(each["count"]),
        when(each["last_at"]), each["about"] or "",
    )  # fmt: skip
