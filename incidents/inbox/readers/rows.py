"""The rows of a report, such as those of a table: what each says of whom, and when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from incidents.inbox.findings import Findings
from incidents.inbox.reading import MAX_ROWS, Reading, Row


@dataclass
class Rows:
    """The rows so far, in order, each once whatever its time; the first of its times is kept.

    `more`: there are others.
    """

    _first: dict[Row, datetime | None] = field(default_factory=dict)
    more: bool = False

    def take(
        self, found: Findings, before: tuple[int, int, int], code: str | None, at: datetime | None
    ) -> None:
        """Take a row with that category and time (UTC).

        It names what was found since there were so many findings. Further addresses are rows.
        """
        urls, hosts, endpoints = before
        new = Row(
            url=next(iter(found.urls[urls:]), None),
            host=next(iter(found.hosts[hosts:]), None),
            address=next((each.address for each in found.endpoints[endpoints:]), None),
            category=code,
        )  # fmt: skip
        others = (Row(url=url, category=code) for url in found.urls[urls + 1 :])
        for row in (new, *others):
            if row.url or row.host or row.address:
                self._add(row, at)

    def _add(self, row: Row, at: datetime | None) -> None:
        if row not in self._first and len(self._first) >= MAX_ROWS:
            self.more = True
            return
        self._first[row] = min(filter(None, (self._first.get(row), at)), default=None)

    def of(self, reading: Reading, category: str | None) -> Reading:
        """The reading with these rows, if there are several; `category`: the first of theirs.

        If none has one, or if the reader knows better, each has that of the report.
        """
        if len(self._first) < 2:
            return reading
        is_theirs = category is not None and reading.category == category
        rows = (
            replace(row, category=row.category if is_theirs else reading.category, seen_at=at)
            for row, at in self._first.items()
        )
        return replace(reading, rows=tuple(rows), more=reading.more or self.more)
