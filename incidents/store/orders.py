"""Writes the orders of a decision to the outbox; whoever carries them out reads them from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from incidents.store.given import execute
from incidents.store.tables import orders


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One order; (site_id, site_seq, n) is its idempotency key. `created_at` is in UTC."""

    site_id: int
    site_seq: int
    n: int
    kind: str
    data: dict[str, Any]
    created_at: datetime


def add(connection: Connection, new: Sequence[Outgoing]) -> None:
    """Writes orders."""
    execute(
        connection,
        _NEW,
        [
            {
                "site_id": order.site_id, "site_seq": order.site_seq, "n": order.n,
                "kind": order.kind, "data": order.data, "created_at": order.created_at,
            }
            for order in new
        ],
    )  # fmt: skip


_NEW = insert(orders)
