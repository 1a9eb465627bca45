"""A person's data: erased on somebody's demand, as soon as the law lets it go."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents import errors, site_name
from incidents.cli import erasing, output, params, password, presence
from incidents.cli.options import looking
from incidents.cli.run import is_terminal
from incidents.clock import rfc3339
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.desk.demand import Met
    from incidents.desk.erasure import Erased


class ErasureNotConfirmedError(errors.NotConfirmedError):
    """people's words about {site} would be erased for good, and that was not confirmed, so nothing
    is done: {way_out}"""

    @property
    def name(self) -> str:
        """The same for programs as of all that must be confirmed."""
        return "not_confirmed"


@click.group()
def person() -> None:
    """Erase a person's data when the law lets it go."""


@person.command()
@params.site_argument
@params.reason_option
@click.option("--dry-run", is_flag=True, help="Show what would go; erase nothing.")
@params.confirm_option
@password.password_file_option
@looking
def erase(
    run: Run, *, site: str, reason: str, dry_run: bool, confirm: str | None,
    password_file: Path | None,
) -> int:  # fmt: skip
    """Erase what people have said about SITE, and whom to call, if it is old enough.

    That is what was recorded 184 days ago or earlier, or as long ago as the setting [retention]
    keep says. It cannot be undone: it asks for the site's name, or takes --confirm NAME. The record
    keeps its entries, and proves as before. Over a server it asks for a password.
    """
    if run.remote is None:
        met = _met(run, site, reason, confirm, dry_run=dry_run)
    else:
        with presence.in_session(run.remote, password_file):
            met = run.remote.erasing.meet(
                site, reason, dry_run=dry_run, confirm=lambda: _confirm(site, confirm)
            )
    _answer(run, met, dry_run=dry_run)
    return DONE


def _met(run: Run, site: str, reason: str, confirm: str | None, *, dry_run: bool) -> Met:
    from incidents import clock, retention
    from incidents.desk.demand import Demand, Demands

    house, settings = run.house, run.settings
    demands = Demands(
        desk=house.desk, engine=house.engine, folder=settings.evidence,
        keep=retention.of_settings(),
    )  # fmt: skip
    return demands.meet(
        Demand(site=site, reason=reason, by=settings.person, login=settings.login),
        clock.now(),
        dry_run=dry_run,
        confirm=lambda: _confirm(site, confirm),
        told=rfc3339 if run.for_programs else run.when.until,
    )


def _confirm(site: str, confirm: str | None) -> None:
    if confirm is None and is_terminal(sys.stdin):
        print(  # noqa: T201 - a question, on standard error
            f"This erases what people have said about {site}, and whom to call, for good.\n"
            "Type its name to confirm: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        confirm = sys.stdin.readline()
        way_out = "what you typed is not its name"
    else:
        way_out = f"add --confirm {site}"
    if not site_name.is_called(site, confirm):
        raise ErasureNotConfirmedError(site=site, way_out=way_out)


def _answer(run: Run, met: Met, *, dry_run: bool) -> None:
    young = met.staying
    if run.quiet:
        run.say(met.site)
    elif run.for_programs:
        document = met.document(dry_run=dry_run)
        output.document(run, document, rows=[document])
    else:
        run.say(f"{met.site}: {_sentence(met.erased, dry_run=dry_run)}")
        if young.first is not None and young.last is not None:
            run.say(
                f"{erasing.counted(young.words, young.files)} must stay for now; from "
                f"{run.when.until(young.first)} the first may go, from "
                f"{run.when.until(young.last)} the last"
            )


def _sentence(erased: Erased, *, dry_run: bool) -> str:
    if not erased.anything:
        return "nothing is left to erase"
    return erasing.gone(erased, dry_run=dry_run)
