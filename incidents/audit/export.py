"""The export of entries, as JSON Lines with exactly their stored bytes, or as CSV.

"Covered" entries are those that a checkpoint covers; they are in the order of the log.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import IO, Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, type_coerce
from sqlalchemy.types import NullType

from incidents.errors import Cause
from incidents.record.entry import UnreadableEntryError
from incidents.record.own_events import LogKeyMade, PolicyActivated
from incidents.store.archive import part as archive_part
from incidents.store.archive import parts, whole
from incidents.store.database.replica import ReplicaReadError
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.schema.log_tables import leaves
from incidents.store.schema.types import canonical
from incidents.values import parsing

COLUMNS = (
    "site", "site_id", "site_seq", "kind", "occurred_at", "recorded_at", "actor", "login",
    "policy", "rule", "reason", "data", "run", "v",
)  # fmt: skip
"""The columns of the CSV, one for each field of an entry."""

_PIECE = 2**18

_AS_JSON = frozenset({"reason", "data", "run", "v"})
_OPTIONAL = frozenset({"login", "rule", "reason", "run"})
_COLUMNS = frozenset(COLUMNS)

Part = Sequence[str]
"""Some entries, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A filter of entries: of one site, recorded at or after `since` and before `until` (UTC)."""

    site_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether the filter selects all entries."""
        return self.site_id is None and self.since is None and self.until is None

    def in_parts(self, connection: Connection) -> whole.Wanted:
        """The archive's parts that can have such entries."""
        in_time = whole.between(self.since, self.until)
        if self.site_id is None:
            return in_time
        return whole.of_site(connection, self.site_id, in_time)

    def archive_parts(self, connection: Connection) -> list[archive_part.Part]:
        """The archive's parts that an export reads."""
        wanted = self.in_parts(connection)
        return [part for part in parts.listed(connection) if wanted(part)]

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on the rows of `entries`."""
        found: list[ColumnElement[bool]] = []
        if self.site_id is not None:
            found.append(entries.c.site_id == self.site_id)
        if self.since is not None:
            found.append(entries.c.recorded_at >= self.since)
        if self.until is not None:
            found.append(entries.c.recorded_at < self.until)
        return found


def stored(connection: Connection, wanted: Selection) -> Iterator[Part]:
    """Yield the stored entries in the order of their ids, a few at a time."""
    statement = select(type_coerce(entries.c.body, NullType())).where(*wanted.conditions)
    in_order = statement.order_by(entries.c.id)
    for rows in whole.one_after_another(connection, in_order, wanted.in_parts(connection)):
        yield list(chain.from_iterable(rows))


def buffered(
    reading: Callable[[], AbstractContextManager[Connection]],
    wanted: Selection,
    write: Callable[[Iterable[Part]], Iterator[bytes]],
) -> Iterator[bytes]:
    """Buffer the output of `write` in a file, so that a slow reader does not block the database.

    If a replica fails meanwhile, all of it is read again.
    """

    def fill(file: IO[bytes]) -> None:
        with reading() as connection:
            for written in write(stored(connection, wanted)):
                file.write(written)

    with tempfile.TemporaryFile(prefix="incidents-") as file:
        try:
            fill(file)
        except ReplicaReadError:
            file.seek(0)
            file.truncate()
            fill(file)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def count(connection: Connection, wanted: Selection) -> int:
    """The number of selected entries."""
    counted = select(func.count()).select_from(entries).where(*wanted.conditions)
    return whole.total(connection, counted, wanted.in_parts(connection))


def jsonl(stored: Iterable[Part]) -> Iterator[bytes]:
    """Yield the entries as JSON Lines: exactly their stored bytes, each followed by a line feed.

    Raises:
        UnreadableEntryError: for an entry that is not text.
    """
    for part in stored:
        try:
            lines = "\n".join(part)
        except TypeError as error:
            raise UnreadableEntryError(detail=Cause.of("no_text", "it is not text")) from error
        yield lines.encode() + b"\n"


def write_csv(stored: Iterable[Part]) -> Iterator[bytes]:
    """Yield the entries as CSV, with the header first.

    Raises:
        UnreadableEntryError: for an entry with a field that the desk never writes.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for part in stored:
        writer.writerows(map(_cells, part))
        yield _drain(buffer)
    yield _drain(buffer)


def _drain(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cells(body: str) -> list[str]:
    try:
        entry = json.loads(body)
        if not entry.keys() <= _COLUMNS:
            raise UnreadableEntryError(
                detail=Cause.of(
                    "has_field", "it has a field {field!r}", field=min(entry.keys() - _COLUMNS)
                )
            )
        return [_cell(name, entry.get(name)) for name in COLUMNS]
    except (ValueError, RecursionError) as error:
        raise UnreadableEntryError(
            detail=Cause.of(
                "no_json", "it is not JSON: {problem}", problem=parsing.json_problem(error)
            )
        ) from error
    except (AttributeError, TypeError) as error:
        raise UnreadableEntryError(
            detail=Cause.of("not_as_written", "it is not written as the desk writes")
        ) from error


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _AS_JSON:
        return canonical(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    if value == "":
        # An empty cell represents a missing field.
        return "'" if name in _OPTIONAL else ""
    return value if value[0].isalnum() else "'" + value


Numbered = tuple[int, str]
"""An entry's leaf index and its stored text."""


def count_covered(connection: Connection, wanted: Selection, size: int) -> int:
    """Count the selected entries among the first `size` entries of the log."""
    if wanted.everything:
        return size
    joined = entries.join(leaves, leaves.c.entry_id == entries.c.id)
    counted = select(func.count()).select_from(joined)
    covered = counted.where(leaves.c.leaf_index < size, *wanted.conditions)
    return whole.total(connection, covered, wanted.in_parts(connection))


def covered_entries(
    connection: Connection, wanted: Selection, size: int, *, at_once: int
) -> Iterator[Sequence[Numbered]]:
    """Yield the selected entries among the first `size` of the log, `at_once` at a time.

    If the selection is a part of the log, the desk's own entries that introduce policies and keys
    are included. They belong to no site, so the part for one site reveals nothing about another.
    """
    joined = leaves.join(entries, entries.c.id == leaves.c.entry_id)
    found = select(leaves.c.leaf_index, type_coerce(entries.c.body, NullType()))
    found = found.select_from(joined).where(leaves.c.leaf_index < size, _wanted_of_log(wanted))
    in_order = found.order_by(leaves.c.leaf_index)
    # The desk's own entries can be in any part.
    rows = chain.from_iterable(whole.one_after_another(connection, in_order))
    while batch := list(islice(rows, at_once)):
        yield batch


def _wanted_of_log(wanted: Selection) -> ColumnElement[bool]:
    if wanted.everything:
        return ~false()
    kinds = (PolicyActivated.kind, LogKeyMade.kind)
    # Within a text of an entry each quotation mark has a backslash before it.
    named = or_(*(entries.c.body.contains(f'"kind":"{kind}"', autoescape=True) for kind in kinds))
    return or_(and_(*wanted.conditions), and_(entries.c.site_id == DESK_STREAM, named))
