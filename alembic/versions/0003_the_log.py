"""The log: leaf hashes with the entries, and the tables of the tree over them and its checkpoints.

Revision: 0003

Sealed values are told from now on whose they are and since when, so that they can be erased in
time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TABLES = ("stamps", "cosignatures", "checkpoints", "log_keys", "log_head", "tiles", "leaves")

_AT_ONCE = 1_000
_REFERENCE = re.compile(r"sha256:[0-9a-f]{64}")
_entries = sa.table("entries", *map(sa.column, ("id", "site_id", "recorded_at", "body")))
_sealed = sa.table("sealed", *map(sa.column, ("ref", "site_id", "sealed_at")))


def upgrade() -> None:
    """Adds the log, with no entry numbered yet."""
    _create_log()
    _hash_entries()
    _date_sealed()


def downgrade() -> None:
    """Takes the log away, with all that was signed."""
    for table in TABLES:
        op.drop_table(table)
    with op.batch_alter_table("entries", **_COUNTED) as entries:
        entries.drop_column("leaf_hash")
    op.drop_index("ix_sealed_site_id", "sealed")
    with op.batch_alter_table("sealed") as sealed:
        sealed.drop_column("site_id")
        sealed.drop_column("sealed_at")


# Made anew, SQLite's table still never gives the number of a deleted row again.
_COUNTED: dict[str, Any] = {"table_kwargs": {"sqlite_autoincrement": True}}


def _create_log() -> None:
    op.create_table(
        "leaves",
        sa.Column("leaf_index", NUMBER, nullable=False, autoincrement=False),
        sa.Column("entry_id", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_leaves"),
    )
    op.create_index("uq_leaves_entry_id", "leaves", ["entry_id"], unique=True)
    op.create_table(
        "tiles",
        sa.Column("level", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("n", NUMBER, nullable=False, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name="pk_tiles"),
    )
    head = op.create_table(
        "log_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.Column("floor", NUMBER, nullable=False),
        sa.Column("next_floor", NUMBER),
        sa.Column("horizon", NUMBER),
        sa.CheckConstraint("id = 1", name="ck_log_head_single"),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "frontier": b"", "floor": 0}])
    op.create_table(
        "log_keys",
        sa.Column("key", WORD, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_log_keys"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", NUMBER, nullable=False, autoincrement=True),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checkpoints"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cosignatures",
        sa.Column("checkpoint", NUMBER, nullable=False, autoincrement=False),
        sa.Column("witness", WORD, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint"], ["checkpoints.id"], name="fk_cosignatures_checkpoint_checkpoints"
        ),
        sa.PrimaryKeyConstraint("checkpoint", "witness", name="pk_cosignatures"),
    )
    op.create_table(
        "stamps",
        sa.Column("checkpoint", NUMBER, nullable=False, autoincrement=False),
        sa.Column("authority", sa.Text, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint"], ["checkpoints.id"], name="fk_stamps_checkpoint_checkpoints"
        ),
        sa.PrimaryKeyConstraint("checkpoint", name="pk_stamps"),
    )


def _hash_entries() -> None:
    """RFC 6962, section 2.1: of each body, with a zero byte before it."""
    op.add_column("entries", sa.Column("leaf_hash", sa.LargeBinary))
    connection = op.get_bind()
    hashed = "sha256(decode('00', 'hex') || convert_to(body, 'UTF8'))"
    if connection.dialect.name == "sqlite":
        own: Any = connection.connection.dbapi_connection
        own.create_function("incidents_leaf_hash", 1, _leaf_hash, deterministic=True)
        hashed = "incidents_leaf_hash(body)"
    connection.execute(sa.text(f"UPDATE entries SET leaf_hash = {hashed}"))  # noqa: S608 - of above
    with op.batch_alter_table("entries", **_COUNTED) as entries:
        entries.alter_column("leaf_hash", nullable=False)


def _leaf_hash(body: str) -> bytes:
    return hashlib.sha256(b"\0" + body.encode()).digest()


def _date_sealed() -> None:
    """From the entry that refers to a value; what none refers to is taken for the newest."""
    op.add_column("sealed", sa.Column("site_id", NUMBER))
    op.add_column("sealed", sa.Column("sealed_at", MOMENT))
    connection = op.get_bind()
    dated = (
        sa.update(_sealed)
        .where(_sealed.c.ref == sa.bindparam("of_ref"))
        .values(site_id=sa.bindparam("of_site"), sealed_at=sa.bindparam("of_time"))
    )
    for found in _references(connection):
        connection.execute(dated, found)
    newest = sa.select(sa.func.max(_entries.c.recorded_at)).scalar_subquery()
    undated = sa.update(_sealed).where(_sealed.c.sealed_at.is_(None))
    connection.execute(undated.values(site_id=0, sealed_at=newest))
    with op.batch_alter_table("sealed") as sealed:
        sealed.alter_column("site_id", nullable=False)
        sealed.alter_column("sealed_at", nullable=False)
    op.create_index("ix_sealed_site_id", "sealed", ["site_id", "sealed_at"])


def _references(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """What the entries refer to, the latest entry first, some entries at a time."""
    before = None
    while True:
        some = sa.select(_entries).order_by(_entries.c.id.desc()).limit(_AT_ONCE)
        if before is not None:
            some = some.where(_entries.c.id < before)
        rows = connection.execute(some).all()
        if not rows:
            return
        before = rows[-1].id
        found = [
            {"of_ref": ref, "of_site": row.site_id, "of_time": row.recorded_at}
            for row in rows
            for ref in _REFERENCE.findall(row.body)
        ]
        if found:
            yield found
