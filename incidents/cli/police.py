"""The police commands: list the reports that are due, and record the reports made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params, text_table
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.root import action
from incidents.cli.run import Run
from incidents.system.terminal import coloured
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from incidents.contract.documents.queue import Duty, DutySummary

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "list": ("incidents.cli.police:list_", "List incidents to report, with deadlines."),
        "done": action("reported"),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def police() -> None:
    """List and record the reports of incidents to the police."""


@verb("list")
@click.option(
    "--limit", type=params.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="Maximum number of incidents to list.",
)  # fmt: skip
@options.view
def list_(run: Run, limit: int) -> None:
    """List incidents to report to the police, with deadlines; longest overdue first.

    The time limit starts when an incident is recorded. It is 24 hours, under article 10(6) of the
    ministry's decree no. 33, unless [report] in the settings changes it.
    """
    with run.queries() as queries:
        told = queries.duties(limit=limit)
    found, total = told["items"], told["summary"]
    if run.quiet:
        run.write(*(each["incident"] for each in found))
    elif run.for_programs:
        output.write_documents(run, found)
    elif total is None:
        run.inform(run.text("duty.off"))
    else:
        _write_duties(run, found, total)


def _write_duties(run: Run, found: list[Duty], total: DutySummary) -> None:
    from incidents.settings.police import SOURCE

    text_table.write_table(
        run, ("INCIDENT", "LEFT", "SITE", "STATE", "REPORT BY", "NEXT"),
        [_duty_row(run, each) for each in found],
    )  # fmt: skip
    if not found:
        run.inform(run.text("duty.nothing"))
        return
    code = "duty.counts.capped" if total["capped"] else "duty.counts"
    counts = run.text(code, overdue=total["overdue"], due=total["due"])
    run.inform(coloured(counts, fg="red", bold=True) if total["overdue"] else counts)
    if total["overdue"] + total["due"] > len(found):
        run.inform(run.text("duty.first", n=len(found)))
    within = timedelta(seconds=total["within_s"])
    run.inform(run.text("duty.within", within=within, source=SOURCE))


def _duty_row(run: Run, each: Duty) -> tuple[str, ...]:
    when = run.when
    return (
        each["incident"],
        when.left(each["due"]),
        shown(each["site"]),
        run.language.word("state", each["state"]),
        when(each["due"]),
        f"incidents police done {each['incident']} --ref R",
    )
