"""The row of a site, and the other rows of a decided case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from incidents.clock import read_rfc3339, rfc3339
from incidents.machine.case import Case, Closure, ClosureRequest, Hold, Request
from incidents.machine.rules import deadlines
from incidents.machine.work import items
from incidents.store.cases import filings, incidents, suspensions, work

Row = Mapping[str, Any]
P = TypeVar("P", Hold, Request, ClosureRequest)


def to_row(case: Case) -> dict[str, Any]:
    """The site's row for a case, without its id and name."""
    hold, request, closing = case.hold, case.request, case.closure_request
    return {
        "state": case.state,
        "rule": case.rule,
        "epoch": case.epoch,
        "run": case.run,
        "disputed": case.disputed,
        "held": hold is not None,
        "hold_by": None if hold is None else hold.by,
        "hold_at": None if hold is None else hold.at,
        "hold_reason": None if hold is None else hold.reason,
        "closure": None if case.closure is None else _closure_to_json(case.closure),
        "closed_at": case.closed_at,
        "suspended_until": case.suspended_until,
        "request_by": None if request is None else request.by,
        "request_at": None if request is None else request.at,
        "request_reason": None if request is None else request.reason,
        "closing_by": None if closing is None else closing.by,
        "closing_at": None if closing is None else closing.at,
        "closing_said_at": None if closing is None else closing.said_at,
        "closing_incident": None if closing is None else closing.incident,
        "closing_field": None if closing is None else closing.field,
        "closing_text": None if closing is None else closing.text,
        "phone": case.phone,
        "email": case.email,
        "person": case.person,
        "created_at": case.created_at,
        "last_entry_at": case.last_entry_at,
        "seq": case.seq,
        "last_incident": case.last_incident,
        "last_suspension": case.last_suspension,
        "last_task": case.last_task,
        "next_due": deadlines.next_due(case),
        "in_force": case.in_force,
        "last_act": case.last_act,
    }


def to_case(row: Row) -> Case:
    """A case from its site's row, without `running`, which is stored with the suspensions."""
    return Case(
        site_id=row["id"],
        site=row["name"],
        state=row["state"],
        epoch=row["epoch"],
        phone=row["phone"],
        email=row["email"],
        person=row["person"],
        run=row["run"],
        disputed=row["disputed"],
        hold=_part(Hold, row, "hold") if row["held"] else None,
        closure=None if row["closure"] is None else _closure_from_json(row["closure"]),
        request=_part(Request, row, "request"),
        closure_request=_part(ClosureRequest, row, "closing"),
        created_at=row["created_at"],
        last_entry_at=row["last_entry_at"],
        seq=row["seq"],
        last_incident=row["last_incident"],
        last_suspension=row["last_suspension"],
        last_task=row["last_task"],
        in_force=row["in_force"],
        last_act=row["last_act"],
    )


def _part(kind: type[P], row: Row, prefix: str) -> P | None:
    """The value whose fields are the columns with that prefix; None if its time is null."""
    if row[f"{prefix}_at"] is None:
        return None
    return kind(**{field.name: row[f"{prefix}_{field.name}"] for field in fields(kind)})


def _closure_to_json(closure: Closure) -> dict[str, Any]:
    within, said_at = closure.within, closure.said_at
    found = {
        "rule": closure.rule,
        "at": rfc3339(closure.at),
        "incidents": list(closure.incidents),
        "needed": closure.needed,
        "policy": closure.policy,
        "within_s": None if within is None else within // timedelta(seconds=1),
        "suspension": closure.suspension,
        "total": closure.total,
        "upheld_at": closure.upheld_at,
    }
    # Without `said_at`, the form is that from before the field existed.
    return found if said_at is None else found | {"said_at": rfc3339(said_at)}


def _closure_from_json(document: dict[str, Any]) -> Closure:
    within_s = document["within_s"]
    return Closure(
        rule=document["rule"],
        at=read_rfc3339(document["at"]),
        incidents=tuple(document["incidents"]),
        needed=document["needed"],
        policy=document["policy"],
        within=None if within_s is None else timedelta(seconds=within_s),
        suspension=document["suspension"],
        total=document["total"],
        upheld_at=document["upheld_at"],
        said_at=read_rfc3339(document["said_at"]) if "said_at" in document else None,
    )


Cases = Mapping[int, Case]


def save_changes(connection: Connection, before: Cases, after: Cases) -> None:
    """Write the changes of cases, except the sites' own rows, which `sites.save` writes."""
    # An unchanged part is the same object.
    pairs = [(i, before[i], after[i]) for i in sorted(after) if before[i].seq != after[i].seq]
    incidents.save(connection, _changes(pairs, "incidents"))
    suspensions.save(connection, _changes(pairs, "suspensions"))
    work.save_tasks(connection, _changes(pairs, "tasks"))
    work.save_claims(
        connection,
        [
            (id_, item, was.claims.get(item), now.claims.get(item))
            for id_, was, now in pairs
            for item in sorted(was.claims.keys() | now.claims.keys())
            if was.claims.get(item) != now.claims.get(item)
        ],
    )
    filings.save(connection, pairs)
    work.save_items(connection, [change for pair in pairs for change in _work(*pair)])


def _changes(pairs: Sequence[tuple[int, Case, Case]], what: str) -> list[tuple[int, Any, Any]]:
    found = []
    for id_, was, now in pairs:
        before = getattr(was, what)
        for n, value in getattr(now, what).items():
            old = before.get(n)
            if old is not value:
                found.append((id_, old, value))
    return found


def _work(id_: int, was: Case, now: Case) -> list[work.ChangedItem]:
    before, after = items(was), items(now)
    return [
        (id_, before.get(item), after.get(item))
        for item in sorted(before.keys() | after.keys())
        if before.get(item) != after.get(item)
    ]
