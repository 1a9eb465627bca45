"""Cases: read as slices of their sites' histories, and written back as what has changed.

The number of queries is the same whatever the number of sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from incidents.machine.case import Case
from incidents.machine.policy import Policy
from incidents.machine.work import items
from incidents.store import claims, incidents, sites, slices, suspensions, tables, tasks, work
from incidents.store.slices import FIRST, LAST, Need

Cases = Mapping[int, Case]


def load(
    connection: Connection, rows: Mapping[int, sites.Row], needs: Mapping[int, Need], policy: Policy
) -> dict[int, Case]:
    """The cases of the sites of those locked `rows`, each as far as its need goes."""
    cases = {id_: sites.to_case(row) for id_, row in rows.items()}
    _load_tasks_and_claims(connection, cases)
    _load_named(connection, cases, needs)
    _load_suspensions(connection, cases, needs)
    _load_neighbours(connection, cases, needs, policy)
    _load_run(connection, cases, needs, policy)
    for case in cases.values():
        _sort(case)
    return cases


def whole(connection: Connection, site_ids: Iterable[int]) -> dict[int, Case]:
    """The cases of those sites with all their history, and the tasks that are done."""
    rows = connection.execute(select(tables.sites).where(tables.sites.c.id.in_(list(site_ids))))
    cases = {row["id"]: sites.to_case(dict(row)) for row in rows.mappings()}

    def all_of(table: Any) -> Any:
        statement = select(table).where(table.c.site_id.in_(cases)).order_by(*table.primary_key)
        return connection.execute(statement).mappings()

    _take_incidents(cases, incidents.whole(connection, list(all_of(tables.incidents))))
    for row in all_of(tables.suspensions):
        _take_suspensions(cases, {(row["site_id"], row["n"]): suspensions.read(row)})
    for row in all_of(tables.tasks):
        cases[row["site_id"]].tasks[row["n"]] = tasks.read(row)
    for (site, item), claim in claims.of_sites(connection, cases).items():
        cases[site].claims[item] = claim
    return cases


def save(connection: Connection, before: Cases, after: Cases) -> None:
    """Writes what has changed; the sites' own rows are `sites.save`'s."""
    pairs = [(id_, before[id_], after[id_]) for id_ in sorted(after)]
    incidents.save(connection, _changes(pairs, "incidents"))
    suspensions.save(connection, _changes(pairs, "suspensions"))
    tasks.save(connection, _changes(pairs, "tasks"))
    claims.save(
        connection,
        [
            (id_, item, was.claims.get(item), now.claims.get(item))
            for id_, was, now in pairs
            for item in sorted(was.claims.keys() | now.claims.keys())
            if was.claims.get(item) != now.claims.get(item)
        ],
    )
    work.save(connection, [change for pair in pairs for change in _work(*pair)])


def _changes(pairs: Sequence[tuple[int, Case, Case]], what: str) -> list[tuple[int, Any, Any]]:
    return [
        (id_, getattr(was, what).get(n), value)
        for id_, was, now in pairs
        for n, value in sorted(getattr(now, what).items())
        if getattr(was, what).get(n) is not value and getattr(was, what).get(n) != value
    ]


def _work(id_: int, was: Case, now: Case) -> list[work.Change]:
    before, after = items(was), items(now)
    return [
        (id_, before.get(item), after.get(item))
        for item in sorted(before.keys() | after.keys())
        if before.get(item) != after.get(item)
    ]


def _load_tasks_and_claims(connection: Connection, cases: Cases) -> None:
    for (site, n), task in tasks.open_(connection, cases).items():
        cases[site].tasks[n] = task
    for (site, item), claim in claims.of_sites(connection, cases).items():
        cases[site].claims[item] = claim


def _load_named(connection: Connection, cases: Cases, needs: Mapping[int, Need]) -> None:
    """What is not settled, and what the commands, the open tasks and the closures name."""
    rows = incidents.unsettled(connection, cases)
    keys = {(id_, n) for id_ in cases for n in needs[id_].targets}
    for id_, case in cases.items():
        keys |= {(id_, n) for task in case.tasks.values() for n in task.incidents}
        if case.closure is not None:
            keys |= {(id_, n) for n in case.closure.incidents}
    if keys:
        rows += incidents.named(connection, keys)
    approved = [id_ for id_ in cases if needs[id_].approves]
    if approved:
        rows += incidents.unlisted(connection, approved)
    _take_incidents(cases, incidents.whole(connection, rows))


def _load_suspensions(connection: Connection, cases: Cases, needs: Mapping[int, Need]) -> None:
    """The running ones and those that the commands may strike, with all that they rest on."""
    down = [id_ for id_, case in cases.items() if case.state == "suspended"]
    found = suspensions.running(connection, down) if down else {}
    keys = {(id_, n) for id_, case in cases.items() for n in slices.suspensions(case, needs[id_])}
    if keys:
        found |= suspensions.named(connection, keys)
    _take_suspensions(cases, found)
    if found:
        rows = incidents.members(connection, found)
        _take_incidents(cases, incidents.whole(connection, _new(cases, rows)))


def _load_neighbours(
    connection: Connection, cases: Cases, needs: Mapping[int, Need], policy: Policy
) -> None:
    """The incidents that R1 may count with a new one, or with the one that closed the site."""
    moments = {
        (id_, case.epoch, at)
        for id_, case in cases.items()
        for at in slices.moments(case, needs[id_])
    }
    if moments:
        counted = {id_ for id_, _, _ in moments}
        most = max(slices.neighbours(cases[i], needs[i], policy.repeat_count) for i in counted)
        rows = incidents.nearest(connection, moments, most)
        _take_incidents(cases, incidents.whole(connection, _new(cases, rows)))


def _load_run(
    connection: Connection, cases: Cases, needs: Mapping[int, Need], policy: Policy
) -> None:
    """The last ones reached in time, and the cases that stand after them (R3)."""
    places = {
        (id_, case.epoch, *slices.judged_from(case)) for id_, case in cases.items() if case.seq
    }
    if not places:
        return
    most = 1 + max(need.corrections for need in needs.values())
    before = incidents.reached_before(connection, places, most)
    running = {place for place in places if place[2:] != LAST}
    rows = before + (incidents.reached_from(connection, running) if running else [])
    _take_incidents(cases, incidents.whole(connection, _new(cases, rows)))
    since = _counted_since(before, most)
    starts = {
        (id_, epoch, *(FIRST if _total(cases[id_], policy) else since.get(id_, FIRST)))
        for id_, epoch, _, _ in places
    }
    _take_suspensions(cases, suspensions.standing_after(connection, starts))


def _counted_since(before: incidents.Rows, most: int) -> dict[int, slices.Place]:
    """The earliest place that was asked for, of those sites that have as many as `most`."""
    found: dict[int, list[slices.Place]] = {}
    for row in before:
        found.setdefault(row["site_id"], []).append((row["contact_due"], row["n"]))
    return {id_: min(places) for id_, places in found.items() if len(places) == most}


def _total(case: Case, policy: Policy) -> bool:
    return policy.run == "total" or (case.closure is not None and case.closure.total)


def _sort(case: Case) -> None:
    """Put all in the order in which a replay meets it: what is listed is listed in that order."""
    case.incidents = dict(sorted(case.incidents.items()))
    case.suspensions = dict(sorted(case.suspensions.items()))
    case.tasks = dict(sorted(case.tasks.items()))
    case.claims = dict(sorted(case.claims.items()))


def _new(cases: Cases, rows: incidents.Rows) -> incidents.Rows:
    return [row for row in rows if row["n"] not in cases[row["site_id"]].incidents]


def _take_incidents(cases: Cases, found: Mapping[incidents.Key, Any]) -> None:
    for (site, n), incident in found.items():
        cases[site].incidents[n] = incident


def _take_suspensions(cases: Cases, found: Mapping[suspensions.Key, Any]) -> None:
    for (site, n), suspension in found.items():
        case = cases[site]
        case.suspensions[n] = suspension
        if suspension.running:
            case.running = n
