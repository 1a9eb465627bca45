"""The files that may show child abuse, by the categories of reports and incidents on record."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, or_, select

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
    led_here = and_(reports.c.site_id == site_id, reports.c.incident == n)
    asked = (
        select(
            reports.c.digest,
            reports.c.kept,
            reports.c.reopened_at,
            reports.c.category,
            incidents.c.category,
        )
        .outerjoin(
            incidents,
            and_(incidents.c.site_id == reports.c.site_id, incidents.c.n == reports.c.incident),
        )
        .where(or_(reports.c.digest.in_(digests), led_here))
    )
    of = report_incidents.c
    before_it_ended = (
        select(
            reports.c.digest,
            reports.c.kept,
            reports.c.reopened_at,
            reports.c.category,
            incidents.c.category,
        )
        .join(report_incidents, of.report == reports.c.id)
        .outerjoin(incidents, and_(incidents.c.site_id == of.site_id, incidents.c.n == of.incident))
        .where(
            or_(
                reports.c.digest.in_(digests),
                reports.c.id.in_(select(of.report).where(of.site_id == site_id, of.incident == n)),
            )
        )
    )
    found: set[str] = set()
    for each in (asked, before_it_ended):
        for digest, kept, reopened_at, *categories in connection.execute(each):
            if sealed_content.is_sealed(*categories) or (
                reopened_at is not None and is_attached_sealed(connection, kept or digest)
            ):
                found |= {digest, kept} & set(digests)
    return found


def is_attached_sealed(connection: Connection, digest: str) -> bool:
    """Whether an incident of such a category has the file, wherever else it is attached."""
    asked = (
        select(incidents.c.category)
        .join(
            evidence,
            and_(incidents.c.site_id == evidence.c.site_id, incidents.c.n == evidence.c.incident),
        )
        .where(evidence.c.digest == digest)
        .distinct()
    )
    return sealed_content.is_sealed(*connection.scalars(asked))


def _of_incident(connection: Connection, key: tuple[int, int]) -> Sequence[str | None]:
    where = incidents.c.site_id == key[0], incidents.c.n == key[1]
    return connection.scalars(select(incidents.c.category).where(*where)).all()
