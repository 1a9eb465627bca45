"""The terms on the command line: what is to be filed or shown by when, also as a calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import output
from incidents.cli.filing.look import today
from incidents.cli.options import looking
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.filings import SiteTerm, TermOfSite

_WORDS = {"file": "to be filed", "show_number": "number to be shown"}


@click.command()
@click.option("--days", type=click.IntRange(0, 3_650), metavar="N", help="Only what ends by then.")
@click.option(
    "--ics",
    "ics",
    metavar="FILE",
    help="Write a calendar (iCalendar) to FILE; - is stdout.",
)
@looking
def terms(run: Run, days: int | None, ics: str | None) -> int:
    """What is to be filed, or shown at the foot of the pages, by when: 30 days each.

    Days are those of the zone of the settings; the last one counts to its end. Who is late is
    reminded of, and suspended for nothing.
    """
    now = today(run)
    until = None if days is None else (now + timedelta(days=days)).isoformat()
    with run.house.looking() as looks:
        found = looks.filing_terms(until)
    counted = [_counted(each, now) for each in found]
    if ics is not None:
        output.write_file(ics, (line.encode() for line in _calendar(counted)))
    elif run.quiet:
        run.say_all(list(dict.fromkeys(each["site"] for each in counted)))
    elif run.for_programs:
        output.documents(run, counted)
    else:
        output.table(run, ("SITE", "WHAT", "BY", "LEFT", "REMINDED"), map(_row, counted))
        if not counted:
            run.tell("no term runs")
    return DONE


def _counted(term: TermOfSite, now: date) -> SiteTerm:
    left = (date.fromisoformat(term["due_on"]) - now).days
    # A server has counted them already, in its own zone.
    counted: Any = {"days_left": left, **term}
    found: SiteTerm = counted
    return found


def _row(term: SiteTerm) -> tuple[str, ...]:
    left = term["days_left"]
    told = f"{left} d" if left >= 0 else output.Painted.of(f"{-left} d over", fg="red")
    return term["site"], _WORDS[term["term"]], term["due_on"], told, term["reminded_on"] or ""


def _calendar(found: list[SiteTerm]) -> list[str]:
    from incidents import clock
    from incidents.filing.calendar import Entry, calendar
    from incidents.values import site_name

    entries = [
        Entry(
            site=site_name.shown(each["site"]), term=each["term"],
            due_on=date.fromisoformat(each["due_on"]),
        )
        for each in found
    ]  # fmt: skip
    return list(calendar(entries, clock.now()))
