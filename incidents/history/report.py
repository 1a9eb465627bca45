"""The report: one row of a history about a violation, with checked values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from incidents import clock
from incidents.errors import IncidentsError, InputError
from incidents.history import rows
from incidents.history.rows import BadLine, Row, cause
from incidents.machine.command import OUTCOMES
from incidents.values import site_name, web_address

COLUMNS = (
    "occurred_at", "site", "url", "category", "note", "contact", "contact_at", "removed_at",
)  # fmt: skip
MAX_CATEGORY_CHARACTERS = 100
MAX_NOTE_CHARACTERS = 4_000

_HAS = f"a history has occurred_at and site, and if wanted {', '.join(COLUMNS[2:])}"
_URLHAUS = frozenset({"dateadded", "url", "url_status"})
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*", re.ASCII | re.DOTALL)
# People write line ends and tabs; other control characters can falsify a terminal's output.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Late enough for any plan, and no sum of a policy's durations exceeds the year 9999.
_LATEST = datetime(2999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of a violation; all times are aware and in UTC.

    `contact`: the outcome of the call about the violation, at `contact_at`; None if the file has
    none. `written`: the address as written in the file, if this differs from `url`, the normal
    form.
    """

    line: int
    site: str
    occurred_at: datetime
    url: str | None = None
    written: str = ""
    category: str | None = None
    note: str | None = None
    contact: str | None = None
    contact_at: datetime | None = None
    removed_at: datetime | None = None


def header_problem(columns: Sequence[str]) -> str | None:
    """Return what is wrong with a header of these columns; None if it is valid."""
    missing = [column for column in ("occurred_at", "site") if column not in columns]
    if not missing or _URLHAUS.issubset(columns):
        return None
    return cause("no_column", columns=" and no ".join(missing), missing=missing, has=_HAS)


class _BadValueError(Exception):
    """A value that cannot be used; the message is the second part of a sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.cause = cause(code, **facts)
        super().__init__(self.cause)


class Reader:
    """A reader that turns rows into reports; it caches the names of sites."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._sites: dict[str, str] = {}
        self.ignored: dict[str, None] = {}

    def report(self, row: Row) -> Report | BadLine:
        """Return the report in the row, or the reason why the row is not a report."""
        is_urlhaus = row.fields.keys() >= _URLHAUS and "site" not in row.fields
        try:
            for column, value in (row.odd or {}).items():
                if column in COLUMNS or column in _URLHAUS:
                    raise _BadValueError("no_text", column=column, value=value)  # noqa: TRY301 - as all
                if not is_urlhaus:
                    self.ignored[column] = None
            return self._from_urlhaus(row) if is_urlhaus else self._from_row(row)
        except _BadValueError as error:
            return BadLine(row.line, error.cause)

    def _from_urlhaus(self, row: Row) -> Report:
        url = _read("url", row, web_address.read)
        assert url is not None
        host = urlsplit(url).hostname or ""
        return Report(
            line=row.line,
            site=self._site("url", host),
            occurred_at=_time("dateadded", row, UTC),
            url=url,
            written=_written(row, url),
        )

    def _from_row(self, row: Row) -> Report:
        for column in row.fields:
            if column not in COLUMNS:
                self.ignored[column] = None
        url = _read("url", row, web_address.read)
        report = Report(
            line=row.line,
            occurred_at=_time("occurred_at", row, self._zone),
            site=self._site("site", _required("site", row)),
            url=url,
            written=_written(row, url),
            category=_text("category", row, MAX_CATEGORY_CHARACTERS),
            note=_text("note", row, MAX_NOTE_CHARACTERS),
            contact=_contact(row),
            contact_at=self._optional_time("contact_at", row),
            removed_at=self._optional_time("removed_at", row),
        )
        _check_order(report)
        return report

    def _optional_time(self, column: str, row: Row) -> datetime | None:
        return _time(column, row, self._zone) if column in row.fields else None

    def _site(self, column: str, text: str) -> str:
        if text not in self._sites:
            self._sites[text] = _as_read(column, text, site_name.read)
        return self._sites[text]


def _required(column: str, row: Row) -> str:
    if column not in row.fields:
        raise _BadValueError("missing", column=column, has=_HAS)
    return row.fields[column]


def _read(column: str, row: Row, reader: Callable[[str], str]) -> str | None:
    return _as_read(column, row.fields[column], reader) if column in row.fields else None


def _written(row: Row, url: str | None) -> str:
    text = row.fields.get("url", "")
    return "" if text == url else text


def _as_read(column: str, text: str, reader: Callable[[str], str]) -> str:
    try:
        return reader(text)
    except IncidentsError as error:
        why = error.facts.get("detail", error.message)
        message = error.message.rstrip(".")
        raise _BadValueError(
            "value", column=column, message=message, value=rows.shown(text), why=why
        ) from error


def _time(column: str, row: Row, zone: tzinfo) -> datetime:
    text = _required(column, row)
    if not _DATED.fullmatch(text):
        raise _BadValueError("no_time", column=column, value=rows.shown(text))
    try:
        moment = clock.parse(text, zone, _LATEST)
    except InputError as error:
        raise _BadValueError(
            "no_such_time", column=column, message=error.message, value=rows.shown(text)
        ) from error
    if not _EARLIEST <= moment <= _LATEST:
        raise _BadValueError("year", column=column, value=rows.shown(text))
    return moment


def _text(column: str, row: Row, limit: int) -> str | None:
    text = row.fields.get(column)
    if text is None:
        return None
    if len(text) > limit:
        raise _BadValueError(
            "long",
            column=column,
            value=rows.shown(text),
            found=f"{len(text):,}",
            limit=f"{limit:,}",
        )
    found = _CONTROLS.search(text.replace("\r\n", "\n"))
    if found is not None:
        raise _BadValueError("control", column=column, character=site_name.describe(found[0]))
    return text


def _contact(row: Row) -> str | None:
    outcome = row.fields.get("contact")
    if outcome is not None and outcome not in OUTCOMES:
        raise _BadValueError("outcome", value=rows.shown(outcome), known=", ".join(OUTCOMES))
    if outcome is None and "contact_at" in row.fields:
        raise _BadValueError(
            "no_outcome", value=rows.shown(row.fields["contact_at"]), known=", ".join(OUTCOMES)
        )
    return outcome


def _check_order(report: Report) -> None:
    for column in ("contact_at", "removed_at"):
        moment = getattr(report, column)
        if moment is not None and moment < report.occurred_at:
            raise _BadValueError(
                "order",
                column=column,
                at=clock.rfc3339(moment),
                occurred_at=clock.rfc3339(report.occurred_at),
            )
