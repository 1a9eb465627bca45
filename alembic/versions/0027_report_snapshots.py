"""What was found at the addresses of reports, and the reports that wait for their turn.

Revision: 0027

Servers of the previous version look at no page. A downgrade forgets what was found; the entries
about it stay on record, but a previous version cannot replay a record that has them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
expands = True
locks = ("desk",)

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Adds the tables and the column."""
    op.create_table(
        "report_snapshots",
        sa.Column("report", NUMBER, autoincrement=False, nullable=False),
        sa.Column("n", NUMBER, autoincrement=False, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("problem", WORD),
        sa.Column("size", NUMBER),
        sa.Column("digest", WORD),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("words", WORD, nullable=False),
        sa.PrimaryKeyConstraint("report", "n", name="pk_report_snapshots"),
    )
    op.create_index("ix_report_snapshots_taken_at", "report_snapshots", ["taken_at"])
    op.create_index("ix_report_snapshots_digest", "report_snapshots", ["digest"])
    op.create_table(
        "waiting_snapshots",
        sa.Column("report", NUMBER, autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("report", name="pk_waiting_snapshots"),
    )
    op.create_index("ix_waiting_snapshots_next_at", "waiting_snapshots", ["next_at"])
    op.add_column("desk", sa.Column("looked", NUMBER))


def downgrade() -> None:
    """Takes them away."""
    op.drop_column("desk", "looked")
    op.drop_table("waiting_snapshots")
    op.drop_table("report_snapshots")
