"""The run: a site's cases of nobody being reached (R2, R3), the latest ones, as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from incidents.clock import rfc3339
from incidents.store.cases.suspensions import read
from incidents.store.schema.tables import suspensions
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from incidents.contract.documents.sites import Case


Document = dict[str, Any]

MAX_CASES = 20


def cases(connection: Connection, site_id: int, limit: int = MAX_CASES) -> list[Case]:
    """Up to `limit` of the latest cases, the oldest of them first; struck ones too.

    `until` is null for the case that closed the site in place of a suspension; `ended_at` is null
    while its hours run.
    """
    found = select(suspensions).where(suspensions.c.site_id == site_id)
    rows = connection.execute(found.order_by(suspensions.c.n.desc()).limit(limit)).mappings()
    return [
        {
            "n": case.n,
            "incident": incident_id(site_id, case.starter),
            "due": rfc3339(case.due),
            "made_at": rfc3339(case.made_at),
            "until": None if case.until is None else rfc3339(case.until),
            "ended_at": None if case.ended_at is None else rfc3339(case.ended_at),
            "struck": case.struck,
            "closed": case.closed,
            "epoch": case.epoch,
        }
        for case in reversed([read(row) for row in rows])
    ]
