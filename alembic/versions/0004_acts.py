"""Acts: which orders are not carried out yet, what is in force, what the police were told.

Revision: 0004

The orders of before wait too: a site that is down by what was decided is taken down once somebody
carries orders out, and one that was down and is open again is left alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LANES = {
    "suspend": ("act", "notice"),
    "reopen": ("act", "notice"),
    "close": ("act", "notice"),
    "notify": ("notice",),
    "call": ("desk",),
    "alarm": ("desk",),
}
_UNREPORTED = sa.text("reported_at IS NULL AND state != 'voided' AND epoch > 0")


def upgrade() -> None:
    """Adds the tables and columns; what was ordered so far waits."""
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("in_force", WORD, nullable=False, server_default="active"))
        sites.add_column(sa.Column("last_act", NUMBER, nullable=False, server_default="0"))
    with op.batch_alter_table("sites") as sites:
        sites.alter_column("in_force", server_default=None)
        sites.alter_column("last_act", server_default=None)
    op.add_column("incidents", sa.Column("reported_at", MOMENT))
    op.add_column("incidents", sa.Column("removal_said_at", MOMENT))
    op.create_index(
        "ix_incidents_unreported", "incidents", ["recorded_at", "site_id", "n"],
        sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED,
    )  # fmt: skip
    _create_deliveries()
    op.create_table(
        "alarms",
        sa.Column("key", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("key", name="pk_alarms"),
    )


def downgrade() -> None:
    """Takes them away; what became of orders stays in the entries."""
    op.drop_table("alarms")
    op.drop_table("deliveries")
    op.drop_index("ix_incidents_unreported", "incidents")
    with op.batch_alter_table("incidents") as incidents:
        incidents.drop_column("removal_said_at")
        incidents.drop_column("reported_at")
    with op.batch_alter_table("sites") as sites:
        sites.drop_column("last_act")
        sites.drop_column("in_force")


def _create_deliveries() -> None:
    deliveries = op.create_table(
        "deliveries",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("lane", WORD, nullable=False),
        sa.Column("site_seq", NUMBER, nullable=False, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("dead", sa.Boolean, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("held_by", WORD),
        sa.Column("tried_at", MOMENT),
        sa.Column("adapter", WORD),
        sa.Column("problem", WORD),
        sa.Column("detail", sa.Text),
        sa.PrimaryKeyConstraint("site_id", "lane", "site_seq", "n", name="pk_deliveries"),
    )
    for name, is_dead, columns in (
        ("ix_deliveries_waiting", False, ["lane", "next_at", "site_id", "site_seq"]),
        ("ix_deliveries_dead", True, ["since", "site_id"]),
    ):
        op.create_index(
            name, "deliveries", columns,
            sqlite_where=deliveries.c.dead.is_(is_dead),
            postgresql_where=deliveries.c.dead.is_(is_dead),
        )  # fmt: skip
    orders = sa.table("orders", *map(sa.column, ("site_id", "site_seq", "n", "kind", "created_at")))
    of = orders.c
    for kind, lanes in LANES.items():
        for lane in lanes:
            waiting = sa.select(
                of.site_id, sa.literal(lane), of.site_seq, of.n, of.kind, sa.false(),
                of.created_at, sa.literal(0), of.created_at,
            ).where(of.kind == kind)  # fmt: skip
            op.execute(
                sa.insert(deliveries).from_select(
                    ["site_id", "lane", "site_seq", "n", "kind", "dead", "since", "attempts",
                     "next_at"],
                    waiting,
                )
            )  # fmt: skip
