"""The queue: the desk's open work, most urgent first, as lines or on a full screen.

The screen refreshes every second until the person leaves it. The module of the screen is imported
only when it is needed.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, get_args

import click

from incidents.cli import answers, options, output, params, suggestions, text_table
from incidents.cli.lazy_group import verb
from incidents.cli.queue import words
from incidents.cli.run import Run
from incidents.cli.submission import Submission
from incidents.contract.documents.sites import Rule, SiteState
from incidents.contract.hints import typed, with_commands
from incidents.contract.queue_filter import EVERYTHING, KINDS, QueueFilter
from incidents.contract.queue_order import is_finding, with_reports
from incidents.errors import DONE, INTERRUPTED, InputError
from incidents.system.terminal import coloured, is_terminal, uses_colour
from incidents.values.person_name import check_person
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from incidents.cli.queue.keys import PendingAction
    from incidents.cli.queue.screen import Screen
    from incidents.cli.queue.terminal import Terminal
    from incidents.contract.documents.queue import QueueItem, QueuePage, WaitingFinding


@verb()
@click.option("--mine", is_flag=True, help="Show only items that you claimed.")
@click.option(
    "--watch", is_flag=True,
    help="Open a screen that updates every second: ? lists the keys, q quits.",
)  # fmt: skip
@click.option(
    "--reveal", is_flag=True,
    help="Show phone numbers and email addresses in full. By default they are masked, because"
    " others may see your screen.",
)  # fmt: skip
@click.option(
    "--limit", type=params.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="Maximum number of items to list.",
)  # fmt: skip
@click.option(
    "--after",
    metavar="PLACE",
    help="Continue after the previous page: give its next_after (JSON).",
)
@click.option(
    "--kind", type=click.Choice(KINDS), metavar="KIND",
    help="List only items of this kind, such as call or check_removal.",
)  # fmt: skip
@click.option(
    "--site", type=params.site, metavar="S", shell_complete=suggestions.sites,
    help="List only the items of this site.",
)  # fmt: skip
@click.option(
    "--category", type=params.text("category", limit=100), metavar="C",
    callback=params.category, shell_complete=suggestions.categories,
    help="List only items about incidents of this category.",
)  # fmt: skip
@click.option(
    "--state", type=click.Choice(get_args(SiteState)), metavar="STATE",
    help="List only the items of sites in this state: active, suspended or closed.",
)  # fmt: skip
@click.option(
    "--rule", type=click.Choice(get_args(Rule)), metavar="RULE",
    help="List only the items of sites that this rule suspended or closed.",
)  # fmt: skip
@options.time_option("due-before", "List only the items that are due before:", required=False)
@click.option(
    "--holder", type=params.text("holder", limit=100), metavar="PERSON",
    help="List only items that this person claimed.",
)  # fmt: skip
@options.view
def queue(  # noqa: PLR0913 - the options of one command, by their names
    run: Run,
    *,
    mine: bool,
    watch: bool,
    reveal: bool,
    limit: int,
    after: str | None,
    kind: str | None,
    site: str | None,
    category: str | None,
    state: str | None,
    rule: str | None,
    due_before: str | None,
    holder: str | None,
) -> int:
    """List what needs action now: overdue items first, then by deadline.

    The list changes nothing. Red lines above it warn that no daemon is enforcing the deadlines,
    that some orders are dead letters, or that an order has waited for five minutes. Reports that
    wait for triage stand between the other items, those about one host as one item.
    """
    person = run.app.person if mine else None
    wanted = QueueFilter(
        kind=kind, site=site, category=category, state=state, rule=rule,
        due_before=run.read_time(due_before), holder=holder,
    )  # fmt: skip

    def fetch() -> QueuePage:
        return _page(run, mine=person, wanted=wanted, limit=limit, after=after, reveal=reveal)

    if watch:
        _check_terminal(run)
        return work_at_screen(run, fetch)
    found = fetch()
    items = [with_commands(item) for item in found["items"]]
    ids = (item["id"] for item in items)
    if output.answer_program(run, {**found, "items": items}, *ids, rows=items):
        return DONE
    if is_terminal(sys.stdout):
        from incidents.cli.queue import table

        table.show(run, found, reveal=reveal)
    else:
        _plainly(run, found)
    return DONE


def _page(
    run: Run,
    *,
    mine: str | None,
    limit: int,
    after: str | None,
    reveal: bool,
    wanted: QueueFilter = EVERYTHING,
) -> QueuePage:
    """Return one page of the queue."""
    with run.queries() as queries:
        return queries.queue(mine=mine, wanted=wanted, limit=limit, after=after, reveal=reveal)


def _check_terminal(run: Run) -> None:
    if run.for_programs or run.quiet:
        raise InputError.coded("watch_for_people", "--watch is for people: omit the format and -q")
    if not is_terminal(sys.stdout) or os.environ.get("TERM") == "dumb":
        raise InputError.coded(
            "watch_terminal", "--watch needs a terminal: without one, run incidents queue again"
        )


def _plainly(run: Run, found: QueuePage) -> None:
    run.rehearsal_noted = bool(found["enforcement"].get("rehearsal"))
    for notice in words.notices(found, run.when):
        run.inform(coloured(notice.words, fg="red", bold=True) if notice.is_alarm else notice.words)
    reports = found.get("reports")
    text_table.write_table(
        run, ("TASK", "LEFT", "DO", "SITE", "DUE", "WITH", "WHOM", "NEXT"),
        (
            _report_row(run, row) if is_finding(row) else _row(run, row)
            for row in with_reports(found["items"], reports)
        ),
    )  # fmt: skip
    warnings = dict.fromkeys(item["warning"] for item in found["items"] if item["warning"])
    run.inform(*(coloured(warning, fg="red", bold=True) for warning in warnings))
    if not found["items"] and not (reports and reports["items"]):
        run.inform(run.text("queue.nothing.line"))
    if reports and reports["more"]:
        run.inform(run.text("queue.reports.more"))
    if found["more"]:
        run.inform(run.text("queue.more.line", after=found["next_after"]))


def _row(run: Run, item: QueueItem) -> tuple[str, ...]:
    due = item["due"]
    return (
        item["id"],
        words.left(item, run.language),
        words.what_in_full(item, run.language),
        shown(item["site"]),
        "" if due is None else run.when(due),
        item["claimed_by"] or "",
        words.whom(item, run.language),
        typed(item["hints"][0]),
    )


def _report_row(run: Run, finding: WaitingFinding) -> tuple[str, ...]:
    due = finding["due"]
    return (
        finding["id"],
        words.left(finding, run.language),
        words.report_what(finding, run.language),
        words.about(finding),
        "" if due is None else run.when(due),
        "",
        "",
        words.report_command(finding),
    )


@verb("hand-over")
@click.argument("to", type=check_person, metavar="PERSON")
@options.action
def hand_over(submission: Submission, to: str) -> None:
    """Hand all your claimed items to PERSON, at the end of a shift."""
    given = submission.hand_over(to)
    if not given:
        submission.run.inform(
            submission.run.text("queue.hand_over.nothing", person=submission.run.app.person)
        )
    refused = [answer for answer in given if answer.refusal is not None]
    done = [answer for answer in given if answer.refusal is None]
    if not submission.run.for_programs or submission.run.quiet:
        for answer in done:
            answers.write_answer(submission.run, answer, dry_run=submission.dry_run)
    elif done or not refused:
        output.write_documents(submission.run, [answer.document for answer in done])
    for answer in refused:
        answers.raise_refusal(submission.run, answer)


REFRESH_S = 1.0
# Keys typed during a slow answer were typed blindly.
_LONG_S = 1.0


class _BrokenOffError(Exception):
    """Ctrl-C was pressed while an action was being sent to the desk."""

    def __init__(self, action: PendingAction) -> None:
        super().__init__()
        self.action = action


def work_at_screen(run: Run, fetch: Callable[[], QueuePage]) -> int:
    """Show the queue and handle its keys, until q or Ctrl-C; return the exit status.

    Raises:
        AwayError: if the first query fails; later failures are shown on the screen.
    """
    from incidents.cli.queue.screen import Screen
    from incidents.cli.queue.terminal import Terminal

    screen, terminal = Screen(run, fetch), Terminal()
    try:
        with suppress(KeyboardInterrupt), terminal.opened():
            _work(screen, terminal)
    except _BrokenOffError as broken:
        run.inform(run.text("queue.broken_off", what=broken.action.words))
        return INTERRUPTED
    return DONE


def _work(screen: Screen, terminal: Terminal) -> None:
    due = time.monotonic() + REFRESH_S
    while not screen.is_over:
        _draw(screen, terminal)
        for key in terminal.keys(max(0.0, due - time.monotonic())):
            action = screen.press(key)
            if action is not None:
                _carry_out(screen, action, terminal)
        if time.monotonic() >= due:
            screen.look()
            due = time.monotonic() + REFRESH_S


def _carry_out(screen: Screen, action: PendingAction, terminal: Terminal) -> None:
    _draw(screen, terminal)
    began = time.monotonic()
    try:
        screen.carry_out(action)
    except KeyboardInterrupt as error:
        raise _BrokenOffError(action) from error
    if time.monotonic() - began > _LONG_S:
        terminal.forget_typed()


def _draw(screen: Screen, terminal: Terminal) -> None:
    from rich.console import Console

    from incidents.cli.queue.frame import frame

    size = terminal.size()
    console = Console(
        file=io.StringIO(), width=max(size[0], 1), force_terminal=True, highlight=False,
        color_system="auto" if uses_colour() else None,
    )  # fmt: skip
    terminal.show([_painted(console, line) for line in frame(screen, *size)], size)


def _painted(console: Console, line: Text) -> str:
    with console.capture() as drawn:
        console.print(line, end="", no_wrap=True, overflow="crop", soft_wrap=True)
    return drawn.get()
