"""The register: sites and incidents on record.

The categories in use, the policy in force and the earlier policies are here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from incidents.audit import fold
from incidents.clock import rfc3339
from incidents.contract.case_documents import incident_document, plain, site_document
from incidents.errors import NoSuchIncidentError
from incidents.locale.words import policy_differences, policy_sentences
from incidents.machine import policy, work
from incidents.machine.case import Case, Hold, Request
from incidents.machine.incident import Incident
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.machine.rules import unreachable_rules
from incidents.store import desk_state
from incidents.store.cases import cases, site_row, suspensions
from incidents.store.cases import incidents as incident_rows
from incidents.store.cases import sites as site_rows
from incidents.store.cases.slices import Need
from incidents.store.schema.tables import incidents
from incidents.store.schema.tables import sites as site_table
from incidents.values.ids import incident_id, task_id
from incidents.views import left_down, record_entries

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Activation
    from incidents.contract.documents.policies import Policy as PolicyDocument
    from incidents.contract.documents.sites import (
        Closure,
        ClosureRequest,
        IncidentOfSite,
        Site,
        SiteInFull,
    )
    from incidents.contract.documents.sites import Hold as HoldDocument


MAX_INCIDENTS = 100
_BATCH = 500


def site(connection: Connection, name: str, now: datetime) -> SiteInFull:
    """A site with its hold, its closure, its pending decisions, and its newest incidents.

    `overdue`: something was due before `now` and is not done yet; a view does not process it.
    `left_down_since`: when the reason for the site to be down may have been lost; null if it was
    not. `stays_down`: a loss has left the site down, and neither a clock nor lifting a hold opens
    it.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    row, in_force = site_rows.named(connection, name), policy_in_force(connection)
    case = cases.load(connection, {row["id"]: row}, {row["id"]: Need()}, in_force)[row["id"]]
    newest = _newest(connection, row)
    case.incidents |= newest
    document: SiteInFull = {
        **site_document(case, unreachable_rules.run(case, in_force)),
        "seq": case.seq,
        "overdue": row["next_due"] is not None and row["next_due"] < now,
        "left_down_since": plain(left_down.since(connection, row, now)),
        "stays_down": left_down.stays_down(connection, row),
        "hold": _asked(case.hold),
        "closure": _closure(case),
        "reinstatement": _asked(case.request),
        "closure_request": _closure_request(case),
        "tasks": [
            {
                "id": task_id(case.site_id, task.n),
                "kind": task.kind,
                "incidents": [incident_id(case.site_id, n) for n in task.incidents],
                "filing": list(task.about),
                "opened_at": rfc3339(task.opened_at),
            }
            for task in case.tasks.values()
            if task.done_at is None and not work.withdrawn(case, task)
        ],
        "incidents": [incident_document(case, newest[n]) for n in sorted(newest, reverse=True)],
        "incidents_total": case.last_incident,
    }
    return record_entries.reveal_texts(connection, [document])[0]


