"""The outbox: the orders that the world was given, held against the record."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import NamedTuple

import psycopg

from tests.fire.record import DESK_STREAM, Entry


class Order(NamedTuple):
    """A row of the outbox."""

    site_id: int
    site_seq: int
    n: int
    kind: str


def read(url: str) -> list[Order]:
    """The outbox."""
    statement = "SELECT site_id, site_seq, n, kind FROM orders"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            return [Order(*row) for row in file.execute(statement)]
    with psycopg.connect(url) as connection:
        return [Order(*row) for row in connection.execute(statement)]


def findings(entries: Sequence[Entry], orders: Iterable[Order]) -> list[str]:
    """One order for each suspension, closing, reopening, call, notice and alarm; no other."""
    found = list(orders)
    expected = {
        (entry.site_id, entry.site_seq): (kind, entry)
        for entry in entries
        if entry.site_id != DESK_STREAM and (kind := _ordered_by(entry)) is not None
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


def _ordered_by(entry: Entry) -> str | None:
    """Which order the world must be given for it."""
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
