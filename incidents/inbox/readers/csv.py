"""A table (CSV) of addresses, such as a feed's: with a header whose names are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incidents.inbox.readers.mail import from_text
from incidents.inbox.readers.table_findings import TableFindings
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source, UnreadableError


def read(source: Source) -> Reading | None:
    """Read the tables of the report; None if it has none with an address."""
    found = TableFindings()
    found.take(source.tables)
    if found.findings.is_empty:
        if found.more and source.mail is None:
            raise UnreadableError("table")
        return None
    return of_table(source, found)


def of_table(source: Source, found: TableFindings, **known: Any) -> Reading:
    """The reading of a report for the findings in its tables."""
    known = dict(known)
    if found.category and "category" not in known:
        known["category"] = found.category
    if found.first_at is not None and found.names_zone:
        known["seen_at"] = found.first_at
    if found.reporter and source.mail is None:
        known["reporter"] = found.reporter
    if found.more:
        known["more"] = True
    reading = found.rows.of(from_text(source, found.findings, **known), found.category)
    if found.first_at is None or found.names_zone:
        return reading
    guessed = tuple(dict.fromkeys((*reading.guessed, "seen_at")))
    return replace(reading, seen_at=found.first_at, guessed=guessed)
