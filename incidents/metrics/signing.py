"""The log's metrics: how far it is numbered and signed, and how long the rest has waited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, select

from incidents.metrics.limit import MOST, first
from incidents.metrics.samples import Samples
from incidents.store import checkpoints, log_keys
from incidents.store import leaves as log
from incidents.store.log_tables import leaves
from incidents.store.tables import entries


def look(connection: Connection, now: datetime, into: Samples) -> None:
    """Five queries.

    Raises:
        NoHeadError: if the log has lost its head.
    """
    head, last = log.head(connection), checkpoints.last(connection)
    signed = 0 if last is None else last.size
    unnumbered = connection.execute(_UNNUMBERED, {"floor": head.floor}).one()
    unsigned_since = connection.scalar(_RECORDED_AT, {"leaf": signed})
    pending = [since for since in (unnumbered.since, unsigned_since) if since is not None]
    into.put("incidents_entries_total", head.size)
    into.put("incidents_log_has_key", float(log_keys.active(connection) is not None))
    into.put_count("incidents_log_unnumbered_entries", unnumbered.entries)
    into.put_age("incidents_log_unnumbered_age_seconds", now, unnumbered.since)
    into.put("incidents_log_unsigned_entries", max(0, head.size - signed))
    into.put_age("incidents_log_pending_age_seconds", now, min(pending, default=None))
    signed_at = None if last is None else last.signed_at
    into.put_age("incidents_log_checkpoint_age_seconds", now, signed_at)


_floor: ColumnElement[Any] = bindparam("floor", type_=entries.c.id.type)
_leaf: ColumnElement[Any] = bindparam("leaf", type_=leaves.c.leaf_index.type)
# From the newest down: what has no number yet is nearly always among the last.
_newest = (
    select(entries.c.id, entries.c.recorded_at)
    .where(entries.c.id > _floor)
    .order_by(entries.c.id.desc())
    .limit(first(MOST))
    .subquery("newest")
)
_UNNUMBERED = select(
    func.count().label("entries"), func.min(_newest.c.recorded_at).label("since")
).where(~exists().where(leaves.c.entry_id == _newest.c.id))
_RECORDED_AT = (
    select(entries.c.recorded_at)
    .join(leaves, leaves.c.entry_id == entries.c.id)
    .where(leaves.c.leaf_index == _leaf)
)
