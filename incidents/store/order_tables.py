"""The tables of what goes out: the orders, those that are not carried out yet, the desk's alarms.

A row of `orders` is never updated. One of `deliveries` is there for as long as an order is not
settled in a lane; of what became of it the entries tell.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text, and_

from incidents.machine.in_force import BRAKED, DOWN
from incidents.store.metadata import metadata, partial_index, words
from incidents.store.types import JSONText, Number, UTCDateTime, Word

orders = Table(
    "orders",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("site_seq", Number, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", Word, nullable=False),
    Column("data", JSONText, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)
closing = orders.c.kind == words("close")[0]
partial_index("ix_orders_closed", closing, orders.c.created_at)
down = orders.c.kind.in_(words(*DOWN))
partial_index("ix_orders_down", down, orders.c.created_at, orders.c.site_id, orders.c.site_seq)

deliveries = Table(
    "deliveries",
    metadata,
    # No foreign key: a row is written beside its order's, which has one.
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("lane", Word, primary_key=True),
    Column("site_seq", Number, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", Word, nullable=False),
    Column("dead", Boolean, nullable=False),
    Column("since", UTCDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Not tried before that; while somebody has it in hand, the end of the lease.
    Column("next_at", UTCDateTime, nullable=False),
    Column("held_by", Word),
    Column("tried_at", UTCDateTime),
    Column("adapter", Word),
    Column("problem", Word),
    Column("detail", Text),
)
waiting = deliveries.c.dead.is_(False)
partial_index(
    "ix_deliveries_waiting", waiting,
    deliveries.c.lane, deliveries.c.next_at, deliveries.c.site_id, deliveries.c.site_seq,
)  # fmt: skip
dead = deliveries.c.dead.is_(True)
braked = and_(dead, deliveries.c.problem == words(BRAKED)[0])
given_up = and_(dead, deliveries.c.problem.is_distinct_from(words(BRAKED)[0]))
partial_index("ix_deliveries_dead", dead, deliveries.c.since, deliveries.c.site_id)

alarms = Table(
    "alarms",
    metadata,
    Column("key", Word, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("subject", Word, nullable=False),
    Column("raised_at", UTCDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UTCDateTime, nullable=False),
    Column("told_at", UTCDateTime),
)
