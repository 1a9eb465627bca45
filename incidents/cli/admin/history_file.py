"""A history file on the command line: its options, and the command `import`.

`import` records each report only once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, output, params, text_table
from incidents.cli.lazy_group import verb
from incidents.errors import DONE, FAILED, IncidentsError, InputError
from incidents.history import reports
from incidents.locale import refusals
from incidents.locale.words import count
from incidents.machine import policy
from incidents.values.half_width import half_width
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.cli.submission import Submission
    from incidents.history.importing import Tally
    from incidents.history.reports import Finding, History


def duration(given: str) -> timedelta:
    """Read a duration, such as `60m`.

    Raises:
        InputError: with the given value.
    """
    try:
        return policy.read_duration(half_width(given).strip())
    except (ValueError, OverflowError) as error:
        sentence = "not a duration: {given!r} (write 60m, 1h30m or 24h)"
        raise InputError.coded("no_duration", sentence, given=given) from error


file_argument = click.argument("file", type=params.file_name, metavar="FILE")
group_within_option = click.option(
    "--group-within", type=duration, metavar="D",
    help="Merge reports about a site that come within this time (for example, 60m) of the last one"
    " counted: a burst is one incident.",
)  # fmt: skip
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Skip and count lines that cannot be used."
)


def load(run: Run, file: str) -> History:
    """Read the history, with a progress bar on a terminal.

    A time without an offset is in the zone given with --zone, otherwise in UTC. The zone in the
    settings is not used, because it is for displayed times and says nothing about a file.

    Raises:
        FileError, HistoryError: as `reports.load_history` does.
    """
    # A bad file name is reported when the file is opened.
    length = os.path.getsize(file) if os.path.isfile(file) else 0  # noqa: PTH113, PTH202
    with progress(run.text("history_file.reading"), length) as done:
        is_typed = click.get_current_context().params.get("zone")
        zone = run.settings.zone if is_typed else UTC
        return reports.load_history(file, zone=zone, done=done)


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on standard error, if that is a terminal.

    Yields a function that advances the bar.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def write_left_out(run: Run, history: History) -> None:
    """Tell the person which parts of the file were left out, and why."""
    if history.ignored:
        run.inform(run.text("history_file.ignored", columns=list(history.ignored)))
    if history.bad:
        first, n = history.bad[0], len(history.bad)
        run.inform(run.text("history_file.bad", n=n, line=first.line, why=first.detail))


@verb("import")
@file_argument
@group_within_option
@skip_bad_option
@options.first_action
def import_(
    submission: Submission, *, file: str, group_within: timedelta | None, skip_bad: bool
) -> int:
    """Import the sites and past incidents in FILE as records.

    FILE is CSV with a header or JSON Lines (- is standard input), with occurred_at and site, and
    optionally url, category, note, contact, contact_at, removed_at. A URLhaus dump works too.
    Times without an offset are UTC, or in --zone. Imported incidents start no clock and do not
    count toward R1 or R3. All lines are checked before anything is written; rows imported before
    are skipped.
    """
    from incidents.history.importing import refuse_future

    given = load(submission.run, file)
    refuse_future(given, clock.now())
    if not (skip_bad or submission.dry_run):
        given.refuse_bad_lines()
    findings = reports.group_reports(given.reports, group_within)
    with progress(submission.run.text("history_file.importing"), len(findings)) as done:
        if submission.run.remote is None:
            tally = _tally(submission, findings, done)
        else:
            tally = submission.run.remote.import_findings(
                findings, group_within=group_within, skip_bad=skip_bad, dry_run=submission.dry_run,
                done=done,
            )  # fmt: skip
    _answer_of_import(submission, given, findings, tally)
    _refuse_unfit(submission, given, tally)
    return FAILED if given.bad and not skip_bad else DONE


def _tally(submission: Submission, findings: list[Finding], done: Callable[[int], object]) -> Tally:
    from incidents.history.importing import Import, known

    with submission.run.local.reading() as connection:
        there = known(connection, findings)
    importing = Import(
        desk=submission.run.local.desk,
        known=there,
        by=submission.by,
        login=submission.run.settings.login,
        dry_run=submission.dry_run,
    )
    return importing.take(findings, done)


def _answer_of_import(
    submission: Submission, history: History, findings: list[Finding], tally: Tally
) -> None:
    run = submission.run
    if run.quiet:
        run.write(*([] if submission.dry_run else tally.ids))
    elif run.for_programs:
        from incidents.history.importing import by_site, document

        found = document(history, findings, tally, dry_run=submission.dry_run)
        output.write_document(run, found, rows=by_site(tally))
    else:
        _lines_of_import(submission, history, tally)
    write_left_out(run, history)
    left_out = sum(finding.left_out for finding in findings)
    if left_out:
        run.inform(run.text("history_file.left_out", n=left_out))
    if submission.dry_run:
        run.inform(run.text("answer.dry_run"))


def _lines_of_import(submission: Submission, history: History, tally: Tally) -> None:
    run = submission.run
    if submission.dry_run:
        text_table.write_table(
            run, ("site", "register", "new incidents", "known incidents"),
            [
                [shown(name), run.text("history_file.new" if site.new else "history_file.known"),
                 output.number(site.incidents_new), output.number(site.incidents_known)]
                for name, site in tally.sites.items()
            ],
        )  # fmt: skip
        bad_line = "history_file.bad_line"
        run.write(*(run.text(bad_line, line=bad.line, why=bad.detail) for bad in history.bad))
    would = ".would" if submission.dry_run else ""
    known = len(tally.sites) - tally.sites_new
    new, there = tally.incidents_new, tally.incidents_known
    run.write(
        run.text(f"history_file.sites{would}", new=tally.sites_new, known=known),
        run.text(f"history_file.incidents{would}", new=new, known=there),
    )


def _refuse_unfit(submission: Submission, history: History, tally: Tally) -> None:
    """Report the rows that the desk refused, what was done anyway, and how to continue.

    Raises:
        IncidentsError: with the first refused row.
    """
    if not tally.refused:
        return
    line, refusal = tally.refused[0]
    run, more = submission.run, len(tally.refused) - 1
    raise IncidentsError(
        run.text(
            "history_file.unfit", file=history.file, line=line,
            why=refusals.sentence(refusal, run.when, run.language),
            others=count(run.language, more, "more_row") if more else "",
            done=_what_is_done(run, tally, dry_run=submission.dry_run),
        )
    )  # fmt: skip


def _what_is_done(run: Run, tally: Tally, *, dry_run: bool) -> str:
    code = "no_incident" if tally.sites_new else "nothing"
    if tally.incidents_new + tally.incidents_known:
        code = "rest"
    return run.text(f"history_file.{code}.would" if dry_run else f"history_file.{code}")
