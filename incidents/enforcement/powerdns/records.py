"""The record sets of a zone, as PowerDNS' API gives and takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from incidents.values.json_object import JSONObject

TAKEN = ("A", "AAAA", "CNAME", "ALIAS", "LUA", "HTTPS", "SVCB")
"""The types that lead a visitor to the site. ALIAS and LUA are PowerDNS' own ways to an address; an
HTTPS or SVCB record can name another host, or an address as a hint, which browsers follow."""

_ADDRESSES = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Record:
    """One of a set; a disabled one is kept by PowerDNS and not served."""

    content: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody has written beside a set; `modified_at` is in seconds since 1970, UTC."""

    content: str
    account: str
    modified_at: int


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The records of a name and a type; `ttl` is in seconds. A name is in small letters, with a dot
    at its end.
    """

    name: str
    type: str
    ttl: int
    records: tuple[Record, ...]
    comments: tuple[Comment, ...] = ()

    @property
    def served(self) -> frozenset[str]:
        """The contents that are not disabled."""
        return frozenset(each.content for each in self.records if not each.disabled)

    def without(self, contents: frozenset[str]) -> RecordSet:
        """The same without these contents."""
        left = tuple(each for each in self.records if each.content not in contents)
        return replace(self, records=left)

    def document(self) -> JSONObject:
        """As the API writes it."""
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


OfName = Mapping[str, RecordSet]
"""The record sets of one name, by type."""


def read(document: Mapping[str, Any]) -> RecordSet:
    """A record set that the API has written, or `document`.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: if it is none.
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
        # In an order of its own: PowerDNS may give the same set in another one the next time.
        records=tuple(sorted(records, key=lambda each: each.content)),
        comments=tuple(comments),
    )


def changes(found: OfName, wanted: OfName) -> list[JSONObject]:
    """What of a PATCH turns what is found at a name into what is wanted there, TAKEN types alone.

    Removals come first: PowerDNS refuses a CNAME beside what is still there.
    """
    removed = [
        {"name": each.name, "type": each.type, "changetype": "DELETE"}
        for each in leading(found).values()
        if each.type not in wanted
    ]
    replaced = [_replaced(each) for each in wanted.values() if found.get(each.type) != each]
    return removed + replaced


def leading(found: OfName) -> dict[str, RecordSet]:
    """Of what stands at a name, what leads a visitor somewhere: the TAKEN types."""
    return {each: found[each] for each in TAKEN if each in found}


def _replaced(wanted: RecordSet) -> JSONObject:
    document = {**wanted.document(), "changetype": "REPLACE"}
    if not wanted.comments:
        # Not every backend can have comments, and one that is asked to have none may refuse.
        del document["comments"]
    return document


def _content(kind: str, content: str) -> str:
    if kind not in _ADDRESSES:
        return content
    try:
        return str(ip_address(content))
    except ValueError:
        return content
