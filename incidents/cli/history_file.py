"""The history file on the command line: its options, how it is read, and what is told of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import params
from incidents.errors import InputError

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.history.reports import History

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def duration(given: str) -> timedelta:
    """A duration, `60m`.

    Raises:
        InputError: naming what was given.
    """
    from incidents.machine import policy

    try:
        return policy.read_duration(given)
    except (ValueError, OverflowError) as error:
        raise InputError(f"not a duration: {given!r} (write 60m, 1h30m or 24h)") from error


file_argument = click.argument("file", type=params.file_name, metavar="FILE")
group_within_option = click.option(
    "--group-within", type=duration, metavar="D",
    help="Keep a report only if it lies further than that (60m) from the last one kept of its "
    "site: a burst of reports on one finding is one incident.",
)  # fmt: skip
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Leave out the lines that cannot be used, and count them."
)


def load(run: Run, file: str) -> History:
    """Read the history, with a progress bar on a terminal.

    A time without an offset is in UTC, or in the zone that was typed with --zone: what the reader
    has set for looking at times says nothing about a file.

    Raises:
        FileError, HistoryError: as `history.load` does.
    """
    from incidents.history import reports as history

    # A name that is no file's is told of when it is opened.
    length = os.path.getsize(file) if os.path.isfile(file) else 0  # noqa: PTH113, PTH202
    with progress("reading", length) as done:
        return history.load(file, zone=zone(run), done=done)


def zone(run: Run) -> tzinfo:
    """The zone of times without an offset: UTC, or what was typed with --zone."""
    return run.settings.zone if click.get_current_context().params.get("zone") else UTC


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error, where that is a terminal; yields how it moves on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def tell_of(run: Run, history: History) -> None:
    """Tell people what of the file was left out, and why."""
    if history.ignored:
        run.tell(f"columns that a history does not have, ignored: {', '.join(history.ignored)}")
    if history.bad:
        first, n = history.bad[0], len(history.bad)
        run.tell(f"lines left out: {n:,}, the first of them line {first.line}: {first.detail}")
