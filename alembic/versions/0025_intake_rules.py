"""Intake rules: those that were ever in force, and which rule each report matched.

Revision: 0025

Servers of the previous version receive reports that match no rule. A downgrade deletes the rules;
the entries about them stay on record, but a previous version cannot replay a record that has them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
expands = True
locks = ("reports",)

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

_DUE = sa.text("rule IS NOT NULL AND asks IS NULL AND settled_at IS NULL")


def upgrade() -> None:
    """Adds the table and the columns."""
    op.create_table(
        "intake_rules",
        sa.Column("n", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("toml", sa.Text(), nullable=False),
        sa.Column("activated_at", MOMENT, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_intake_rules"),
    )
    for name in ("rule", "rules", "asks"):
        op.add_column("reports", sa.Column(name, WORD))
    op.create_index("ix_reports_due", "reports", ["id"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_reports_rule", "reports", ["rule", "settled_at"])


def downgrade() -> None:
    """Takes them away."""
    op.drop_index("ix_reports_rule", "reports")
    op.drop_index("ix_reports_due", "reports")
    for name in ("asks", "rules", "rule"):
        op.drop_column("reports", name)
    op.drop_table("intake_rules")
