"""The incidents that a report would log a second time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, select

from incidents.errors import BadUrlError
from incidents.store.schema.tables import incident_urls, incidents, sites, unsettled
from incidents.values import web_address
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Report

MOST = 20
"""The maximum number of incidents that are named."""


def of_report(connection: Connection, found: Report) -> list[str]:
    """The incidents of its candidates that have one of its addresses, the last recorded first.

    Only those that the desk still works on: to log the report there is refused as a double entry.
    There are none of a report that has ended.
    """
    urls = []
    for url in found["urls"] if found["settled_at"] is None and found["candidates"] else ():
        with suppress(BadUrlError):
            urls.append(web_address.read(url))
    if not urls:
        return []
    of, own = incidents.c, incident_urls.c
    asked = (
        select(of.site_id, of.n)
        .distinct()
        .join(sites, sites.c.id == of.site_id)
        .join(incident_urls, and_(own.site_id == of.site_id, own.incident == of.n))
        .where(sites.c.name.in_(found["candidates"]), unsettled(), own.url.in_(urls))
        .order_by(of.site_id, of.n.desc())
        .limit(MOST)
    )
    return [incident_id(row.site_id, row.n) for row in connection.execute(asked)]
