"""The queue: what the desk must do now, most urgent first, with the next command to type."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from incidents.cli import output
from incidents.cli.options import looking
from incidents.cli.queue import words
from incidents.cli.run import is_terminal, painted
from incidents.contract.hints import typed, with_commands
from incidents.errors import DONE, InputError

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.queue import QueueItem, QueuePage
    from incidents.locale.words import When


@click.command()
@click.option("--mine", is_flag=True, help="Only what you have claimed.")
@click.option(
    "--watch", is_flag=True,
    help="A screen to work at, fresh every second: ? tells the keys, q quits.",
)  # fmt: skip
@click.option(
    "--reveal", is_flag=True,
    help="Show phone numbers and e-mail addresses in full. Else they are masked: what you have on"
    " your screen, others may read over your shoulder.",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="At most so many items.",
)  # fmt: skip
@click.option("--after", metavar="PLACE", help="The next page: what next_after says in JSON.")
@looking
def queue(run: Run, *, mine: bool, watch: bool, reveal: bool, limit: int, after: str | None) -> int:
    """What the desk must do now: overdue things first, then by deadline.

    Looking does nothing; it shows what is overdue. Red lines above it say that nothing enforces the
    clock, that orders are given up, or that an order has waited for five minutes to be carried out
    in the world.
    """
    person = run.house.person if mine else None

    def fetch() -> QueuePage:
        return _page(run, mine=person, limit=limit, after=after, reveal=reveal)

    if watch:
        _check_terminal(run)
        from incidents.cli.queue import watch as queue_watch

        return queue_watch.watch(run, fetch)
    found = fetch()
    if run.quiet:
        run.say(*(item["id"] for item in found["items"]))
    elif run.for_programs:
        items = [with_commands(item) for item in found["items"]]
        output.document(run, {**found, "items": items}, rows=items)
    elif is_terminal(sys.stdout):
        from incidents.cli.queue import table

        table.show(run, found, reveal=reveal)
    else:
        _plainly(run, found)
    return DONE


def _page(run: Run, *, mine: str | None, limit: int, after: str | None, reveal: bool) -> QueuePage:
    """One page of the queue as it stands now."""
    with run.house.looking() as looks:
        return looks.queue(mine=mine, limit=limit, after=after, reveal=reveal)


def _check_terminal(run: Run) -> None:
    if run.for_programs or run.quiet:
        raise InputError("--watch is for people: leave the format and -q out")
    if not is_terminal(sys.stdout) or os.environ.get("TERM") == "dumb":
        raise InputError("--watch needs a terminal: without one, run queue again when you want it")


def _plainly(run: Run, found: QueuePage) -> None:
    when = run.when
    run.told_of_rehearsal = bool(found["enforcement"].get("rehearsal"))
    for notice in words.notices(found, when):
        run.tell(painted(notice.words, fg="red", bold=True) if notice.is_alarm else notice.words)
    headers = ("TASK", "LEFT", "DO", "SITE", "DUE", "WITH", "WHOM", "NEXT")
    output.table(run, headers, (_row(item, when) for item in found["items"]))
    warnings = dict.fromkeys(item["warning"] for item in found["items"] if item["warning"])
    run.tell(*(painted(warning, fg="red", bold=True) for warning in warnings))
    if not found["items"]:
        run.tell("nothing to do")
    if found["more"]:
        run.tell(f"there is more: add --after {found['next_after']}")


def _row(item: QueueItem, when: When) -> tuple[str, ...]:
    due = item["due"]
    return (
        item["id"],
        words.left(item),
        words.exactly(item),
        item["site"],
        "" if due is None else when(due),
        item["claimed_by"] or "",
        words.whom(item),
        typed(item["hints"][0]),
    )
