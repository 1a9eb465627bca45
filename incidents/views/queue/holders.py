"""The holders: who works on what of the queue, and which items may not lapse (R3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, func, select

from incidents.clock import rfc3339
from incidents.machine.case import Case
from incidents.machine.policy import Policy
from incidents.machine.rules import Place, cases_up_to
from incidents.store.cases import incidents, suspensions
from incidents.store.cases.slices import FIRST, LAST
from incidents.store.schema.tables import claims, sites, work

Document = dict[str, Any]

MOST = 500
"""So many items are listed; how many each one holds is counted however many there are."""


def holders(connection: Connection, *, most: int = MOST) -> list[Document]:
    """Each who holds something, by name: how many items (`total`), and the first of them.

    `items` has the first `most` of all, holder by holder and each one's by deadline; those of later
    holders may be missing.
    """
    of = claims.c
    counted = select(of.by, func.count()).group_by(of.by).order_by(of.by)
    listed = groupby(_items(connection, most), key=lambda item: item["by"])
    found = {by: list(items) for by, items in listed}
    return [
        {"by": by, "total": total, "items": found.get(by, [])}
        for by, total in connection.execute(counted)
    ]


def sites_held(connection: Connection, by: str) -> list[tuple[int, str]]:
    """The sites on which somebody holds something, by name, with their ids."""
    joined = claims.join(sites, sites.c.id == claims.c.site_id)
    asked = select(sites.c.id, sites.c.name).select_from(joined).where(claims.c.by == by)
    return [(id_, name) for id_, name in connection.execute(asked.distinct().order_by("name"))]


def _items(connection: Connection, most: int) -> list[Document]:
    same = and_(work.c.site_id == claims.c.site_id, work.c.item == claims.c.item)
    joined = claims.join(sites, sites.c.id == claims.c.site_id).join(work, same)
    asked = select(claims, sites.c.name, work.c.kind, work.c.incident, work.c.due)
    order = (claims.c.by, work.c.sort_due, claims.c.site_id, claims.c.item)
    return [
        {
            "id": f"{row.site_id}-{row.item}",
            "by": row.by,
            "since": rfc3339(row.at),
            "site": row.name,
            "kind": row.kind,
            "incident": None if row.incident is None else f"{row.site_id}-{row.incident}",
            "due": None if row.due is None else rfc3339(row.due),
        }
        for row in connection.execute(asked.select_from(joined).order_by(*order).limit(most))
    ]


Row = Mapping[str, Any]
Item = tuple[int, str]
"""A site's id and the item."""


def closing_misses(connection: Connection, rows: Sequence[Row], policy: Policy) -> set[Item]:
    """The items of an active site on which the next miss closes it.

    A clock that runs is judged at its own deadline (R3): somebody reached on a later incident does
    not undo it. An item without a clock warns of the run as it stands. Two queries at most.
    """
    active = [row for row in rows if row["state"] == "active"]
    cases = _ends_of_runs(connection, [row for row in active if row["last_suspension"]], policy)
    return {
        (row["site_id"], row["item"])
        for row in active
        if _closes(cases.get(row["site_id"]), row, policy)
    }


def _ends_of_runs(connection: Connection, rows: Sequence[Row], policy: Policy) -> dict[int, Case]:
    """The sites of those rows, with what says how long a run leads up to each of them."""
    if not rows:
        return {}
    cases = {
        row["site_id"]: Case(site_id=row["site_id"], site=row["name"], epoch=row["epoch"])
        for row in rows
    }
    places = {(row["site_id"], row["epoch"], *_place(row)) for row in rows}
    for site_id, incident in incidents.REACHED_BEFORE.ask(connection, sorted(places), most=1).all():
        cases[site_id].incidents[incident.n] = incident
    first = {row["site_id"]: _place(row) for row in sorted(rows, key=_place, reverse=True)}
    starts = {(id_, case.epoch, *_since(case, policy, first[id_])) for id_, case in cases.items()}
    for id_, suspension in suspensions.STANDING_AFTER.ask(connection, sorted(starts)).all():
        cases[id_].suspensions[suspension.n] = suspension
    return cases


def _closes(case: Case | None, row: Row, policy: Policy) -> bool:
    total = policy.run == "total"
    before = [] if case is None else cases_up_to(case, _place(row), total=total)
    return len(before) + 1 >= policy.run_count


def _since(case: Case, policy: Policy, earliest: Place) -> Place:
    """From where the standing cases are needed: what broke the run before its first place."""
    if policy.run == "total":
        return FIRST
    broken = (i.place for i in case.incidents.values() if i.place < earliest)
    return max(broken, default=FIRST)


def _place(row: Row) -> Place:
    """Where the item is judged: at the deadline of a call, else after all that has happened."""
    return (row["due"], row["incident"]) if row["kind"] == "call" and row["due"] else LAST
