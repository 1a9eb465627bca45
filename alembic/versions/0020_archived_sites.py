"""The sites of each archive part, so that a site's entries are looked for in its own parts alone.

Revision: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
expands = True
locks = ("archive_parts",)

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the column, which is null in parts that are there, and the table."""
    op.add_column("archive_parts", sa.Column("sites", NUMBER))
    op.create_table(
        "archived_sites",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("first_leaf", NUMBER, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("site_id", "first_leaf", name="pk_archived_sites"),
    )


def downgrade() -> None:
    """Takes them away: any part may have entries of any site."""
    op.drop_table("archived_sites")
    op.drop_column("archive_parts", "sites")
