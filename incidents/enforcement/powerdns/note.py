"""The note: what a name had before it was taken off the net, kept in PowerDNS itself.

It is zone metadata, so that it survives this program, and goes with the zone wherever that goes. It
is written before the records are changed and removed after they are put back: killed in between,
the next attempt finds either the name as it was, or the note.

A note is never written over. PowerDNS 4.9 replaces metadata by a deletion and an insertion, in no
transaction: killed in between it has neither, and two that are asked at once leave both. So each
note is of a kind that nobody has used, the one with the highest number counts, and older ones are
removed when all is done. Of several with that number, by daemons at one moment, all holds count.

Somebody may have changed the records meanwhile, the customer say. Which of them are ours is told by
their addresses alone, those that were put there: a set is ours if it serves some of these and no
others.

- Where none of ours is left and something of theirs is, they have taken the name over: it is left
  alone when it should be put back, and kept as it is when it is taken down again.
- Where some of ours is left, or nothing at all, each type comes back that was kept, except where
  something of theirs has taken its place.
- An address of ours that stands among theirs is taken out.
- A CNAME stands alone (RFC 1034, 3.6.2). One that was kept is not put back beside an address of
  theirs; beside anything else that was added it cannot be, and a person must choose.

A name may be held down by two sites, shop.example by its `www` and the site www.shop.example: it is
put back when the last of them lets it go.
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
"""A column of MySQL's type TEXT, in which PowerDNS keeps it, has 65,535 octets."""

# A kind has room for 32 characters, and must begin with X-. So many digits tell of the name, and as
# many tell its notes from each other.
_PREFIX = "X-INCIDENTS-"
_DIGITS = 10

Put = Mapping[str, frozenset[str]]
"""The addresses of the notice page, by type."""


class UnreadableNoteError(Exception):
    """What stands in the metadata is no note of this program's."""


