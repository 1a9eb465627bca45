"""The facts of an order from the record, looked up when its notice is delivered.

The facts are the current ones, even if they have changed since the order; a notice that is no
longer needed is marked as settled. The order's own facts are read from the entry that caused the
order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select

from incidents.enforcement.port import Order
from incidents.machine import events as e
from incidents.machine.rules import unreachable_rules
from incidents.notices.facts import MAX_FINDINGS, Facts
from incidents.notices.site_facts import (
    SiteFacts,
    facts_of_closure,
    facts_of_incident,
    finding_of,
    findings_of,
    incident_of,
    site_of_order,
)
from incidents.record import entry
from incidents.store.archive import whole
from incidents.store.cases import suspensions
from incidents.store.database.engine import Reading
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.tables import incidents, tasks, unsettled
from incidents.values.ids import read_incident_id, read_item_id, task_number
from incidents.values.incident_states import GONE
from incidents.views import left_down, withheld

Link = Callable[[Order, int], str | None]
"""A function that gives the address of the customer's page for an order, if any, by the number of
times that the links were revoked."""

_CAUSES = {"suspension_ended": "ended", "suspension_struck": "struck"}


class FactsOfOrders:
    """The lookup of an order's facts; it returns None if the site or the incident is missing."""

    def __init__(self, reading: Reading, link: Link | None = None) -> None:
        self._reading = reading
        self._link = link

    def __call__(self, order: Order) -> Facts | None:
        """Look up the facts; the number of queries does not grow with the site's history."""
        with self._reading() as connection:
            found = of_order(connection, order)
            if found is None or self._link is None:
                return found
            return replace(found, link=page_address(connection, order, self._link))


def of_order(connection: Connection, order: Order) -> Facts | None:
    """The facts of an order; None if the order's site or incident is missing."""
    found = site_of_order(connection, order)
    if found is None:
        return None
    match order.kind:
        case "suspend" | "reopen" if _stays_closed(connection, found):
            return replace(found.facts, settled=True)
        case "suspend" if order.suspension is not None:
            return _suspended(connection, found, order)
        case "suspend":
            return _held(connection, found, order)
        case "reopen":
            return _reopened(connection, found, order)
        case "close" | "call":
            return _closed(connection, found, order)
        case _:
            return _violation(connection, found, order)


def _stays_closed(connection: Connection, found: SiteFacts) -> bool:
    """Return whether the site is actually closed and left down, so that no order changes it."""
    return found.case.in_force == "closed" and left_down.stays_down(connection, found.row)


def page_address(connection: Connection, order: Order, link: Link) -> str | None:
    """The address of the customer's page for an order; it changes if links are revoked."""
    key = None if order.incident is None else read_incident_id(order.incident)
    if key is None:
        return link(order, 0)
    of = incidents.c
    asked = select(of.links_revoked).where(of.site_id == key[0], of.n == key[1])
    return link(order, connection.scalar(asked) or 0)


def _violation(connection: Connection, found: SiteFacts, order: Order) -> Facts | None:
    """The facts of an order about one incident (`notify`, `alarm`)."""
    incident = incident_of(connection, order.incident)
    if incident is None:
        return None
    facts = facts_of_incident(connection, found, incident)
    over = incident.state in GONE or (order.kind == "alarm" and incident.state == "notified")
    event = _event(connection, order)
    if isinstance(event, e.AlarmRaised):
        facts = replace(facts, attempts=event.attempts, needed=event.needed)
    return replace(facts, settled=over)


def _with_time_down(connection: Connection, order: Order, facts: Facts) -> Facts:
    """The facts with the time since which the site is down, if known.

    They are settled if the order was lifted or cancelled before any attempt.
    """
    is_withdrawn = withheld.is_dropped(connection, order.site_id, order.entry)
    at = withheld.taken_down_at(connection, order.site_id, order.entry) or facts.at
    return replace(facts, at=at, settled=facts.settled or is_withdrawn)


def _held(connection: Connection, found: SiteFacts, order: Order) -> Facts:
    """The facts of a hold; settled once the hold is lifted."""
    key = (order.site_id, order.entry)
    facts = replace(
        found.facts,
        stays_down=withheld.was_notified_down(connection, *key),
        outlasts=withheld.was_notified_of_end(connection, *key),
        settled=not found.case.held,
    )
    return _with_time_down(connection, order, facts)


