"""The reconciliation on the command line: the sites that it is about, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import openings, output, params
from incidents.cli.options import acting
from incidents.errors import DONE, NOT_VERIFIED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.acts.reconciliation import Comparison
    from incidents.cli.act import Act
    from incidents.cli.run import Run

WORDS = {
    "agrees": "agrees",
    "differs": "DIFFERS",
    "cannot_be_asked": "cannot be asked",
    "waits": "waits",
    "ordered_again": "ordered again",
    "changed_meanwhile": "CHANGED MEANWHILE",
    "cancelled": "CANCELLED BY HAND",
    "left_down": "LEFT DOWN",
}
"""What people are told of each verdict."""


@click.command()
@click.argument("sites", type=params.site, nargs=-1, metavar="[SITE]...")
@click.option("--all", "every", is_flag=True, help="Every site, also those that are up by all.")
@click.option("--repair", is_flag=True, help="Order once more what is not in force.")
@click.option("--cancelled", is_flag=True, help="With --repair, also what somebody has cancelled.")
@click.option(
    "--confirm", metavar="SITE",
    help="Confirm by its name that a site is opened which a loss left down; of several by their"
    " number. A terminal is asked.",
)  # fmt: skip
@acting
def reconcile(
    act: Act,
    *,
    sites: tuple[str, ...],
    every: bool,
    repair: bool,
    cancelled: bool,
    confirm: str | None,
) -> int:
    """Ask the adapters how sites really stand, and compare.

    Without SITE all that are down, or of which the record says that something else is in force than
    what is ordered. What is found is put on record; where an adapter cannot be asked, the record is
    believed. An order that still waits is waited for. Exits 5 if anything differs in the end.

    After a loss, --repair opens a site that was left down only if you name it (LEFT DOWN: hold it,
    or open it): put a hold on what must stay down before.

    What somebody has cancelled stays undone, unless --cancelled is given: then nobody writes to the
    customer once more, so tell them.

    For programs `verdict` is agrees, differs, waits, cannot_be_asked, ordered_again, cancelled,
    left_down, or changed_meanwhile: something else was done while it was looked at, so look again.
    """
    run = act.run
    if sites and repair and not act.dry_run and openings.is_asked(confirm):
        _confirm(act, sites, confirm, cancelled=cancelled)
    compared = _compare(
        act, sites or _names(run, every=every), by_name=bool(sites), repair=repair,
        cancelled=cancelled, dry_run=act.dry_run,
    )  # fmt: skip
    differing = [each for each in compared if each.differs]
    if run.quiet:
        run.say_all([each.site for each in differing])
    elif run.for_programs:
        output.documents(run, [each.document() for each in compared])
    else:
        headers = ("SITE", "ORDERED", "ON RECORD", "REALLY", "BY", "")
        output.table(run, headers, map(_row, compared))
        _tell_count(run, compared, len(differing))
    return NOT_VERIFIED if differing else DONE


def _compare(act: Act, names: Sequence[str], *, dry_run: bool, **asked: bool) -> list[Comparison]:
    return act.run.house.compare(
        names, by=act.by, login=act.run.settings.login, key=act.key, dry_run=dry_run, **asked
    )


def _confirm(act: Act, sites: Sequence[str], said: str | None, *, cancelled: bool) -> None:
    """Has it confirmed that sites are opened that a loss left down, or that are closed in the
    world."""
    opened = openings.of(
        _compare(act, sites, by_name=True, repair=True, cancelled=cancelled, dry_run=True)
    )
    with act.run.house.looking() as looks:
        doubted = [
            each
            for each in opened
            # A server of before does not say it.
            if each.really == "closed" or looks.site(each.site).get("left_down_since")
        ]
    openings.confirm(doubted, said)


def _names(run: Run, *, every: bool) -> list[str]:
    from incidents.store import sites

    with run.local.reading() as connection:
        names, _ = sites.in_doubt(connection, every=every)
    return names


def _tell_count(run: Run, compared: list[Comparison], differing: int) -> None:
    from incidents.acts.reconciliation import REPAIRED, UNKNOWN
    from incidents.acts.routing import DEFAULT
    from incidents.machine.codes import LEFT_DOWN

    verdicts = [each.verdict for each in compared]
    told = [f"{len(compared):,} compared", f"{differing:,} differ"]
    if UNKNOWN in verdicts:
        told.append(f"{verdicts.count(UNKNOWN):,} cannot be asked: the record is believed")
    without = sum(each.adapter == DEFAULT for each in compared)
    if without:
        told.append(f"{without:,} by no adapter: [acts] names none, so orders are only logged")
    repaired = [each for each in compared if each.verdict == REPAIRED]
    logged = sum(each.adapter == DEFAULT for each in repaired)
    if len(repaired) > logged:
        told.append(f"{len(repaired) - logged:,} ordered again: in force when a daemon has run")
    if logged:
        told.append(f"{logged:,} ordered again IN VAIN")
    run.tell(", ".join(told))
    if left := verdicts.count(LEFT_DOWN):
        run.tell(
            f"{left:,} left down: the reason may be what the record has lost. Hold those that must"
            " stay down (incidents site hold SITE --reason R). incidents acts reconcile SITE"
            " --repair opens one, incidents recover --reason R all that this record has as open"
        )


def _row(each: Comparison) -> tuple[str, ...]:
    word = WORDS[each.verdict]
    return (
        each.site,
        each.ordered,
        each.on_record,
        each.really or "",
        each.adapter,
        output.Painted.of(word, fg="red") if each.differs else word,
    )