class ConflictError(Exception):
    """A CNAME cannot come back, since something else stands at the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The order by which a site holds a name down; of two, the one that was given later holds."""

    order: str
    kind: str
    ordered_at: datetime
    seq: int

    def is_after(self, other: Hold) -> bool:
        """Whether it was given after the other: then that one is stale.

        By the epochs of the record first: what was ordered before its end was lost is old, however
        late. In one epoch by their times, which only grow.
        """
        return self._place > other._place

    def document(self) -> dict[str, str]:
        """As the note writes it."""
        at = rfc3339(self.ordered_at)
        return {"order": self.order, "kind": self.kind, "ordered_at": at, "seq": str(self.seq)}

    @property
    def _place(self) -> tuple[int, datetime, int]:
        return self.seq // ORDERS_EACH, self.ordered_at, self.seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is kept of a name: `kept` is what it had, `put` every address that was put in its place,
    `holds` the order of each site that holds it down. `number` grows with each note of the name.
    """

    number: int = field(default=0, compare=False)
    name: str
    kept: records.OfName
    put: Put
    holds: Mapping[str, Hold]

    def is_ours(self, found: records.RecordSet) -> bool:
        """Whether it serves addresses of ours, and nothing else."""
        return bool(found.served) and found.served <= self.put.get(found.type, frozenset())

    def knowing(self, put: Put) -> Note:
        """The note with these addresses among those that are ours."""
        both = {each: self.put.get(each, frozenset()) | put[each] for each in put}
        return replace(self, put={**self.put, **both})

    def taken_down(self, found: records.OfName, put: Put) -> Note:
        """The note as it must be before what is found at the name is replaced (again)."""
        return replace(self.knowing(put), kept=self._due(found), number=self.number + 1)

    def put_back(self, found: records.OfName) -> dict[str, records.RecordSet]:
        """What is to stand at the name again, of the TAKEN types.

        Raises:
            ConflictError: if a CNAME is among it, and something of another type is there.
        """
        due = self._due(found)
        if "CNAME" in due and len(found) > len(records.leading(found)):
            raise ConflictError
        return due

    def is_in_force(self, found: records.OfName) -> bool:
        """Whether all that leads anywhere is ours."""
        served = records.leading(found)
        return bool(served) and all(map(self.is_ours, served.values()))

    def is_changed(self, found: records.OfName) -> bool:
        """Whether something stands there that is neither ours nor as it was kept."""
        there = records.leading(found)
        return not all(map(self.is_ours, there.values())) and not _alike(there, self.kept)

    def held(self, site: str, hold: Hold) -> Note:
        """The note with that site among those that hold the name."""
        return replace(self, holds={**self.holds, site: hold})

    def let_go(self, site: str) -> Note:
        """The note without it."""
        left = {each: self.holds[each] for each in self.holds if each != site}
        return replace(self, holds=left, number=self.number + 1)

    def text(self) -> str:
        """ASCII, for the metadata."""
        document = {
            "version": VERSION,
            "number": str(self.number),
            "name": self.name,
            "kept": [each.document() for each in self.kept.values()],
            "put": {each: sorted(self.put[each]) for each in self.put},
            "holds": {site: each.document() for site, each in self.holds.items()},
        }
        return json.dumps(document, separators=(",", ":"))

    def _due(self, found: records.OfName) -> dict[str, records.RecordSet]:
        """What would stand at the name if it were put back now."""
        there = records.leading(found)
        theirs = {t: self._cut(each) for t, each in there.items() if not self.is_ours(each)}
        if theirs and len(theirs) == len(there):
            return theirs
        return _alone({**self.kept, **theirs}, found)

    def _cut(self, found: records.RecordSet) -> records.RecordSet:
        ours = self.put.get(found.type, frozenset())
        return found.without(ours) if found.served & ours else found


def new(name: str) -> Note:
    """The note of a name that is not held down: nothing is ours."""
    return Note(name=name, kept={}, put={}, holds={})


def new_kind(name: str) -> str:
    """A kind of metadata for a note of that name, of which there is none yet."""
    return _prefix(name) + token_hex(_DIGITS // 2).upper()


def older(name: str, metadata: Mapping[str, Sequence[str]], note: Note | None) -> tuple[str, ...]:
    """The kinds of the name's notes that are older than this one, the oldest first.

    Raises:
        UnreadableNoteError: if one cannot be read.
    """
    mine = _of_name(name, metadata)
    found = [kind for kind in mine if note is None or mine[kind].number < note.number]
    return tuple(sorted(found, key=lambda kind: mine[kind].number))


def read(name: str, metadata: Mapping[str, Sequence[str]]) -> Note | None:
    """The note of that name among a zone's metadata; None without one.

    Raises:
        UnreadableNoteError: if one cannot be read.
    """
    mine = _of_name(name, metadata)
    if not mine:
        return None
    highest = max(note.number for note in mine.values())
    first, *others = [note for note in mine.values() if note.number == highest]
    for other in others:
        first = first.knowing(other.put)
        for site, hold in other.holds.items():
            if site not in first.holds or hold.is_after(first.holds[site]):
                first = first.held(site, hold)
    return first


def _of_name(name: str, metadata: Mapping[str, Sequence[str]]) -> dict[str, Note]:
    prefix = _prefix(name)
    found = {kind: _read(metadata[kind]) for kind in sorted(metadata) if kind.startswith(prefix)}
    # The beginning of a kind may be the same for two names.
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


def _alone(
    merged: dict[str, records.RecordSet], found: records.OfName
) -> dict[str, records.RecordSet]:
    if "CNAME" not in merged or len(merged) == 1:
        return merged
    if "CNAME" in found:
        return {"CNAME": merged["CNAME"]}
    return {each: merged[each] for each in merged if each != "CNAME"}


def _alike(one: records.OfName, other: records.OfName) -> bool:
    return {t: s.records for t, s in one.items()} == {t: s.records for t, s in other.items()}
