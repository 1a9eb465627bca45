"""The seals: whether each of people's own words is still what its reference was made of.

A value that is gone is no finding if it was erased on record; any other that is gone is one, and so
is one that is another than it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, select

from incidents.audit.replay.rows import Finding, Row, WriteTime
from incidents.audit.replay.stream import Span, Stream, parts
from incidents.record.entry import UnreadableEntryError, decode
from incidents.record.own_events import WordsErased
from incidents.record.sealing import commitment, references
from incidents.store.schema.tables import DESK_STREAM, entries, sealed

# The columns of a row of `entries`.
_SITE_ID, _SEQ, _RECORDED_AT, _BODY = 1, 2, 3, 4


def findings(connection: Connection, span: Span) -> Iterator[Finding]:
    """The values that their references do not stand for. The values themselves are not told."""
    where = span.where(sealed.c.ref)
    for ref, salt, value, *_ in Stream(connection, sealed, where=where).rest():
        try:
            stands_for = commitment(bytes(salt), value)
        except (TypeError, AttributeError, UnicodeError):
            stands_for = None
        if stands_for != ref:
            yield Finding(
                site="", table=sealed.name, row=ref, problem="broken_seal", column="value"
            )


class Erasures:
    """The erasures on record: of which sites what was recorded before when is gone rightly."""

    def __init__(self, connection: Connection, write_time: WriteTime) -> None:
        self._before: dict[str | None, datetime] = {}
        self._write_time = write_time
        ours = select(entries.c.body).where(entries.c.site_id == DESK_STREAM)
        named = entries.c.body.contains(f'"kind":"{WordsErased.kind}"', autoescape=True)
        for part in parts(connection, ours.where(named)):
            for (body,) in part:
                self._take(body)

    def cover(self, site: str, recorded_at: Any) -> bool:
        """Whether the site's words of that time, as the driver gives it, have been erased."""
        before = [m for m in (self._before.get(site), self._before.get(None)) if m is not None]
        try:
            return any(recorded_at < self._write_time(moment) for moment in before)
        except TypeError:  # somebody's own, in place of a time
            return False

    def _take(self, body: str) -> None:
        try:
            _, event = decode(body)
        except UnreadableEntryError:
            # A finding of the desk's own stream; it excuses nothing.
            return
        if isinstance(event, WordsErased):
            before = self._before.get(event.of)
            self._before[event.of] = event.before if before is None else max(before, event.before)


class Kept:
    """Which of the references in entries have their values still, of the sites of `span`.

    The sites are taken in the order of their ids, and of each all its entries.
    """

    def __init__(self, connection: Connection, span: Span, erasures: Erasures) -> None:
        refs = select(sealed.c.site_id, sealed.c.ref).where(*span.where(sealed.c.site_id))
        self._rows = chain.from_iterable(parts(connection, refs.order_by(sealed.c.site_id)))
        self._next = next(self._rows, None)
        self._erasures = erasures
        self._gone: dict[str, Row] = {}

    def watched(self, site_id: int, rows: Iterable[Row]) -> Iterator[Row]:
        """The site's entries as they come, looked at on their way."""
        self._gone = {}
        there = self._of(site_id)
        for row in rows:
            if isinstance(row[_BODY], str):
                for ref in references(row[_BODY]):
                    if ref not in there:
                        self._gone.setdefault(ref, row)
            yield row

    def findings(self, site: str, name: str) -> Iterator[Finding]:
        """The values of the site just taken, called `name` in findings, that nothing has erased."""
        for ref, row in self._gone.items():
            if not self._erasures.cover(site, row[_RECORDED_AT]):
                yield Finding(
                    site=name, table=sealed.name, row=ref, problem="erased_without_record",
                    found=f"entry {row[_SITE_ID]}-{row[_SEQ]} refers to it",
                )  # fmt: skip

    def _of(self, site_id: int) -> set[str]:
        there = set()
        while self._next is not None and self._next[0] <= site_id:
            if self._next[0] == site_id:
                there.add(self._next[1])
            self._next = next(self._rows, None)
        return there