def sites(
    connection: Connection,
    *,
    state: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Iterator[Site]:
    """The sites by name, starting after the name `after`, read in batches."""
    left = limit
    while left is None or left > 0:
        batch = _batch(connection, state, after, _BATCH if left is None else min(left, _BATCH))
        if not batch:
            return
        yield from documents(connection, batch)
        after = batch[-1]["name"]
        left = None if left is None else left - len(batch)


def incident(connection: Connection, key: incident_rows.Key) -> IncidentOfSite:
    """An incident with its site, by the site's id and its number there.

    Raises:
        UnknownIncidentError: if there is no such incident.
    """
    found = incident_rows.whole(connection, [key])
    if key not in found:
        raise NoSuchIncidentError(given=incident_id(*key))
    row = _row(connection, key[0])
    case = site_row.to_case(row)
    _take_running(connection, {key[0]: case})
    run = suspensions.under(connection, [row], policy_in_force(connection))[key[0]]
    document: IncidentOfSite = {
        **incident_document(case, found[key]),
        "lapsed_at": plain(found[key].lapsed_at),
        "suspension": found[key].suspension,
        "site_seq": row["seq"],
        "site_document": {**site_document(case, run), "next_due": plain(row["next_due"])},
    }
    return record_entries.reveal_texts(connection, [document])[0]


def _row(connection: Connection, site_id: int) -> Mapping[str, Any]:
    """The row of an existing site."""
    query = select(site_table).where(site_table.c.id == site_id)
    return dict(connection.execute(query).mappings().one())


def _take_running(connection: Connection, found: Mapping[int, Case]) -> None:
    """Load the end and the reason of the running suspensions into the cases."""
    for site_id, running in suspensions.RUNNING.fetch(connection, [(id_,) for id_ in found]).all():
        found[site_id].suspensions[running.n] = running
        found[site_id].running = running.n


def _newest(connection: Connection, row: Mapping[str, Any]) -> dict[int, Incident]:
    last = row["last_incident"]
    newest = range(max(1, last - MAX_INCIDENTS + 1), last + 1)
    found = incident_rows.whole(connection, [(row["id"], n) for n in newest])
    return {n: incident for (_, n), incident in found.items()}


def _batch(
    connection: Connection, state: str | None, after: str | None, most: int
) -> list[Mapping[str, Any]]:
    found = select(site_table).where(site_table.c.created_at.is_not(None))
    if state is not None:
        found = found.where(site_table.c.state == state)
    if after is not None:
        found = found.where(site_table.c.name > after)
    rows = connection.execute(found.order_by(site_table.c.name).limit(most)).mappings()
    return [dict(row) for row in rows]


def documents(connection: Connection, rows: list[Mapping[str, Any]]) -> list[Site]:
    """The documents of the sites of those rows."""
    found = {row["id"]: site_row.to_case(row) for row in rows}
    _take_running(connection, found)
    # The row has the next due time: it follows from the incidents, which are not read here.
    run = suspensions.under(connection, rows, policy_in_force(connection))
    items: list[Site] = [
        {**site_document(found[row["id"]], run[row["id"]]), "next_due": plain(row["next_due"])}
        for row in rows
    ]
    return record_entries.reveal_texts(connection, items)


def _asked(of: Hold | Request | None) -> HoldDocument | None:
    """The document of a hold or of a request for reinstatement: who, when and why."""
    return None if of is None else {"by": of.by, "at": rfc3339(of.at), "reason": of.reason}


def _closure_request(case: Case) -> ClosureRequest | None:
    request = case.closure_request
    if request is None:
        return None
    n = request.incident
    return {
        "by": request.by,
        "at": rfc3339(request.at),
        "rule": request.rule,
        "incident": None if n is None else incident_id(case.site_id, n),
        "field": request.field,
        "reason": request.text,
    }


def _closure(case: Case) -> Closure | None:
    closure = case.closure
    if closure is None:
        return None
    return {
        "rule": closure.rule,
        "at": rfc3339(closure.at),
        "incidents": [incident_id(case.site_id, n) for n in closure.incidents],
        "needed": closure.needed,
        "policy": closure.policy,
        "upheld_at": closure.upheld_at,
    }


NEWEST = 1_000
"""The maximum number of incidents to read for the categories, newest first."""

_most: ColumnElement[int] = literal_column(str(NEWEST))


def categories_in_use(connection: Connection) -> list[str]:
    """The categories of the newest incidents, most used first."""
    newest = (
        select(incidents.c.category)
        .order_by(incidents.c.recorded_at.desc())
        .limit(_most)
        .subquery("newest")
    )
    used = (
        select(newest.c.category)
        .where(newest.c.category.is_not(None))
        .group_by(newest.c.category)
        .order_by(func.count().desc(), newest.c.category)
    )
    return list(connection.scalars(used))


def policy_in_force(connection: Connection) -> Policy:
    """The active policy."""
    return policy.read(desk_state.active_policy_toml(connection))


def active_policy(connection: Connection) -> PolicyDocument:
    """The active policy in words and as its file, with its activation time and the person."""
    active, past = policy_in_force(connection), policy_history(connection)
    return {
        "policy": active.digest, "toml": active.toml(), "numbers": active.document(),
        "words": policy_sentences(active), "activation": past[-1] if past else None,
    }  # fmt: skip


def policy_history(connection: Connection) -> list[Activation]:
    """Every activation on record, earliest first, with its changes.

    Raises:
        UnreadableEntryError: if the desk cannot have written an entry.
    """
    found = list(fold.activations(connection))
    words = record_entries.personal_texts(connection, [event.text for _, event in found])
    steps = pairwise([DOCUMENTED, *(policy.read(event.toml) for _, event in found)])
    return [
        {
            "policy": event.policy, "previous": event.previous,
            "activated_at": rfc3339(event.recorded_at), "by": event.by, "login": header.login,
            "seconded_by": event.seconded_by, "reason": words.get(event.text),
            "toml": event.toml, "changes": policy_differences(*step),
        }
        for (header, event), step in zip(found, steps, strict=True)
    ]  # fmt: skip
