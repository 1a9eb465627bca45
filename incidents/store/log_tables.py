"""The tables of the log: the entries' numbers, the tree over them, and what was signed of it.

None of them is written in a transaction of the desk. All can be made anew from the entries but for
the order of the numbers, which the checkpoints vouch for.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from incidents.store.metadata import metadata
from incidents.store.types import Number, UTCDateTime, Word

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
    # The last of each level grows, up to 256 hashes; a full one is never written again.
    Column("hashes", LargeBinary, nullable=False),
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    # No entry whose id is at or below it is without a number, or will ever be.
    Column("floor", Number, nullable=False),
    # The floor will be there when all transactions before that one have ended.
    Column("next_floor", Number),
    Column("horizon", Number),
    # The id of the place that has what was signed last, too (see `audit.signers_lock`).
    Column("signed_beside", Word),
    # How it is signed (see `store.checkpoints.Signs`).
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
    # Its entry's number in the desk's own stream; the key of the last one signs.
    Column("seq", Number, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
)
