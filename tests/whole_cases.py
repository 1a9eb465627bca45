"""The cases of sites with all their history, and the tasks that are done: no slice of it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from incidents.machine.case import Case
from incidents.store import deliveries
from incidents.store.cases import filings, incidents, site_row, suspensions, work
from incidents.store.schema import log_tables, tables


def whole(connection: Connection, site_ids: Iterable[int]) -> dict[int, Case]:
    """The cases of those sites."""
    rows = connection.execute(select(tables.sites).where(tables.sites.c.id.in_(list(site_ids))))
    cases = {row["id"]: site_row.to_case(dict(row)) for row in rows.mappings()}
    keys = [(row["site_id"], row["n"]) for row in _rows(connection, tables.incidents, cases)]
    for (site, n), incident in incidents.whole(connection, keys).items():
        cases[site].incidents[n] = incident
    for row in _rows(connection, tables.suspensions, cases):
        case, suspension = cases[row["site_id"]], suspensions.read(row)
        case.suspensions[suspension.n] = suspension
        if suspension.running:
            case.running = suspension.n
    _read_work(connection, cases)
    for site, key, text in filings.of_sites(connection, cases):
        cases[site].details[key] = text
    for site, name, term in filings.terms_of(connection, cases):
        cases[site].terms[name] = term
    for case in cases.values():
        for name in ("incidents", "claims", "details", "terms"):
            setattr(case, name, dict(sorted(getattr(case, name).items())))
    return cases


def _rows(connection: Connection, table: Any, cases: dict[int, Case]) -> Any:
    statement = select(table).where(table.c.site_id.in_(cases)).order_by(*table.primary_key)
    return connection.execute(statement).mappings()


def _read_work(connection: Connection, cases: dict[int, Case]) -> None:
    for row in _rows(connection, tables.tasks, cases):
        cases[row["site_id"]].tasks[row["n"]] = work.read_task(row)
    for row in _rows(connection, log_tables.deliveries, cases):
        n, lane = row["site_seq"], row["lane"]
        cases[row["site_id"]].deliveries[n, lane] = deliveries.read(row)
    for site, item, claim in work.claims_of_sites(connection, cases):
        cases[site].claims[item] = claim
