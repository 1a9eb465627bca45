"""Queries for cases, read as slices of their sites' histories (`site_row` writes them).

The number of queries does not depend on the number of sites. On PostgreSQL the queries of one step
take one round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from sqlalchemy import Connection

from incidents.machine.case import Case
from incidents.machine.policy import Policy
from incidents.store import deliveries
from incidents.store.cases import filings, incidents, site_row, slices, suspensions, work
from incidents.store.cases.slices import FIRST, LAST, Need
from incidents.store.compiled import Row
from incidents.store.round_trip import pipelined
from incidents.store.statement import Result
from incidents.values.ids import ACT

Cases = Mapping[int, Case]


def load(
    connection: Connection,
    rows: Mapping[int, site_row.Row],
    needs: Mapping[int, Need],
    policy: Policy,
) -> dict[int, Case]:
    """Load the cases of the locked `rows`, each as far as the commands need it.

    There are three steps, each for references that the previous step found; most commands need only
    the first step.
    """
    cases = {id_: site_row.to_case(row) for id_, row in rows.items()}
    with_parts = {id_: case for id_, case in cases.items() if _has_parts(case)}
    if with_parts:
        _load_unsettled(connection, with_parts, needs, policy)
        _load_referenced(connection, with_parts, needs, policy)
        for case in with_parts.values():
            _sort(case)
    return cases


def _has_parts(case: Case) -> bool:
    """Whether more has happened than that the site was added; not even a damaged row hides it."""
    return case.seq > 1 or bool(case.last_incident or case.last_suspension or case.last_task)


def _load_unsettled(
    connection: Connection, cases: Cases, needs: Mapping[int, Need], policy: Policy
) -> None:
    """Load unsettled parts, parts named by commands and closures, and the neighbours for R1."""
    named = {(id_, n) for id_ in cases for n in needs[id_].targets}
    closing = set()
    for id_, case in cases.items():
        if case.closure is not None:
            named |= {(id_, n) for n in case.closure.incidents}
            if case.closure.suspension is not None:
                closing.add((id_, case.closure.suspension))
    moments = {(id_, case.epoch, at) for id_, case in cases.items() for at in needs[id_].moments}
    wanted = _ids(i for i, need in needs.items() if need.filing)
    with pipelined(connection):
        found = [
            incidents.UNSETTLED.fetch(connection, _ids(i for i in cases if cases[i].last_incident)),
            incidents.NAMED.fetch(connection, sorted(named)),
            incidents.UNLISTED.fetch(connection, _ids(i for i in cases if needs[i].approves)),
            *_fetch_nearest(connection, cases, needs, policy, moments),
        ]
        down = _ids(i for i in cases if cases[i].state == "suspended")
        running = suspensions.RUNNING.fetch(connection, down)
        closed_by = suspensions.NAMED.fetch(connection, sorted(closing))
        open_tasks = work.OPEN_TASKS.fetch(connection, _ids(i for i in cases if cases[i].last_task))
        claims = work.CLAIMS_OF_SITES.fetch(connection, _ids(cases))
        orders = _fetch_orders(connection, needs)
        details = filings.DETAILS.fetch(connection, wanted)
        terms = filings.TERMS.fetch(connection, wanted)
    for each in found:
        _add_incidents(cases, each)
    _add_suspensions(cases, running.all())
    _add_suspensions(cases, closed_by.all())
    for site, task in open_tasks.all():
        cases[site].tasks[task.n] = task
    for site, item, claim in claims.all():
        cases[site].claims[item] = claim
    for site, delivery in chain.from_iterable(each.all() for each in orders):
        cases[site].deliveries[delivery.order, delivery.lane] = delivery
    for site, key, text in details.all():
        cases[site].details[key] = text
    for site, name, term in terms.all():
        cases[site].terms[name] = term


def _load_referenced(
    connection: Connection, cases: Cases, needs: Mapping[int, Need], policy: Policy
) -> None:
    """Load the parts that open items name: tasks' lists, suspensions to be struck, and incidents.

    Also load the neighbours of the incident that met the limit of R1, and the end of the cases in a
    row that R3 counts.
    """
    listed = {(i, n) for i in cases for t in cases[i].tasks.values() for n in t.incidents}
    struck = {(id_, n) for id_, case in cases.items() for n in slices.suspensions(case, needs[id_])}
    known = {(id_, n) for id_, case in cases.items() for n in case.suspensions}
    moments = {
        (id_, case.epoch, at)
        for id_, case in cases.items()
        for at in slices.moments(case, needs[id_]) - needs[id_].moments
    }
    judged = {i: case for i, case in cases.items() if slices.judges_run(case, needs[i])}
    places = {(id_, case.epoch, *slices.judged_from(case)) for id_, case in judged.items()}
    running = {place for place in places if place[2:] != LAST}
    most = 1 + max((need.corrections for need in needs.values()), default=0)
    if not (listed or struck or known or moments or places):
        return
    with pipelined(connection):
        found = [
            incidents.NAMED.fetch(connection, sorted(listed)),
            incidents.MEMBERS.fetch(connection, sorted(struck | known)),
            *_fetch_nearest(connection, cases, needs, policy, moments),
            incidents.REACHED_FROM.fetch(connection, sorted(running)),
        ]
        named = suspensions.NAMED.fetch(connection, sorted(struck - known))
        before = incidents.REACHED_BEFORE.fetch(connection, sorted(places), most=most)
    for each in [*found, before]:
        _add_incidents(cases, each)
    _add_suspensions(cases, named.all())
    since = _counted_since(before.all(), most)
    starts = {
        (id_, case.epoch, *(FIRST if _total(case, policy) else since.get(id_, FIRST)))
        for id_, case in judged.items()
        if case.last_suspension
    }
    _add_suspensions(cases, suspensions.STANDING_AFTER.fetch(connection, sorted(starts)).all())


def _fetch_orders(
    connection: Connection, needs: Mapping[int, Need]
) -> list[Result[deliveries.Found]]:
    # Two locks of the same rows, one after the other, could deadlock.
    named = {
        (i, lane, n)
        for i, need in needs.items()
        for n, lane in need.orders
        if not (need.all_orders and lane == ACT)
    }
    whole = _ids(i for i, need in needs.items() if need.all_orders)
    return [
        deliveries.NAMED.fetch(connection, sorted(named)),
        deliveries.UNSETTLED.fetch(connection, whole),
    ]


def _fetch_nearest(
    connection: Connection,
    cases: Cases,
    needs: Mapping[int, Need],
    policy: Policy,
    moments: Iterable[incidents.Moment],
) -> list[Result[incidents.Found]]:
    known = {moment for moment in moments if cases[moment[0]].last_incident}
    most = max(
        (slices.neighbours(cases[i], needs[i], policy.repeat_count) for i, _, _ in known), default=0
    )
    # Nothing has happened after now.
    past = {(i, epoch, at) for i, epoch, at in known if at != needs[i].now}
    return [
        incidents.NEAREST_BEFORE.fetch(connection, sorted(known), most=most),
        incidents.NEAREST_AFTER.fetch(connection, sorted(past), most=most),
    ]


def _ids(site_ids: Iterable[int]) -> list[tuple[int]]:
    return [(id_,) for id_ in sorted(site_ids)]


def _counted_since(reached: Iterable[incidents.Found], most: int) -> dict[int, slices.Place]:
    """The position of the earliest incident found on each site that has `most` found incidents."""
    found: dict[int, list[slices.Place]] = {}
    for site, incident in reached:
        found.setdefault(site, []).append(incident.place)
    return {id_: min(places) for id_, places in found.items() if len(places) == most}


def _total(case: Case, policy: Policy) -> bool:
    return policy.run == "total" or (case.closure is not None and case.closure.total)


def _sort(case: Case) -> None:
    """Sort all parts of the case into the order of a replay, which all lists have."""
    for name in ("incidents", "suspensions", "tasks", "claims", "details", "terms"):
        found = getattr(case, name)
        if len(found) > 1:
            setattr(case, name, dict(sorted(found.items())))


def _add_incidents(cases: Cases, found: Result[incidents.Found]) -> None:
    """Add the found incidents to the cases; several queries may find the same incident."""

    def is_known(row: Row) -> bool:
        site, n = incidents.key(row)
        return n in cases[site].incidents

    for site, incident in found.all(but=is_known):
        cases[site].incidents.setdefault(incident.n, incident)


def _add_suspensions(cases: Cases, found: Iterable[suspensions.Found]) -> None:
    for site, suspension in found:
        case = cases[site]
        case.suspensions[suspension.n] = suspension
        if suspension.running:
            case.running = suspension.n
