"""The commands on reporters: show one, list those who are marked, and mark one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.run import Run

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Reporter

_STANDINGS = ("trusted", "muted", "blocked", "none")
_HERE = "incidents.cli.reports.reporter"

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "list": (f"{_HERE}:list_", "List reporters who are trusted, muted or blocked."),
        "show": (f"{_HERE}:show", "Show a reporter's record."),
        "mark": (f"{_HERE}:mark", "Trust, mute or block a reporter."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def reporter() -> None:
    """Show how often a reporter was right, and trust, mute or block them."""


address_argument = click.argument("reporter", type=params.reporter, metavar="ADDRESS")


@verb("list")
@options.view
def list_(run: Run) -> None:
    """List the reporters who are trusted, muted or blocked, the last marked first."""
    with run.queries() as queries:
        found = queries.reporters()
    output.write_list(
        run, found, ids=(each["reporter"] or "" for each in found),
        headers=("REPORTER", "STANDING", "RECORD", "SINCE", "BY", "REASON"),
        rows=(
            (
                each["reporter"] or run.text("reporter.erased"), _standing(run, each),
                _record(run, each), run.when(each["marked_at"] or ""), each["marked_by"] or "",
                each["reason"] or "",
            )
            for each in found
        ),
        nothing=run.text("reporter.none"),
    )  # fmt: skip


@verb()
@address_argument
@options.view
def show(run: Run, reporter: str) -> None:
    """Show the record of the reporter with ADDRESS: how many reports were right, and wrong."""
    with run.queries() as queries:
        found = queries.reporter(reporter)
    if not output.answer_program(run, found, found["reporter"] or ""):
        output.write_pairs(
            run,
            [
                ("from", found["reporter"] or ""),
                ("standing", _standing(run, found)),
                ("reason", found["reason"] or ""),
                ("by", found["marked_by"] or ""),
                ("since", run.when(found["marked_at"]) if found["marked_at"] else ""),
                ("record", _record(run, found)),
            ],
        )


@verb()
@address_argument
@click.argument("standing", type=click.Choice(_STANDINGS), metavar="STANDING")
@params.reason_option
@options.query
def mark(run: Run, reporter: str, standing: str, reason: str) -> None:
    """Mark the reporter with ADDRESS as trusted, muted or blocked, or as none of these.

    The reports of a trusted reporter come first in the list. A muted one gets no mail. The reports
    of a blocked one come last, no rule acts on them, and nobody answers them.
    """
    found = run.app.reports.mark(
        reporter, standing, reason, by=run.settings.person, login=run.settings.login
    )
    if not output.answer_program(run, found, found["reporter"] or ""):
        run.write(run.text("reporter.marked", reporter=reporter, standing=_standing(run, found)))


def _standing(run: Run, found: Reporter) -> str:
    return run.language.word("standing", found["standing"])


def _record(run: Run, found: Reporter) -> str:
    return run.text(
        "reporter.record", right=found["right"], wrong=found["wrong"], waiting=found["waiting"]
    )
