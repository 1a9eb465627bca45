"""Reports from outside, how each report ended, and the address book that says whose they are.

Revision: 0024

Servers of the previous version know no reports. A downgrade deletes the tables; the entries about
reports stay on record, but a previous version cannot replay a record that has them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
expands = True
locks = ()

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "reports",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("kept", WORD),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("format", WORD, nullable=False),
        sa.Column("unread", WORD),
        sa.Column("reading", WORD, nullable=False),
        sa.Column("same_id_as", NUMBER),
        sa.Column("state", WORD, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_by", WORD),
        sa.Column("site_id", NUMBER),
        sa.Column("incident", sa.Integer()),
        sa.Column("reason", WORD),
        sa.Column("reporter", WORD),
        sa.Column("category", sa.Text()),
        sa.Column("seen_at", MOMENT),
        sa.Column("message_id", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    op.create_index("uq_reports_digest", "reports", ["digest"], unique=True)
    op.create_index("ix_reports_state", "reports", ["state", "id"])
    op.create_index("ix_reports_reporter", "reports", ["reporter", "state"])
    op.create_index("ix_reports_message_id", "reports", ["message_id"])
    op.create_index("ix_reports_incident", "reports", ["site_id", "incident"])
    op.create_table(
        "report_hosts",
        sa.Column("report_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("host", WORD, nullable=False),
        sa.PrimaryKeyConstraint("report_id", "host", name="pk_report_hosts"),
    )
    op.create_index("ix_report_hosts_host", "report_hosts", ["host", "report_id"])
    op.create_table(
        "holdings",
        sa.Column("kind", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.Column("customer", WORD, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.PrimaryKeyConstraint("kind", "value", "customer", "since", name="pk_holdings"),
    )
    op.create_index("ix_holdings_customer", "holdings", ["customer", "kind"])


def downgrade() -> None:
    """Takes them away."""
    op.drop_table("holdings")
    op.drop_table("report_hosts")
    op.drop_table("reports")
