"""The report of an incident whose addresses are looked at again, on the incident's site alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.inbox.snapshots import taking
from incidents.store.cases import sites
from incidents.store.inbox import reports as store
from incidents.views.inbox import reports as views

if TYPE_CHECKING:
    from incidents.contract.documents.reports import ReportInFull

_MOST = 10
"""The maximum number of reports that are searched for an address: forty may have joined."""


def report_of(connection: Connection, incident: tuple[int, int]) -> ReportInFull | None:
    """The first report that led to the incident and names an address on its site.

    Its candidates are that site alone, so that nothing else is looked at. None if there is none,
    or if the incident may show child abuse.
    """
    site_id, n = incident
    ids = store.led_to(connection, site_id, n, _MOST)
    site = sites.name_of(connection, site_id) if ids else None
    if site is None:
        return None
    for id_ in ids:
        found: ReportInFull = {**views.report(connection, id_), "candidates": [site]}
        if taking.addresses(found):
            return found
    return None
