"""The misses that would close a site (R3): which items of a page must not lapse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from incidents.machine.case import Case
from incidents.machine.policy import Policy
from incidents.machine.rules import Place, cases_up_to
from incidents.store import incidents, suspensions
from incidents.store.slices import FIRST, LAST

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
