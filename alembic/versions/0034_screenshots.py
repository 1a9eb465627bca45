"""The screenshots of pages that reports name, and why there is none.

Revision: 0034

A previous version shows none. It cannot replay a record that has screenshots, and its erasure does
not find their files. A downgrade forgets them; the entries about them stay on record.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
expands = True
locks = ("report_snapshots",)

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns, and an index to find a file by."""
    op.add_column("report_snapshots", sa.Column("screenshot", WORD))
    op.add_column("report_snapshots", sa.Column("no_screenshot", WORD))
    op.create_index("ix_report_snapshots_screenshot", "report_snapshots", ["screenshot"])


def downgrade() -> None:
    """Takes them away."""
    op.drop_index("ix_report_snapshots_screenshot", "report_snapshots")
    op.drop_column("report_snapshots", "no_screenshot")
    op.drop_column("report_snapshots", "screenshot")
