"""How reports that were opened again had ended before.

Revision: 0031

Servers of the previous version list such a report as one that never ended. A downgrade forgets how
it had ended before; the entries about it stay on record, but a previous version cannot replay a
record that has them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None
expands = True
locks = ("reports",)

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Adds the table and the column."""
    op.create_table(
        "report_reopenings",
        sa.Column("report", NUMBER, autoincrement=False, nullable=False),
        sa.Column("n", NUMBER, autoincrement=False, nullable=False),
        sa.Column("reopened_at", MOMENT, nullable=False),
        sa.Column("reopened_by", WORD, nullable=False),
        sa.Column("why", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=False),
        sa.Column("settled_by", WORD, nullable=False),
        sa.Column("site_id", NUMBER),
        sa.Column("incident", sa.Integer()),
        sa.Column("reason", WORD),
        sa.PrimaryKeyConstraint("report", "n", name="pk_report_reopenings"),
    )
    op.add_column("reports", sa.Column("reopened_at", MOMENT))


def downgrade() -> None:
    """Takes them away."""
    op.drop_column("reports", "reopened_at")
    op.drop_table("report_reopenings")
