"""The incidents to which a report about several customers leads.

Revision: 0033

Servers of the previous version show a report that has led to an incident, and waits for further
sites, as one that has led to none. A downgrade forgets the incidents of such reports; the entries
about them stay on record, but a previous version cannot replay a record that has them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None
expands = True
locks = ()

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "report_incidents",
        sa.Column("report", NUMBER, autoincrement=False, nullable=False),
        sa.Column("n", NUMBER, autoincrement=False, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("site_id", NUMBER, nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("report", "n", name="pk_report_incidents"),
    )
    op.create_index("ix_report_incidents_incident", "report_incidents", ["site_id", "incident"])


def downgrade() -> None:
    """Takes it away."""
    op.drop_table("report_incidents")
