"""The holders of the queue's items, and on which items the next miss or violation closes a site.

A holder is a person who has claimed an item and works on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from incidents.clock import rfc3339
from incidents.machine.case import Case
from incidents.machine.policy import Policy
from incidents.machine.rules.unreachable_rules import Place, cases_up_to
from incidents.store.cases import incidents, suspensions
from incidents.store.cases.slices import FIRST as FIRST_PLACE
from incidents.store.cases.slices import LAST as LAST_PLACE
from incidents.store.schema.tables import claims, sites, work
from incidents.values.ids import incident_id, item_id
from incidents.views.next_violation import next_places
from incidents.views.queue.queue_filter import claim_of

if TYPE_CHECKING:
    from incidents.contract.documents.queue import Held, Holder

Row = Mapping[str, Any]

INSPECTIONS = ("check_removal", "recheck")
"""The kinds of work for which somebody looks at the content, which may still be online."""

MOST_HELD = 500
"""The maximum number of items listed for all holders together; the total has no limit."""


def holders(connection: Connection, *, most: int = MOST_HELD) -> list[Holder]:
    """The holders by name, each with the number of their items (`total`) and the first items.

    `items` has the first `most` of all, holder by holder, each by deadline; items of later holders
    may be missing.
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
    """The ids and names of the sites on which that person holds an item, by name."""
    joined = claims.join(sites, sites.c.id == claims.c.site_id)
    query = select(sites.c.id, sites.c.name).select_from(joined).where(claims.c.by == by)
    return [(id_, name) for id_, name in connection.execute(query.distinct().order_by("name"))]


def _items(connection: Connection, most: int) -> list[Held]:
    joined = claims.join(sites, sites.c.id == claims.c.site_id).join(work, claim_of(work))
    query = select(claims, sites.c.name, work.c.kind, work.c.incident, work.c.due)
    order = (claims.c.by, work.c.sort_due, claims.c.site_id, claims.c.item)
    return [
        {
            "id": item_id(row.site_id, row.item),
            "by": row.by,
            "since": rfc3339(row.at),
            "site": row.name,
            "kind": row.kind,
            "incident": None if row.incident is None else incident_id(row.site_id, row.incident),
            "due": None if row.due is None else rfc3339(row.due),
        }
        for row in connection.execute(query.select_from(joined).order_by(*order).limit(most))
    ]


Item = tuple[int, str]
"""A site's id and the item."""


def opens_first(row: Row) -> bool:
    """Whether the suspension of the item's site ends before the item's contact clock does.

    A miss then suspends or closes the site again. If both are due at the same time, the clock is
    processed first.
    """
    until, due = row["suspended_until"], row["due"]
    return row["kind"] == "call" and None not in (until, due) and until < due


def closing_misses(connection: Connection, rows: Sequence[Row], policy: Policy) -> set[Item]:
    """The items on which the next miss closes the site, which is open, or will be by then.

    A running clock is judged at its own deadline (R3): a contact about a later incident does not
    count. An item without a clock warns about the present run of cases. The function takes at most
    two queries.
    """
    active = [row for row in rows if row["state"] == "active" or opens_first(row)]
    cases = _ends_of_runs(connection, [row for row in active if row["last_suspension"]], policy)
    return {
        (row["site_id"], row["item"])
        for row in active
        if _closes(cases.get(row["site_id"]), row, policy)
    }


def closing_counts(
    connection: Connection, rows: Sequence[Row], policy: Policy, now: datetime
) -> set[int]:
    """The sites of items that check content, on which one more violation closes the site (R1).

    The function takes at most one query.
    """
    looked = [row for row in rows if row["kind"] in INSPECTIONS and row["state"] != "closed"]
    of = {(row["site_id"], row["epoch"]) for row in looked}
    places = next_places(connection, of, now, policy)
    return {site_id for site_id, place in places.items() if place >= policy.repeat_count}


def _ends_of_runs(connection: Connection, rows: Sequence[Row], policy: Policy) -> dict[int, Case]:
    """The cases of the sites of those rows, with the history that gives the length of each run."""
    if not rows:
        return {}
    cases = {
        row["site_id"]: Case(site_id=row["site_id"], site=row["name"], epoch=row["epoch"])
        for row in rows
    }
    places = {(row["site_id"], row["epoch"], *_place(row)) for row in rows}
    reached = incidents.REACHED_BEFORE.fetch(connection, sorted(places), most=1)
    for site_id, incident in reached.all():
        cases[site_id].incidents[incident.n] = incident
    first = {row["site_id"]: _place(row) for row in sorted(rows, key=_place, reverse=True)}
    starts = {(id_, case.epoch, *_since(case, policy, first[id_])) for id_, case in cases.items()}
    for id_, suspension in suspensions.STANDING_AFTER.fetch(connection, sorted(starts)).all():
        cases[id_].suspensions[suspension.n] = suspension
    return cases


def _closes(case: Case | None, row: Row, policy: Policy) -> bool:
    total = policy.run == "total"
    before = [] if case is None else cases_up_to(case, _place(row), total=total)
    return len(before) + 1 >= policy.run_count


def _since(case: Case, policy: Policy, earliest: Place) -> Place:
    """The position from which suspensions matter: the last break of the run before `earliest`."""
    if policy.run == "total":
        return FIRST_PLACE
    broken = (i.place for i in case.incidents.values() if i.place < earliest)
    return max(broken, default=FIRST_PLACE)


def _place(row: Row) -> Place:
    """The position at which the item is judged: a call's deadline, or after everything so far."""
    return (row["due"], row["incident"]) if row["kind"] == "call" and row["due"] else LAST_PLACE
