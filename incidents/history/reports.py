"""The history: the reports of a file, each checked, and the lines that cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from incidents.errors import FileError, InputError
from incidents.history import rows
from incidents.history.report import Reader, Report, complaint
from incidents.history.rows import BadLine, HistoryError, cause

STDIN = "-"
MAX_LINE_CHARACTERS = 16 * 2**20

_BYTES_TOLD_AT_ONCE = 64 * 1024


class TooManyReportsError(InputError):
    """{limit} reports are the most at a time: cut the history"""


@dataclass(slots=True, kw_only=True)
class History:
    """What a file holds: its reports in the order of their times, its bad lines, in theirs.

    `ignored` are the columns that a history does not have; a URLhaus dump has none of them.
    `capped` says that there were more reports, of which these are the latest.
    """

    file: str
    reports: list[Report] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    capped: bool = False

    def insist(self) -> None:
        """Take no history with a line that cannot be used.

        Raises:
            HistoryError: naming the first such line, its value, and the way out.
        """
        if not self.bad:
            return
        first, more = self.bad[0], len(self.bad) - 1
        others = f", and {more:,} more such line{'s' * (more > 1)}" if more else ""
        detail = f"{first.detail}{others}; mend it, or leave such lines out with --skip-bad"
        raise HistoryError(self.file, detail, line=first.line)


def load(
    file: str, *, zone: tzinfo = UTC, done: Callable[[int], object] = lambda _: None
) -> History:
    """Read a history from `file` (`-`: standard input), CSV or JSON Lines, in one pass.

    A time without an offset is in `zone`; in a URLhaus dump, which its columns give away, it is in
    UTC, and the site is the host of the address. `done` is called with the number of bytes read
    since it was called last, for a progress bar.

    Raises:
        FileError: if it cannot be read.
        HistoryError: if it is no history at all.
    """
    with _opened(file, done) as lines:
        return _history(lines, file, zone)


def read(
    raw: BinaryIO,
    file: str,
    *,
    zone: tzinfo = UTC,
    most: int = sys.maxsize,
    done: Callable[[int], object] = lambda _: None,
) -> History:
    """The same from something that is open already, called `file`; it is left open.

    Raises:
        HistoryError: if it is no history at all.
        TooManyReportsError: if it has more than `most` reports, lines that are none included; no
            more of them are read.
    """
    with _lines(raw, file, done) as lines:
        return _history(lines, file, zone, most)


def _history(lines: Iterator[str], file: str, zone: tzinfo, most: int = sys.maxsize) -> History:
    history = History(file=file)
    reader = Reader(zone)
    for n, row in enumerate(rows.read(lines, file, complaint), start=1):
        if n > most:
            raise TooManyReportsError(limit=f"{most:,}")
        report = row if isinstance(row, BadLine) else reader.report(row)
        if isinstance(report, BadLine):
            history.bad.append(report)
        else:
            history.reports.append(report)
    history.reports.sort(key=lambda report: report.occurred_at)
    history.ignored = tuple(reader.ignored)
    return history


@contextmanager
def _opened(file: str, done: Callable[[int], object]) -> Iterator[Iterator[str]]:
    try:
        with (
            nullcontext(sys.stdin.buffer) if file == STDIN else Path(file).open("rb") as raw,
            _lines(raw, file, done) as lines,
        ):
            yield lines
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror or str(error)) from error


@contextmanager
def _lines(raw: BinaryIO, file: str, done: Callable[[int], object]) -> Iterator[Iterator[str]]:
    text = TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield _counted(text, file, done)
    finally:
        text.detach()


def _counted(lines: TextIOWrapper, file: str, done: Callable[[int], object]) -> Iterator[str]:
    """The lines as they are; `done` hears of the bytes, roughly, as they go by."""
    size = 0
    while line := lines.readline(MAX_LINE_CHARACTERS + 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise HistoryError(file, cause("long_line", limit=f"{MAX_LINE_CHARACTERS:,}"))
        size += len(line)
        if size >= _BYTES_TOLD_AT_ONCE:
            done(size)
            size = 0
        yield line
