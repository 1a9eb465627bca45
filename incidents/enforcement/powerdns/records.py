"""The record sets of a zone, in the format of PowerDNS' API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from incidents.values.json_object import JSONObject

TAKEN = ("A", "AAAA", "CNAME", "ALIAS", "LUA", "HTTPS", "SVCB")
"""The types of records that lead a visitor to the site.

ALIAS and LUA are PowerDNS' own ways to give an address; an HTTPS or SVCB record can name another
host, or give an address as a hint, which browsers follow.
"""

_ADDRESSES = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a set; PowerDNS stores a disabled record, but does not serve it."""

    content: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a record set; `modified_at` is in seconds since 1970, UTC."""

    content: str
    account: str
    modified_at: int


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The records of a name, in lower case with a final dot, and a type; `ttl` in seconds."""

    name: str
    type: str
    ttl: int
    records: tuple[Record, ...]
    comments: tuple[Comment, ...] = ()

    @property
    def served(self) -> frozenset[str]:
        """The contents of the records that are not disabled."""
        return frozenset(each.content for each in self.records if not each.disabled)

    def without(self, contents: frozenset[str]) -> RecordSet:
        """The set without the records that have these contents."""
        left = tuple(each for each in self.records if each.content not in contents)
        return replace(self, records=left)

    def document(self) -> JSONObject:
        """The set in the format of the API."""
        return {
            "name": self.name,
            "type": self.type,
            "ttl": self.ttl,
            "records": [{"content": r.content, "disabled": r.disabled} for r in self.records],
            "comments": [
                {"content": c.content, "account": c.account, "modified_at": c.modified_at}
                for c in self.comments
            ],
        }


RecordSets = Mapping[str, RecordSet]
"""The record sets of one name, by type."""


def read(document: Mapping[str, Any]) -> RecordSet:
    """A record set from the API, or from `document`.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: if the value is not a record set.
    """
    kind = str(document["type"])
    records = [
        Record(_content(kind, str(r["content"])), bool(r.get("disabled", False)))
        for r in document["records"]
    ]
    comments = [
        Comment(str(c["content"]), str(c.get("account", "")), int(c["modified_at"]))
        for c in document.get("comments") or ()
    ]
    return RecordSet(
        name=str(document["name"]).lower(),
        type=kind,
        ttl=int(document["ttl"]),
        # Sorted, since PowerDNS may return the same set in another order.
        records=tuple(sorted(records, key=lambda each: each.content)),
        comments=tuple(comments),
    )


def changes(found: RecordSets, wanted: RecordSets) -> list[JSONObject]:
    """The changes of a PATCH that replace the existing records of TAKEN types with the wanted ones.

    Removals come first, because PowerDNS refuses a CNAME beside existing records.
    """
    removed = [
        {"name": each.name, "type": each.type, "changetype": "DELETE"}
        for each in leading(found).values()
        if each.type not in wanted
    ]
    replaced = [_replaced(each) for each in wanted.values() if found.get(each.type) != each]
    return removed + replaced


def leading(found: RecordSets) -> dict[str, RecordSet]:
    """The records that lead visitors to a host: those of the TAKEN types."""
    return {each: found[each] for each in TAKEN if each in found}


def _replaced(wanted: RecordSet) -> JSONObject:
    document = {**wanted.document(), "changetype": "REPLACE"}
    if not wanted.comments:
        # A backend without comments may refuse even an empty list.
        del document["comments"]
    return document


def _content(kind: str, content: str) -> str:
    if kind not in _ADDRESSES:
        return content
    try:
        return str(ip_address(content))
    except ValueError:
        return content
