"""The outbox: the orders that the world was given, held against the record."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from tests.fire.record import DESK_STREAM, Entry


class Order(NamedTuple):
    """An order that was given."""

    site_id: int
    site_seq: int
    n: int
    kind: str


class Unsettled(NamedTuple):
    """An order that waits in a lane, or was given up there."""

    site_id: int
    site_seq: int
    lane: str
    kind: str
    dead: bool


class Outbox(NamedTuple):
    """All that was ordered, and what is not settled of it."""

    orders: list[Order]
    unsettled: list[Unsettled]


def read(url: str) -> Outbox:
    """The outbox."""
    orders = _rows(url, "SELECT site_id, site_seq, n, kind FROM orders")
    unsettled = _rows(url, "SELECT site_id, site_seq, lane, kind, dead FROM deliveries")
    return Outbox(
        [Order(*row) for row in orders],
        [Unsettled(*row)._replace(dead=bool(row[-1])) for row in unsettled],
    )


def entries(url: str) -> int:
    """The number of entries: while it is the same, nothing has been ordered."""
    [(number,)] = _rows(url, "SELECT count(*) FROM entries")
    return int(number)


def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            return file.execute(statement).fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def differences(expected: Iterable[Unsettled], found: Iterable[Unsettled]) -> list[str]:
    """The orders that wait by the record but not in the outbox, or the other way round."""
    right, there = Counter(expected), Counter(found)
    return [
        *(f"{each}: it is not settled on record, and nobody will" for each in right - there),
        *(f"{each}: on record it does not wait like that" for each in there - right),
    ]


def findings(entries: Sequence[Entry], orders: Iterable[Order]) -> list[str]:
    """One order for each suspension, closing, reopening, call, notice and alarm; no other."""
    found = list(orders)
    expected = {
        (entry.site_id, entry.site_seq): (kind, entry)
        for entry in entries
        if entry.site_id != DESK_STREAM and (kind := ordered_by(entry)) is not None
    }
    wrong = [
        f"order {order}: nothing on record calls for it"
        for order in found
        if expected.get((order.site_id, order.site_seq), ("",))[0] != order.kind
    ]
    wrong += [
        f"order {place} was written {times} times"
        for place, times in Counter((o.site_id, o.site_seq) for o in found).items()
        if times > 1
    ]
    there = {(order.site_id, order.site_seq) for order in found}
    missing = [(kind, entry) for place, (kind, entry) in expected.items() if place not in there]
    return wrong + [
        f"{entry}: its order ({kind}) is missing" for kind, entry in _not_cancelled(missing)
    ]


def ordered_by(entry: Entry) -> str | None:
    """The order that the world must get for it."""
    data, moved = entry.data, entry.data.get("site_from") != entry.data.get("site_to")
    match entry.kind:
        case "site_closed":
            return "close"
        case "site_suspended":
            return "suspend"
        case "hold_set" if moved:
            return "suspend"
        case "suspension_ended" | "suspension_struck" | "hold_lifted" | "site_reinstated" if moved:
            return "reopen"
        case "incident_logged" if data["state_to"] == "open":
            return "notify"
        case "task_opened" if data["task_kind"] == "tell":
            return "call"
        case "alarm_raised":
            return "alarm"
        case "order_repeated":
            return str(data["order_kind"])
    return None


def _not_cancelled(missing: Sequence[tuple[str, Entry]]) -> list[tuple[str, Entry]]:
    """A suspension and its reopening in one transaction, so of one moment, are never ordered."""
    moments = Counter((entry.site_id, entry.recorded_at, kind) for kind, entry in missing)
    other = {"suspend": "reopen", "reopen": "suspend"}
    return [
        (kind, entry)
        for kind, entry in missing
        if moments[entry.site_id, entry.recorded_at, kind]
        != moments.get((entry.site_id, entry.recorded_at, other.get(kind, "")))
    ]
