"""Queries for the incidents of a site that a report may be about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, or_, select

from incidents.intake.finding import BURST, Known
from incidents.store.inbox import reports
from incidents.store.schema.report_tables import report_incidents
from incidents.store.schema.report_tables import reports as reports_table
from incidents.store.schema.tables import incident_urls, incidents, sites
from incidents.values.incident_states import UNSETTLED

_MOST = 500
"""The most incidents that are looked at, the last recorded first."""


def known(
    connection: Connection, site: str, received_at: datetime, report: int
) -> tuple[int | None, list[Known]]:
    """The number of the site, None if it is not in the register, and its incidents.

    These are the unsettled ones, and those of which a report came in within an hour before
    `received_at` (UTC), or which were recorded since then. Only reports before the `report` count.
    """
    site_id = connection.scalar(select(sites.c.id).where(sites.c.name == site))
    if site_id is None:
        return None, []
    since = received_at - BURST
    of = incidents.c
    lately = select(reports_table.c.incident).where(
        reports_table.c.site_id == site_id, reports_table.c.received_at >= since,
        reports_table.c.incident.is_not(None),
    )  # fmt: skip
    before = (
        select(report_incidents.c.incident)
        .join(reports_table, reports_table.c.id == report_incidents.c.report)
        .where(report_incidents.c.site_id == site_id, reports_table.c.received_at >= since)
    )
    asked = (
        select(of.n, of.state, of.category, of.recorded_at)
        .where(
            of.site_id == site_id,
            or_(
                of.state.in_(UNSETTLED),
                of.recorded_at >= since,
                of.n.in_(lately),
                of.n.in_(before),
            ),
        )
        .order_by(of.n.desc())
        .limit(_MOST)
    )
    rows = connection.execute(asked).all()
    numbers = [row.n for row in rows]
    last = {row.n: row.recorded_at for row in rows}
    for n, at in reports.of_incidents(connection, site_id, numbers, report):
        last[n] = max(last[n], at)
    urls: dict[int, set[str]] = {n: set() for n in numbers}
    named = select(incident_urls.c.incident, incident_urls.c.url).where(
        incident_urls.c.site_id == site_id, incident_urls.c.incident.in_(numbers)
    )
    for row in connection.execute(named):
        urls[row.incident].add(row.url)
    return site_id, [
        Known(
            n=row.n, state=row.state, category=row.category, urls=frozenset(urls[row.n]),
            last_at=last[row.n],
        )
        for row in rows
    ]  # fmt: skip
