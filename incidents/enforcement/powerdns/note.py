"""The note: the records of a name before it was taken down, kept in PowerDNS itself.

A note is zone metadata: it survives this program, and moves with the zone. It is written before the
records are changed and removed after they are restored. So if an attempt is killed in between, the
next attempt finds either the former records or the note.

A note is never overwritten, because PowerDNS 4.9 replaces metadata by a deletion and an insertion
without a transaction: if PowerDNS is killed in between, no note is left, and two requests at once
leave both notes. So each note has an unused kind, the note with the highest number counts, and
older notes are removed at the end. If daemons write several notes with that number at once, the
holds of all these notes count.

Others, such as the customer, can change the records while the name is down. A record set is "ours"
if it serves only addresses of the notice page.

- If no set is ours and others' records exist, others have taken the name over: a reopening
  leaves their records alone, and the next suspension keeps them.
- If some sets are ours, or no records exist, each kept type is restored, unless others' records
  of that type exist.
- Addresses of the notice page in a set of others are removed.
- A CNAME allows no other records (RFC 1034, 3.6.2). A kept CNAME is not restored beside an address
  of others; beside any other record it cannot be restored, and a person must choose.

Two sites can hold one name down, for example shop.example with its `www.` name and the site
www.shop.example: the name is restored when the last site releases it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from secrets import token_hex

from incidents.clock import read_rfc3339, rfc3339
from incidents.enforcement.powerdns import records
from incidents.values.ids import ORDERS_EACH

VERSION = 1
MAX_CHARACTERS = 60_000
"""The maximum length of a note: PowerDNS stores it in a MySQL column of type TEXT, which has 65,535
octets."""

# A kind has 32 characters at most and begins with X-: these digits identify the name, and as many
# more its note.
_PREFIX = "X-INCIDENTS-"
_DIGITS = 10

Addresses = Mapping[str, frozenset[str]]
"""The addresses of the notice page, by type."""


class UnreadableNoteError(Exception):
    """Metadata that is not a note of this program."""


class ConflictError(Exception):
    """A CNAME that cannot be restored beside other records of the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The order by which a site holds a name down; the later of two orders counts."""

    order: str
    kind: str
    ordered_at: datetime
    seq: int

    def is_after(self, other: Hold) -> bool:
        """Whether this order was given after the other one, which is then stale.

        The epoch is compared first, because orders from before a loss are stale, however late they
        arrive. Within an epoch, the times of the orders are compared.
        """
        return self._place > other._place

    def document(self) -> dict[str, str]:
        """The hold in the format of a note."""
        at = rfc3339(self.ordered_at)
        return {"order": self.order, "kind": self.kind, "ordered_at": at, "seq": str(self.seq)}

    @property
    def _place(self) -> tuple[int, datetime, int]:
        return self.seq // ORDERS_EACH, self.ordered_at, self.seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The note of a name; its `number` is higher than those of the name's earlier notes.

    `kept`: the former records. `put`: the addresses that replaced them. `holds`: for each site that
    holds the name down, its order.
    """

    number: int = field(default=0, compare=False)
    name: str
    kept: records.RecordSets
    put: Addresses
    holds: Mapping[str, Hold]

    def is_ours(self, found: records.RecordSet) -> bool:
        """Whether the record set serves only addresses of the notice page, and at least one."""
        return bool(found.served) and found.served <= self.put.get(found.type, frozenset())

    def with_addresses(self, put: Addresses) -> Note:
        """The note with these addresses added to those of the notice page."""
        both = {each: self.put.get(each, frozenset()) | put[each] for each in put}
        return replace(self, put={**self.put, **both})

    def taken_down(self, found: records.RecordSets, put: Addresses) -> Note:
        """The note to write before the existing records are replaced, even if replaced before."""
        return replace(self.with_addresses(put), kept=self._restored(found), number=self.number + 1)

    def put_back(self, found: records.RecordSets) -> dict[str, records.RecordSet]:
        """The record sets to restore, by type.

        Raises:
            ConflictError: if a CNAME is to be restored, and a record of another type exists.
        """
        due = self._restored(found)
        if "CNAME" in due and len(found) > len(records.leading(found)):
            raise ConflictError
        return due

    def is_in_force(self, found: records.RecordSets) -> bool:
        """Whether the name leads to the notice page only."""
        served = records.leading(found)
        return bool(served) and all(map(self.is_ours, served.values()))

    def is_changed(self, found: records.RecordSets) -> bool:
        """Whether somebody changed the records: they are neither ours nor the kept ones."""
        existing = records.leading(found)
        return not all(map(self.is_ours, existing.values())) and not _same_records(
            existing, self.kept
        )

    def with_hold(self, site: str, hold: Hold) -> Note:
        """The note with the hold of that site."""
        return replace(self, holds={**self.holds, site: hold})

    def without_hold(self, site: str) -> Note:
        """The note without the hold of that site."""
        left = {each: self.holds[each] for each in self.holds if each != site}
        return replace(self, holds=left, number=self.number + 1)

    def text(self) -> str:
        """The note as ASCII text, for the metadata."""
        document = {
            "version": VERSION,
            "number": str(self.number),
            "name": self.name,
            "kept": [each.document() for each in self.kept.values()],
            "put": {each: sorted(self.put[each]) for each in self.put},
            "holds": {site: each.document() for site, each in self.holds.items()},
        }
        return json.dumps(document, separators=(",", ":"))

    def _restored(self, found: records.RecordSets) -> dict[str, records.RecordSet]:
        """The record sets that the name would have if it were restored now."""
        existing = records.leading(found)
        foreign = {t: self._cut(each) for t, each in existing.items() if not self.is_ours(each)}
        if foreign and len(foreign) == len(existing):
            return foreign
        return _without_conflict({**self.kept, **foreign}, found)

    def _cut(self, found: records.RecordSet) -> records.RecordSet:
        ours = self.put.get(found.type, frozenset())
        return found.without(ours) if found.served & ours else found


