"""The entries on record: latest first, a page at a time, filtered.

The personal text that rows and documents refer to is looked up here, in one query.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from incidents.machine import filing
from incidents.store import entries as stored_entries
from incidents.store.archive import whole
from incidents.store.archive.parts import archive_of, listed
from incidents.store.pages import literal_int
from incidents.store.schema.desk_tables import entries

if TYPE_CHECKING:
    from incidents.contract.documents.record import EntryOnRecord

MAX_SEARCHED = 20_000
"""The maximum number of entries to search for one page."""

Place = tuple[datetime, int]
"""The position after which a page continues: the last entry's recording time (UTC) and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """A filter for entries, for example recorded at or after `since` and before `until` (UTC)."""

    site_id: int | None = None
    kind: str | None = None
    rule: str | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def indexed(self) -> list[ColumnElement[bool]]:
        """The conditions that an index serves."""
        of = entries.c
        found: list[ColumnElement[bool]] = []
        if self.site_id is not None:
            found.append(of.site_id == self.site_id)
        if self.since is not None:
            found.append(of.recorded_at >= self.since)
        if self.until is not None:
            found.append(of.recorded_at < self.until)
        return found

    def matching(self, body: ColumnElement[str], dialect: str) -> list[ColumnElement[bool]]:
        """The conditions on the entry's text.

        Canonical JSON writes a field in only one way, and no text inside it can look the same,
        because each quotation mark there has a backslash before it.
        """
        found: list[ColumnElement[bool]] = []
        # Not LIKE: on SQLite it ignores case.
        place = func.instr if dialect == "sqlite" else func.strpos
        if self.kind is not None:
            found.append(place(body, f',"kind":{quoted(self.kind)},') > 0)
        if self.rule is not None:
            # It follows the recording time; the facts of an event may name a rule, too.
            found.append(place(body, f'Z","rule":{quoted(self.rule)},') > 0)
        if self.person is not None:
            begins = f'{{"actor":{quoted(self.person)},'
            found.append(func.substr(body, 1, len(begins)) == begins)
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """A page of entries. `after`: the position where the next page begins, None at the end.

    `searching`: the search stopped at its limit, at the time `looked_back_to` (UTC).
    """

    entries: Sequence[EntryOnRecord]
    after: Place | None
    looked_back_to: datetime | None

    @property
    def searching(self) -> bool:
        """Whether the page ended because the search reached its limit."""
        return self.looked_back_to is not None


def entries_page(
    connection: Connection, wanted: EntryFilter, *, after: Place | None, limit: int
) -> Page:
    """The entries before the position `after`, latest first, in one or two queries.

    With archive parts it takes as many more for each part that is searched.
    """
    found: list[Any] = []
    for source, until in _latest_first(connection, wanted):
        # A part's last entries can be as late as the first ones after it.
        if len(found) > limit and until is not None and until < found[limit].recorded_at:
            break
        some, last = _some_entries(source, wanted, after=after, limit=limit)
        found = sorted([*found, *some], key=_place, reverse=True)
        if last is not None and len(some) <= limit:
            found = [row for row in found if _place(row) >= _place(last)]
            if len(found) > limit:
                break
            return Page([_document(row) for row in found], _place(last), last.recorded_at)
    shown = [_document(row) for row in found[:limit]]
    return Page(shown, _place(found[limit - 1]) if len(found) > limit else None, None)


def _latest_first(
    connection: Connection, wanted: EntryFilter
) -> Iterator[tuple[Connection, datetime | None]]:
    """The database, and each part of the archive with the time of its last entry (UTC)."""
    yield connection, None
    for part in reversed(listed(connection)):
        if whole.between(wanted.since, wanted.until)(part):
            with archive_of(connection).opened(part) as opened:
                yield opened, part.until


def _some_entries(
    connection: Connection, wanted: EntryFilter, *, after: Place | None, limit: int
) -> tuple[Sequence[Any], Any]:
    """The first entries in one place, one more than `limit`; and the last one that was searched.

    None instead of it if all were searched.
    """
    body = entries.c.body
    through = select(entries.c.id, entries.c.recorded_at, body).where(*wanted.indexed)
    if after is not None:
        through = through.where(_before(after))
    order = (entries.c.recorded_at.desc(), entries.c.id.desc())
    some = through.order_by(*order).limit(literal_int(MAX_SEARCHED)).subquery("some")
    found = connection.execute(
        select(some)
        .where(*wanted.matching(some.c.body, connection.dialect.name))
        .order_by(some.c.recorded_at.desc(), some.c.id.desc()).limit(literal_int(limit + 1))
    ).all()  # fmt: skip
    if len(found) > limit:
        return found, None
    last = connection.execute(
        select(some.c.recorded_at, some.c.id)
        .order_by(some.c.recorded_at.desc(), some.c.id.desc())
        .limit(literal_int(1)).offset(literal_int(MAX_SEARCHED - 1))
    ).first()  # fmt: skip
    return found, last


def _place(row: Any) -> Place:
    return row.recorded_at, row.id


def _before(place: Place) -> ColumnElement[bool]:
    at, id_ = place
    of = entries.c
    return and_(of.recorded_at <= at, or_(of.recorded_at < at, of.id < id_))


def _document(row: Any) -> EntryOnRecord:
    entry = json.loads(row.body)
    return {
        "id": row.id, "entry": entry, "body": row.body,
        "site_id": int(entry["site_id"]), "seq": int(entry["site_seq"]),
    }  # fmt: skip


D = TypeVar("D")

# The fields that hold references. `digest` and `policy` look like references, but are none.
_FIELDS = frozenset(
    {"email", "evidence", "name", "note", "person", "phone", "reason", "text"}
).union(filing.SEALED_FIELDS)
_REFERENCE = "sha256:"


def personal_texts(connection: Connection, refs: Iterable[str | None]) -> dict[str, str]:
    """The texts of those references; erased ones are left out."""
    wanted = {ref for ref in refs if ref is not None}
    return stored_entries.values(connection, wanted) if wanted else {}


def reveal_texts(connection: Connection, documents: list[D]) -> list[D]:
    """The documents with each reference replaced by its text, null once erased."""
    return texts_revealed(documents, personal_texts(connection, text_refs(documents)))


def texts_revealed(documents: list[D], found: Mapping[str, str]) -> list[D]:
    """The documents with each reference replaced by its text from `found`, null if missing."""
    return [_revealed(document, found) for document in documents]


def text_refs(value: Any) -> list[str]:
    """The references in a document, or in a list of them, at any depth."""
    found: list[str] = []
    _collect(value, "", found)
    return found


# The answer to a batch has a hundred thousand values, and nearly all are plain strings.
def _collect(value: Any, field: str, into: list[str]) -> None:
    if isinstance(value, str):
        if _is_reference(value, field):
            into.append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if inner is not None:
                _collect(inner, name, into)
    elif isinstance(value, list | tuple):
        for inner in value:
            _collect(inner, field, into)


def _revealed(value: Any, found: Mapping[str, str], field: str = "") -> Any:
    if isinstance(value, str):
        return found.get(value) if _is_reference(value, field) else value
    if isinstance(value, dict):
        return {
            name: inner if inner is None else _revealed(inner, found, name)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_revealed(inner, found, field) for inner in value]
    return value


def _is_reference(value: str, field: str) -> bool:
    own = value.startswith(_REFERENCE)
    return own and (field in _FIELDS or field.startswith(filing.SERVER))
