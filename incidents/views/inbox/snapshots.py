"""What was found at the web addresses of a report, as people and programs see it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.store import entries
from incidents.store.inbox import snapshots

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Snapshot

_ERASED: dict[str, Any] = {
    "url": "", "final": "", "kind": None, "title": "", "text": "", "unread": None,
}  # fmt: skip


def of_report(connection: Connection, report: int, *, sealed: bool) -> list[Snapshot]:
    """The snapshots of the report, the oldest first; of a `sealed` one without their words."""
    rows = snapshots.of_reports(connection, [report])
    refs = set() if sealed else {row.words for row in rows}
    texts = entries.values(connection, refs) if refs else {}
    return [
        cast(
            "Snapshot",
            {
                "n": row.n, "taken_at": rfc3339(row.taken_at), "by": row.by, "status": row.status,
                "problem": row.problem, "size": row.size, "digest": row.digest, "cut": row.cut,
                "screenshot": row.screenshot, "no_screenshot": row.no_screenshot,
                **(json.loads(texts[row.words]) if row.words in texts else _ERASED),
            },
        )
        for row in rows
    ]  # fmt: skip


def without_words(found: Sequence[Snapshot]) -> list[Snapshot]:
    """The snapshots without title and text, for who may not see personal data."""
    return [cast("Snapshot", {**each, "title": "", "text": ""}) for each in found]


class Compared(NamedTuple):
    """The first and the last snapshot of one address."""

    first: Snapshot
    last: Snapshot

    @property
    def is_again(self) -> bool:
        """Whether they are two."""
        return self.first["n"] != self.last["n"]

    @property
    def is_same(self) -> bool:
        """Whether both found the same, byte for byte."""
        first, last = (
            (each["status"], each["problem"], each["digest"]) for each in (self.first, self.last)
        )
        return first == last


def compared(found: Sequence[Snapshot]) -> list[Compared]:
    """The snapshots by address, in the order in which the addresses were looked at first."""
    by_url: dict[str, Compared] = {}
    for each in found:
        if each["url"]:
            before = by_url.get(each["url"])
            by_url[each["url"]] = Compared(each if before is None else before.first, each)
    return list(by_url.values())
