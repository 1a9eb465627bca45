"""The retention on the command line: what it is, and how what is gone, and what stays, is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import output, reauthentication
from incidents.cli.options import looking
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.desk.erasure import Erased
    from incidents.desk.retention_job import Aged


def counted(words: int, files: int, sign_ins: int = 0) -> str:
    """So many values and files and rows of the log of sign-ins, in words."""
    told = f"{words:,} text" if words == 1 else f"{words:,} texts"
    if files:
        told += f" and {files:,} file" + ("" if files == 1 else "s")
    if sign_ins:
        told += f" and {sign_ins:,} sign-in" + ("" if sign_ins == 1 else "s")
    return told


def gone(erased: Erased, *, dry_run: bool) -> str:
    """What is gone, or would be."""
    done = "would be erased" if dry_run else "erased"
    return f"{counted(erased.words, erased.files, erased.sign_ins)} {done}"


_NOT_ASKED_FOR = (
    'nothing is erased by time alone until the settings file asks for it: write keep = "184d" '
    "under [retention], or a longer time"
)


@click.group()
def retention() -> None:
    """Erase what has been kept long enough."""


@retention.command()
@looking
def show(run: Run) -> int:
    """How long people's words are kept, and what could be erased now."""
    _answer(run, _look(run), dry_run=True)
    return DONE


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Show what would go; erase nothing.")
@reauthentication.password_file_option
@looking
def run_now(run: Run, *, dry_run: bool, password_file: Path | None) -> int:
    """Erase people's words that are older than the setting [retention] keep, and needed no more.

    What stays: the words about an incident that is not settled, whom to call on a site that is not
    closed, the reason of a hold or of a request that runs. Without the setting nothing is erased.
    Over a server it asks for a password.
    """
    _answer(run, _look(run) if dry_run else _erase(run, password_file), dry_run=dry_run)
    return DONE


def _look(run: Run) -> Aged:
    if run.remote is not None:
        return run.remote.erasing.look()
    from incidents import clock
    from incidents.desk import retention_job
    from incidents.retention import periods as rules

    keep = rules.of_settings()
    return retention_job.look(run.local.engine, run.settings.evidence, keep, clock.now())


def _erase(run: Run, password_file: Path | None) -> Aged:
    if run.remote is not None:
        with reauthentication.in_session(run.remote, password_file):
            return run.remote.erasing.erase()
    from incidents import clock
    from incidents.desk import retention_job
    from incidents.retention import periods as rules

    keep, house, settings = rules.of_settings(), run.local, run.settings
    return retention_job.erase(
        house.desk, house.engine, settings.evidence, keep, clock.now(), by=settings.person,
        login=settings.login,
    )  # fmt: skip


def _answer(run: Run, aged: Aged, *, dry_run: bool) -> None:
    keep = aged.keep
    if run.for_programs:
        document = aged.document(dry_run=dry_run)
        output.document(run, document, rows=[document])
    elif not run.quiet:
        told = gone(aged.erased, dry_run=dry_run)
        run.say(f"kept for {keep.keep.days} days: {told}, recorded before {run.when(aged.before)}")
        if not keep.asked_for:
            run.tell(_NOT_ASKED_FOR)
