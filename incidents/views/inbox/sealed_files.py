"""The files that may show child abuse, by the categories of reports and incidents on record."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, and_, select

from incidents.contract import sealed_content
from incidents.store.inbox import reports as store
from incidents.store.inbox.reports import Report
from incidents.store.schema.report_tables import report_incidents, reports
from incidents.store.schema.tables import evidence, incidents


def is_report_sealed(connection: Connection, row: Report) -> bool:
    """Whether the report is sealed: by its own category, or by that of an incident of it.

    One that was opened again stays sealed by the incident that has its bytes.
    """
    if sealed_content.is_sealed(row.category):
        return True
    if row.reopened_at is not None and is_attached_sealed(connection, row.kept or row.digest):
        return True
    before = store.incidents_before(connection, [row.id]).get(row.id, ())
    return any(
        sealed_content.is_sealed(*_of_incident(connection, key))
        for key in store.incidents_of(row, before)
    )


def sealed_evidence(
    connection: Connection, key: tuple[int, int], digests: Sequence[str]
) -> set[str]:
    """The files of an incident that are sealed, by their digests.

    A file is sealed by the category of the incident, or as the bytes of a sealed report.
    """
    if not digests:
        return set()
    if sealed_content.is_sealed(*_of_incident(connection, key)):
        return set(digests)
    site_id, n = key
    of, own = report_incidents.c, reports.c
    columns = own.digest, own.kept, own.reopened_at, own.category, incidents.c.category
    ended = (
        select(*columns)
        .outerjoin(
            incidents, and_(incidents.c.site_id == own.site_id, incidents.c.n == own.incident)
        )
    )  # fmt: skip
    before_it_ended = (
        select(*columns)
        .join(report_incidents, of.report == own.id)
        .outerjoin(incidents, and_(incidents.c.site_id == of.site_id, incidents.c.n == of.incident))
    )
    in_files = own.digest.in_(digests)
    # One by one: PostgreSQL uses no index for one or the other.
    rows = [
        row
        for asked in (
            ended.where(in_files),
            ended.where(own.site_id == site_id, own.incident == n),
            before_it_ended.where(in_files),
            before_it_ended.where(
                own.id.in_(select(of.report).where(of.site_id == site_id, of.incident == n))
            ),
        )
        for row in connection.execute(asked)
    ]
    reopened = {row.kept or row.digest for row in rows if row.reopened_at is not None}
    attached = _attached_sealed(connection, reopened)
    found: set[str] = set()
    for digest, kept, reopened_at, *categories in rows:
        is_attached = reopened_at is not None and (kept or digest) in attached
        if is_attached or sealed_content.is_sealed(*categories):
            found |= {digest, kept} & set(digests)
    return found


def is_attached_sealed(connection: Connection, digest: str) -> bool:
    """Whether an incident of such a category has the file, wherever else it is attached."""
    return bool(_attached_sealed(connection, {digest}))


def _attached_sealed(connection: Connection, digests: Collection[str]) -> set[str]:
    """Those of the files that an incident of such a category has."""
    if not digests:
        return set()
    asked = (
        select(evidence.c.digest, incidents.c.category)
        .join(
            evidence,
            and_(incidents.c.site_id == evidence.c.site_id, incidents.c.n == evidence.c.incident),
        )
        .where(evidence.c.digest.in_(digests))
        .distinct()
    )
    return {
        digest
        for digest, category in connection.execute(asked)
        if sealed_content.is_sealed(category)
    }


def _of_incident(connection: Connection, key: tuple[int, int]) -> Sequence[str | None]:
    where = incidents.c.site_id == key[0], incidents.c.n == key[1]
    return connection.scalars(select(incidents.c.category).where(*where)).all()
