"""The history: the checked reports of a file, and the lines that cannot be used.

Reports of one site close to each other in time are one finding, with one call.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from incidents.errors import Cause, FileError, InputError
from incidents.history import rows
from incidents.history.report import Reader, Report, header_problem
from incidents.history.rows import BadLine, HistoryError, cause
from incidents.machine.command import REACHED

STDIN = "-"
MAX_LINE_CHARACTERS = 16 * 2**20

_PROGRESS_BYTES = 64 * 1024

_WAY_OUT = "; mend it, or leave such lines out with --skip-bad"
BAD_LINE = {
    "alone": "{first}" + _WAY_OUT,
    "another": "{first}, and {more:,} more such line" + _WAY_OUT,
    "others": "{first}, and {more:,} more such lines" + _WAY_OUT,
}
"""The sentence for a history that cannot be used: the first bad line, and the number of others."""


class TooManyReportsError(InputError):
    """at most {limit} reports at a time: split the history"""


@dataclass(slots=True, kw_only=True)
class History:
    """The content of a file: its reports in order of time, and its bad lines in order.

    `ignored`: the columns that a history does not have; empty for a URLhaus dump. `capped`: there
    were more reports than were read, and these are the latest.
    """

    file: str
    reports: list[Report] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    capped: bool = False

    def refuse_bad_lines(self) -> None:
        """Refuse a history that has a line that cannot be used.

        Raises:
            HistoryError: naming the first such line, its value, and the remedy.
        """
        if not self.bad:
            return
        first, more = self.bad[0], len(self.bad) - 1
        code = "others" if more > 1 else ("alone", "another")[more]
        detail = Cause.of(f"bad_line.{code}", BAD_LINE[code], first=first.detail, more=more)
        raise HistoryError(self.file, detail, line=first.line)


def load_history(
    file: str, *, zone: tzinfo = UTC, done: Callable[[int], object] = lambda _: None
) -> History:
    """Read a history from `file` (`-`: standard input), CSV or JSON Lines, in one pass.

    A time without an offset is in `zone`. In a URLhaus dump, which is recognised by its columns,
    such a time is in UTC, and the site is the host of the address. `done` is called with the number
    of bytes read since its last call, for a progress bar.

    Raises:
        FileError: if the file cannot be read.
        HistoryError: if it is not a history at all.
    """
    with _opened(file, done) as lines:
        return _history(lines, file, zone)


def read_history(
    raw: BinaryIO,
    file: str,
    *,
    zone: tzinfo = UTC,
    most: int = sys.maxsize,
    done: Callable[[int], object] = lambda _: None,
) -> History:
    """Read a history from an open stream, named `file` in errors; the stream stays open.

    Raises:
        HistoryError: if it is not a history at all.
        TooManyReportsError: if it has more than `most` reports, bad lines included; the rest is not
            read.
    """
    with _lines(raw, file, done) as lines:
        return _history(lines, file, zone, most)


def _history(lines: Iterator[str], file: str, zone: tzinfo, most: int = sys.maxsize) -> History:
    history = History(file=file)
    reader = Reader(zone)
    for n, row in enumerate(rows.read(lines, file, header_problem), start=1):
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
    """The lines, unchanged; `done` is called with their approximate number of bytes."""
    size = 0
    while line := lines.readline(MAX_LINE_CHARACTERS + 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise HistoryError(file, cause("long_line", limit=f"{MAX_LINE_CHARACTERS:,}"))
        size += len(line)
        if size >= _PROGRESS_BYTES:
            done(size)
            size = 0
        yield line


# The limits of one incident, with which its entry stays well below 64 KiB.
MAX_URLS = 50
MAX_URLS_BYTES = 40 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One incident: the first of a group of reports, and the addresses in all of them.

    `urls` and `written`: as in `commands.Log`. `left_out`: the number of addresses beyond the limit
    of an incident.
    """

    report: Report
    urls: tuple[str, ...]
    written: tuple[str, ...] = ()
    left_out: int = 0


def group_reports(reports: Iterable[Report], within: timedelta | None) -> list[Finding]:
    """Group reports, given in order of time, into findings.

    A report begins a finding if it is more than `within` after the report that began the site's
    previous finding. If `within` is None, every report is a finding.
    """
    groups: list[list[Report]] = []
    last_kept: dict[str, list[Report]] = {}
    for report in reports:
        last = last_kept.get(report.site)
        if (
            within is not None
            and last is not None
            and report.occurred_at - last[0].occurred_at <= within
        ):
            last.append(report)
        else:
            last_kept[report.site] = [report]
            groups.append(last_kept[report.site])
    return list(map(_finding, groups))


def _finding(reports: list[Report]) -> Finding:
    found: dict[str, str] = {}
    for report in reports:
        if report.url is not None:
            found.setdefault(report.url, report.written)
    fitting = _fitting_count(found)
    written = tuple(found.values())[:fitting]
    return Finding(
        reports[0], tuple(found)[:fitting], written if any(written) else (), len(found) - fitting
    )


def _fitting_count(found: Mapping[str, str]) -> int:
    """The number of addresses, counted from the first, that fit into one incident."""
    size = 0
    for n, address in enumerate(islice(found.items(), MAX_URLS)):
        size += len("".join(address).encode())
        if size > MAX_URLS_BYTES:
            return n
    return min(len(found), MAX_URLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The outcome of the call about one incident, at `at` (UTC).

    If `outcome` is None, nobody was reached in as many attempts as the policy requires.
    """

    outcome: str | None
    at: datetime
    drawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The random outcomes of calls that are missing in the history.

    `reach`: the probability that the responsible person is reached. A drawn call takes place at the
    time of the report, so that no policy's deadline is too short for it. The same seed gives the
    same outcome for the same incident under any policy; a person who is reached with a lower
    `reach` is also reached with a higher one.
    """

    reach: float = 1.0
    seed: int = 0

    def call(self, report: Report, n: int) -> Call:
        """Return the call about the site's nth incident: from the history, otherwise drawn."""
        if report.contact is not None:
            at = report.contact_at or report.occurred_at
            return Call(outcome=report.contact, at=at, drawn=False)
        outcome = REACHED if self._number(report.site, n) < self.reach else None
        return Call(outcome=outcome, at=report.occurred_at, drawn=True)

    def _number(self, site: str, n: int) -> float:
        """A number from 0 up to but excluding 1, the same on every machine."""
        digest = hashlib.sha256(f"{self.seed}:{n}:{site}".encode()).digest()
        # 53 bits are what a float holds exactly; more could round up to 1.
        return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
