"""How a report had ended before it was opened again, as people and programs see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.store import entries
from incidents.store.inbox import reopenings
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Reopening


def of_report(connection: Connection, report: int) -> list[Reopening]:
    """The reopenings of the report, the first one first; erased reasons are None."""
    rows = reopenings.of_reports(connection, [report])
    refs = {ref for row in rows for ref in (row.why, row.reason) if ref is not None}
    texts = entries.values(connection, refs) if refs else {}
    return [
        {
            "state": row.state,  # type: ignore[typeddict-item]
            "settled_at": rfc3339(row.settled_at), "settled_by": row.settled_by,
            "incident": _incident(row), "reason": texts.get(row.reason or ""),
            "reopened_at": rfc3339(row.reopened_at), "reopened_by": row.reopened_by,
            "why": texts.get(row.why),
        }
        for row in rows
    ]  # fmt: skip


def _incident(row: reopenings.Reopening) -> str | None:
    if row.site_id is None or row.incident is None:
        return None
    return incident_id(row.site_id, row.incident)
