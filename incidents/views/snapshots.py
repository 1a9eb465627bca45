"""What was found at the web addresses of a report, as people and programs see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.store import entries, snapshots

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
                **(json.loads(texts[row.words]) if row.words in texts else _ERASED),
            },
        )
        for row in rows
    ]  # fmt: skip
