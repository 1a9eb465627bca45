"""Writes the orders of a decision to the outbox; whoever carries them out reads them from there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from incidents.store.statement import Change
from incidents.store.tables import orders


class Outgoing(NamedTuple):
    """One order; (site_id, site_seq, n) is its idempotency key. `created_at` is in UTC."""

    site_id: int
    site_seq: int
    n: int
    kind: str
    data: dict[str, Any]
    created_at: datetime


def add(connection: Connection, new: Sequence[Outgoing]) -> None:
    """Writes orders."""
    _NEW.tell(connection, new)


_NEW = Change(orders, *Outgoing._fields)