def new(name: str) -> Note:
    """An empty note, for a name that is not held down."""
    return Note(name=name, kept={}, put={}, holds={})


def new_kind(name: str) -> str:
    """An unused kind of metadata for a note of that name."""
    return _prefix(name) + token_hex(_DIGITS // 2).upper()


def older(name: str, metadata: Mapping[str, Sequence[str]], note: Note | None) -> tuple[str, ...]:
    """The kinds of metadata with older notes of the name, the oldest first.

    Raises:
        UnreadableNoteError: if one cannot be read.
    """
    notes = _of_name(name, metadata)
    found = [kind for kind in notes if note is None or notes[kind].number < note.number]
    return tuple(sorted(found, key=lambda kind: notes[kind].number))


def read(name: str, metadata: Mapping[str, Sequence[str]]) -> Note | None:
    """The note of that name in a zone's metadata; None if there is none.

    Raises:
        UnreadableNoteError: if one cannot be read.
    """
    notes = _of_name(name, metadata)
    if not notes:
        return None
    highest = max(note.number for note in notes.values())
    first, *others = [note for note in notes.values() if note.number == highest]
    for other in others:
        first = first.with_addresses(other.put)
        for site, hold in other.holds.items():
            if site not in first.holds or hold.is_after(first.holds[site]):
                first = first.with_hold(site, hold)
    return first


def _of_name(name: str, metadata: Mapping[str, Sequence[str]]) -> dict[str, Note]:
    prefix = _prefix(name)
    found = {kind: _read(metadata[kind]) for kind in sorted(metadata) if kind.startswith(prefix)}
    # Two names may have the same prefix.
    return {kind: note for kind, note in found.items() if note.name == name}


def _prefix(name: str) -> str:
    return _PREFIX + sha256(name.encode()).hexdigest()[:_DIGITS].upper()


def _read(values: Sequence[str]) -> Note:
    try:
        [text] = values
        document = json.loads(text)
        if document["version"] != VERSION:
            raise UnreadableNoteError
        kept = [records.read(each) for each in document["kept"]]
        return Note(
            number=int(document["number"]),
            name=document["name"],
            kept={each.type: each for each in kept},
            put={each: frozenset(contents) for each, contents in document["put"].items()},
            holds={
                site: Hold(
                    order=str(each["order"]),
                    kind=str(each["kind"]),
                    ordered_at=read_rfc3339(each["ordered_at"]),
                    seq=int(each["seq"]),
                )
                for site, each in document["holds"].items()
            },
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableNoteError from error


def _without_conflict(
    merged: dict[str, records.RecordSet], found: records.RecordSets
) -> dict[str, records.RecordSet]:
    if "CNAME" not in merged or len(merged) == 1:
        return merged
    if "CNAME" in found:
        return {"CNAME": merged["CNAME"]}
    return {each: merged[each] for each in merged if each != "CNAME"}


def _same_records(one: records.RecordSets, other: records.RecordSets) -> bool:
    return {t: s.records for t, s in one.items()} == {t: s.records for t, s in other.items()}
