"""The tables of the log and of data derived from it: tree, checkpoints, orders, alarms.

No transaction of the desk writes them. All can be recalculated from the entries, except the order
of the numbers, which the checkpoints sign.

A row of `orders` is never updated. A row of `deliveries` exists while an order is not settled in a
lane; the entries record the outcome.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    cast,
    literal_column,
)

from incidents.machine.command import BRAKED, DOWN
from incidents.store.schema.types import (
    JSONText,
    Number,
    UTCDateTime,
    Word,
    metadata,
    partial_index,
    words,
)

leaves = Table(
    "leaves",
    metadata,
    Column("leaf_index", Number, primary_key=True, autoincrement=False),
    # No foreign key: on PostgreSQL each would lock its entry, and so write to it.
    Column("entry_id", Number, nullable=False),
)
Index("uq_leaves_entry_id", leaves.c.entry_id, unique=True)

tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("n", Number, primary_key=True, autoincrement=False),
    # The last tile of each level grows, up to 256 hashes; a full one is never written again.
    Column("hashes", LargeBinary, nullable=False),
)

# The files with the entries, orders and tiles that these tables no longer hold (`store.archive`).
archive_parts = Table(
    "archive_parts",
    metadata,
    # Its leaves are from this one up to, but not including, the other.
    Column("first_leaf", Number, primary_key=True, autoincrement=False),
    Column("end_leaf", Number, nullable=False),
    # The highest id of its entries; every entry with an id up to it is in this part or before it.
    Column("last_id", Number, nullable=False),
    # When its first and its last entry were recorded.
    Column("since", UTCDateTime, nullable=False),
    Column("until", UTCDateTime, nullable=False),
    # The file's name in the archive's folder, its bytes, and their SHA-256 in hexadecimal.
    Column("file", Word, nullable=False),
    Column("size", Number, nullable=False),
    Column("digest", Word, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    # How many sites have entries in it; null if `archived_sites` does not know them.
    Column("sites", Number),
)
archived_sites = Table(
    "archived_sites",
    metadata,
    Column("site_id", Number, primary_key=True, autoincrement=False),
    # That of the part which has entries of the site.
    Column("first_leaf", Number, primary_key=True, autoincrement=False),
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    # Every entry with an id up to it has a number, and none will be added there.
    Column("floor", Number, nullable=False),
    # The next floor, once all transactions before `horizon` have ended.
    Column("next_floor", Number),
    Column("horizon", Number),
    # The id of the place that also has the last signed note (see `audit.log.signers_lock`).
    Column("signed_beside", Word),
    # How it is signed (see `store.checkpoints.SigningState`).
    Column("signing", Word),
    Column("signing_since", UTCDateTime),
    CheckConstraint("id = 1", name="single"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("size", Number, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("key", Word, nullable=False),
    Column("signed_at", UTCDateTime, nullable=False),
    sqlite_autoincrement=True,
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column(
        "checkpoint", Number, ForeignKey("checkpoints.id"), primary_key=True, autoincrement=False
    ),
    Column("witness", Word, primary_key=True),
    Column("line", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
)

stamps = Table(
    "stamps",
    metadata,
    Column(
        "checkpoint", Number, ForeignKey("checkpoints.id"), primary_key=True, autoincrement=False
    ),
    Column("authority", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("at", UTCDateTime, nullable=False),
)

log_keys = Table(
    "log_keys",
    metadata,
    Column("key", Word, primary_key=True),
    # Its entry's number in the desk's own stream; the last key signs.
    Column("seq", Number, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
)


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
    # Not tried before this time; while it is claimed, the end of the lease.
    Column("next_at", UTCDateTime, nullable=False),
    Column("held_by", Word),
    Column("tried_at", UTCDateTime),
    Column("adapter", Word),
    Column("problem", Word),
    Column("detail", Text),
)
waiting = deliveries.c.dead.is_(False)


def is_alive(of: FromClause = deliveries) -> ColumnElement[bool]:
    """Whether an order has not failed permanently, for looking one up by its site.

    In another form than that of the partial index: there the databases would go through the whole
    lane of the order.
    """
    return cast(of.c.dead, Integer) == literal_column("0")


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
