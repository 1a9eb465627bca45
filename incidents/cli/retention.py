"""The retention on the command line: what it is, and erasing what has been kept long enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import erasing, output
from incidents.cli.options import looking
from incidents.clock import rfc3339
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.desk.erasure import Erased
    from incidents.retention import Retention
    from incidents.store.erasable import Scope
    from incidents.words import Document

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
    keep = erasing.retention()
    scope = _scope(keep)
    _answer(run, keep, scope, _expected(run, scope), dry_run=True)
    return DONE


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Show what would go; erase nothing.")
@looking
def run_now(run: Run, *, dry_run: bool) -> int:
    """Erase people's words that are older than the setting [retention] keep, and needed no more.

    What stays: the words about an incident that is not settled, whom to call on a site that is not
    closed, the reason of a hold or of a request that runs. Without the setting nothing is erased.
    """
    from incidents.desk import erasure as act

    keep = erasing.retention()
    scope, settings = _scope(keep), run.settings
    if dry_run:
        erased = _expected(run, scope)
    elif not keep.asked_for:
        erased = act.Erased()
    else:
        erasure = act.Erasure(scope=scope, by=settings.person, login=settings.login)
        erased = act.erase(run.house.desk, run.house.engine, erasure, settings.evidence)
    _answer(run, keep, scope, erased, dry_run=dry_run)
    return DONE


def _scope(keep: Retention) -> Scope:
    from incidents import clock
    from incidents.store.erasable import Scope

    return Scope(before=keep.cutoff(clock.now()))


def _expected(run: Run, scope: Scope) -> Erased:
    from incidents.desk import erasure

    return erasure.expect(run.house.engine, scope, run.settings.evidence)


def _answer(run: Run, keep: Retention, scope: Scope, erased: Erased, *, dry_run: bool) -> None:
    if run.for_programs:
        document: Document = {
            "keep_s": int(keep.keep.total_seconds()),
            "asked_for": keep.asked_for,
            "before": rfc3339(scope.before),
            "words": erased.words,
            "files": erased.files,
            "dry_run": dry_run,
        }
        output.document(run, document, rows=[document])
    elif not run.quiet:
        told = erasing.gone(erased, dry_run=dry_run)
        run.say(f"kept for {keep.keep.days} days: {told}, recorded before {run.when(scope.before)}")
        if not keep.asked_for:
            run.tell(_NOT_ASKED_FOR)
