"""The site of a notice: facts common to notices about the site, an incident, or its closure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from incidents.enforcement.port import Order
from incidents.machine.case import Case, Closure
from incidents.machine.command import DOWN
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy
from incidents.machine.rules import unreachable_rules
from incidents.notices.facts import MAX_FINDINGS, MAX_URLS, Facts, Finding
from incidents.store.cases import incidents as incident_rows
from incidents.store.cases import site_row
from incidents.store.schema.tables import incidents, sites
from incidents.values import site_name
from incidents.values.ids import incident_id, order_id, read_incident_id
from incidents.views import left_down, record_entries, register, withheld
from incidents.views.queue.work import closing_misses, opens_first

_DOWN = frozenset(DOWN.values())


class SiteFacts(NamedTuple):
    """The present state of a site, and the facts common to notices about it."""

    case: Case
    policy: Policy
    facts: Facts
    row: Mapping[str, Any]


def site_of_order(connection: Connection, order: Order) -> SiteFacts | None:
    """The order's site, with the facts common to its notices; None if the site is missing."""
    row = connection.execute(select(sites).where(sites.c.id == order.site_id)).mappings().first()
    if row is None:
        return None
    case, in_force = site_row.to_case(dict(row)), register.policy_in_force(connection)
    words = record_entries.personal_texts(connection, (case.person, case.email, case.phone))

    def text_of(ref: str | None) -> str | None:
        return None if ref is None else words.get(ref)

    facts = Facts(
        reference=order.incident or order_id(order.site_id, order.entry),
        site=site_name.shown(case.site),
        at=order.ordered_at,
        site_state=case.state,
        policy=in_force,
        person=text_of(case.person),
        email=text_of(case.email),
        phone=text_of(case.phone),
        task=order.task,
    )
    return SiteFacts(case, in_force, facts, dict(row))


def facts_of_incident(connection: Connection, found: SiteFacts, incident: Incident) -> Facts:
    """The facts of the site and of an incident, with the incident's running or lapsed clocks."""
    case = found.case
    runs = case.clock_runs(incident)
    lapsed = incident.state == "unreached"
    contact_due = case.contact_due(incident) if runs or lapsed else None
    until = found.row["suspended_until"]
    if until is not None and left_down.stays_down(connection, found.row):
        until = None
    return replace(
        found.facts,
        state=incident.state,
        site_state=_actual_state(connection, case),
        findings=(finding_of(case, incident),),
        contact_due=contact_due,
        removal_due=incident.removal_due if case.removal_runs(incident) else None,
        until=until,
        miss_closes=runs and _miss_closes(connection, found, incident),
        miss_acts=runs and (case.state == "active" or opens_first(_as_call(found, incident))),
        attempts=0 if contact_due is None else unreachable_rules.attempts(incident),
    )


def _actual_state(connection: Connection, case: Case) -> str:
    """The site's state as told to the customer: not down if the order is withheld."""
    if not withheld.withheld_sites(connection, [case.site_id] if case.state in _DOWN else []):
        return case.state
    return case.in_force if case.in_force in _DOWN else "active"


def _miss_closes(connection: Connection, found: SiteFacts, incident: Incident) -> bool:
    """Return whether the next miss closes the site (R3), by the same rule as in the queue."""
    return bool(closing_misses(connection, [_as_call(found, incident)], found.policy))


def _as_call(found: SiteFacts, incident: Incident) -> Mapping[str, Any]:
    """The call about the incident, as a row of the queue."""
    case, until = found.case, found.row["suspended_until"]
    return {
        "site_id": case.site_id, "name": case.site, "state": case.state, "epoch": case.epoch,
        "suspended_until": until, "last_suspension": case.last_suspension,
        "item": str(incident.n), "kind": "call", "due": incident.contact_due,
        "incident": incident.n,
    }  # fmt: skip


def facts_of_closure(connection: Connection, found: SiteFacts) -> Facts:
    """The facts of a closed site's closure, without voided incidents."""
    closure = found.case.closure
    assert closure is not None, "asked of closed sites alone"
    grounds = _grounds(connection, found.case, closure)
    listed = findings_of(connection, found.case, grounds[:MAX_FINDINGS])
    return replace(
        found.facts,
        at=closure.at,
        rule=closure.rule,
        needed=closure.needed,
        within=closure.within,
        total=closure.total,
        withheld=bool(withheld.withheld_sites(connection, [found.case.site_id])),
        disputed=found.case.disputed,
        findings=listed,
        findings_more=len(grounds) - len(listed),
    )


def _grounds(connection: Connection, case: Case, closure: Closure) -> list[int]:
    """The incidents that still support a closure: not voided, and (R3) nobody reached in time."""
    of = incidents.c
    conditions = [of.site_id == case.site_id, of.n.in_(closure.incidents), of.state != "voided"]
    if closure.rule == "unreachable_run":
        conditions.append(of.reached_in_time.is_(False))
    return list(connection.scalars(select(of.n).where(*conditions).order_by(of.n)))


def findings_of(connection: Connection, case: Case, numbers: Sequence[int]) -> tuple[Finding, ...]:
    if not numbers:
        return ()
    found = incident_rows.whole(connection, [(case.site_id, n) for n in numbers])
    return tuple(finding_of(case, incident) for _, incident in sorted(found.items()))


def finding_of(case: Case, incident: Incident) -> Finding:
    return Finding(
        id=incident_id(case.site_id, incident.n),
        occurred_at=incident.occurred_at,
        recorded_at=incident.recorded_at,
        category=incident.category,
        urls=incident.urls[:MAX_URLS],
        more=max(0, len(incident.urls) - MAX_URLS),
    )


def incident_of(connection: Connection, name: str | None) -> Incident | None:
    key = None if name is None else read_incident_id(name)
    return None if key is None else incident_rows.whole(connection, [key]).get(key)
