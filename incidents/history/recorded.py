"""The recorded history: the desk's own record as a history for simulating policies.

Each violation counts from the time of its recording, when its clock began (R2); whether and when a
person was reached follows from the contacts. Decisions of people (false details, a refusal, a hold,
a reinstatement) are left out, because no policy makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection, func, select

from incidents.clock import read_rfc3339
from incidents.history.report import Report
from incidents.history.reports import History
from incidents.history.trial_process import SHORT
from incidents.machine.command import REACHED
from incidents.store.archive import whole
from incidents.store.database.engine import create, plainly, reading
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.tables import contacts, incidents, sites

Key = tuple[int, int]
"""A site's id, and the number of an incident."""


_REPORT_BYTES = 32
"""The size of a line in a file that takes as long to simulate as one report from the record."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The record since a time (UTC), in the database at `url`; `size`: that of a similar file."""

    url: str
    since: datetime
    size: int

    def read(self, most: int) -> History:
        """Read the latest reports, at most `most`."""
        engine = create(self.url)
        try:
            with plainly(engine), reading(engine) as connection:
                history, capped = read(connection, self.since, most)
        finally:
            engine.dispose()
        history.capped = capped
        return history


def since(connection: Connection, then: datetime) -> Recorded:
    """Return the record since that time (UTC), for a trial to read."""
    found = select(func.count()).select_from(
        select(incidents.c.n).where(incidents.c.recorded_at >= then).limit(SHORT).subquery()
    )
    url = connection.engine.url.render_as_string(hide_password=False)
    return Recorded(url, then, _REPORT_BYTES * (connection.scalar(found) or 0))


def read(connection: Connection, since: datetime, most: int) -> tuple[History, bool]:
    """Read the latest reports since that time (UTC), at most `most`; return if there were more.

    Voided incidents were not violations, and imported incidents belong to another desk; both are
    left out.
    """
    of = incidents.c
    reached = (
        select(func.min(contacts.c.occurred_at))
        .where(
            contacts.c.site_id == of.site_id, contacts.c.incident == of.n,
            contacts.c.outcome == REACHED, contacts.c.voided_at.is_(None),
        ).correlate(incidents).scalar_subquery()
    )  # fmt: skip
    found = connection.execute(
        select(of.site_id, of.n, of.recorded_at, sites.c.name, reached.label("reached_at"))
        .select_from(incidents.join(sites, sites.c.id == of.site_id))
        .where(of.recorded_at >= since, of.state != "voided", of.epoch > 0)
        .order_by(of.recorded_at.desc(), of.site_id, of.n).limit(most + 1)
    ).all()  # fmt: skip
    removed = dict(_removed(connection, since))
    history = History(file="")
    for line, row in enumerate(reversed(found[:most]), start=1):
        at, gone = row.recorded_at, removed.get((row.site_id, row.n))
        reached_at = row.reached_at
        history.reports.append(
            Report(
                line=line,
                site=row.name,
                occurred_at=at,
                contact=None if reached_at is None else REACHED,
                contact_at=None if reached_at is None else max(reached_at, at),
                removed_at=None if gone is None else max(gone, at),
            )
        )
    return history, len(found) > most


def _removed(connection: Connection, since: datetime) -> Iterator[tuple[Key, datetime]]:
    """The time at which each incident's content was last recorded as removed."""
    body = entries.c.body
    is_removal = body.contains('"kind":"incident_removed"', autoescape=True)
    query = select(body).where(entries.c.recorded_at >= since, is_removal).order_by(entries.c.id)
    batches = whole.one_after_another(connection, query, whole.between(since, None))
    for (text,) in chain.from_iterable(batches):
        entry = json.loads(text)
        site_id, _, n = entry["data"]["incident"].partition("-")
        yield (int(site_id), int(n)), read_rfc3339(entry["occurred_at"])
