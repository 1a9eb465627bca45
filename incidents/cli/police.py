"""The duty to report on the command line: what the police are to be told of, and that they were."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from incidents.cli import output
from incidents.cli.options import looking
from incidents.cli.run import painted
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.queue import Duty, DutySummary
    from incidents.locale.words import When


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="At most so many incidents.",
)  # fmt: skip
@looking
def duty(run: Run, limit: int) -> int:
    """What is to be reported to the police by when, the longest overdue first.

    The section [report] of the settings says within what time of its recording: 24 hours, by
    article 10(6) of the ministry's decree no. 33, unless it says otherwise.
    """
    with run.house.looking() as looks:
        told = looks.duties(limit=limit)
    found, total = told["items"], told["summary"]
    if run.quiet:
        run.say(*(each["incident"] for each in found))
    elif run.for_programs:
        output.documents(run, found)
    elif total is None:
        run.tell('nobody is reminded here: the settings say [report] within = ""')
    else:
        _tell(run, found, total)
    return DONE


def _tell(run: Run, found: list[Duty], total: DutySummary) -> None:
    from incidents.machine.policy import write_duration
    from incidents.settings.police import SOURCE

    when = run.when
    headers = ("INCIDENT", "LEFT", "SITE", "STATE", "REPORT BY", "NEXT")
    output.table(run, headers, [_row(each, when) for each in found])
    if not found:
        run.tell("nothing is to be reported")
        return
    counts = f"{total['overdue']:,} overdue, {total['due']:,} still in time"
    if total["capped"]:
        counts += ", or more"
    run.tell(painted(counts, fg="red", bold=True) if total["overdue"] else counts)
    if total["overdue"] + total["due"] > len(found):
        run.tell(f"these are the first {len(found):,}: --limit shows more")
    within = timedelta(seconds=total["within_s"])
    run.tell(f"within {write_duration(within)} of the recording, by {SOURCE}")


def _row(each: Duty, when: When) -> tuple[str, ...]:
    return (
        each["incident"],
        when.left(each["due"]),
        each["site"],
        each["state"],
        when(each["due"]),
        f"incidents reported {each['incident']} --ref R",
    )