def _suspended(connection: Connection, found: SiteFacts, order: Order) -> Facts | None:
    incident = incident_of(connection, order.incident)
    if incident is None or order.suspension is None:
        return None
    key = (order.site_id, int(order.suspension))
    struck = any(each.struck for _, each in suspensions.NAMED.fetch(connection, [key]).all())
    facts = replace(
        found.facts,
        state=incident.state,
        findings=(finding_of(found.case, incident),),
        contact_due=incident.contact_due,
        attempts=0 if incident.contact_due is None else unreachable_rules.attempts(incident),
        until=order.until,
        stays_down=found.case.held
        or found.case.closed
        or left_down.stays_down(connection, found.row),
        # Late truth: the person had been reached, or there was no violation.
        settled=struck,
    )
    return _with_time_down(connection, order, facts)


def _reopened(connection: Connection, found: SiteFacts, order: Order) -> Facts:
    """The reason for the reopening, with the findings that are not known to be removed.

    The facts are settled if the site is not opened after all, or was never down, unless the
    customer was told that it was down.
    """
    at = withheld.opened_at(connection, order.site_id, order.entry)
    opens = withheld.still_opens(connection, order.site_id, order.entry)
    event = _event(connection, order)
    was_down = withheld.was_down(connection, order.site_id, order.entry)
    kept_down = withheld.is_kept_down(connection, order.site_id, order.entry)
    undone = not was_down and withheld.was_notified_down(connection, order.site_id, order.entry)
    opened = was_down and (opens or at is not None or found.case.in_force == "active")
    cause = _CAUSES.get(event.kind, "other") if event is not None else "other"
    numbers: list[int] = []
    total = 0
    if not found.case.closed:
        suspension = None if order.suspension is None else int(order.suspension)
        numbers, total = _unsettled(connection, order.site_id, suspension)
    listed = findings_of(connection, found.case, numbers)
    return replace(
        found.facts,
        at=at or found.facts.at,
        cause="never_down" if undone else cause,
        opening=opens and not undone,
        findings=listed,
        findings_more=total - len(listed),
        settled=kept_down or not (undone or opened),
    )


def _closed(connection: Connection, found: SiteFacts, order: Order) -> Facts | None:
    """The facts of a closure notice; settled once the site is reinstated.

    The facts of a `call` are also settled once the call is done or the closure is disputed.
    """
    closure = found.case.closure
    if closure is None:
        return replace(found.facts, rule=order.rule, settled=True)
    facts = facts_of_closure(connection, found)
    if order.kind == "call":
        return replace(facts, settled=facts.disputed or _is_done(connection, order))
    event = _event(connection, order)
    facts = replace(
        facts,
        false_field=event.field if isinstance(event, e.SiteClosed) else None,
        settled=closure.at != order.ordered_at,
    )
    return _with_time_down(connection, order, facts)


def _unsettled(
    connection: Connection, site_id: int, suspension: int | None
) -> tuple[list[int], int]:
    """The site's first unsettled incidents, and their total number."""
    of = incidents.c
    conditions = [of.site_id == site_id, unsettled()]
    if suspension is not None:
        conditions.append(of.suspension == suspension)
    first = select(of.n).where(*conditions).order_by(of.n).limit(MAX_FINDINGS)
    numbers = list(connection.scalars(first))
    if len(numbers) < MAX_FINDINGS:
        return numbers, len(numbers)
    counted = select(func.count()).select_from(incidents).where(*conditions)
    return numbers, connection.scalar(counted) or 0


def _event(connection: Connection, order: Order) -> Any:
    """The event that caused the order."""
    of = entries.c
    found = select(of.body).where(of.site_id == order.site_id, of.site_seq == order.entry)
    rows = whole.of_one_site(connection, found, order.site_id, newest_first=True, most=1)
    return entry.decode(rows[0].body)[1] if rows else None


def _is_done(connection: Connection, order: Order) -> bool:
    """Whether the order's task is done or does not exist."""
    named = None if order.task is None else read_item_id(order.task)
    number = None if named is None else task_number(named[1])
    if named is None or number is None:
        return True
    of = tasks.c
    conditions = (of.site_id == named[0], of.n == number, of.done_at.is_(None))
    return connection.scalar(select(of.n).where(*conditions)) is None
