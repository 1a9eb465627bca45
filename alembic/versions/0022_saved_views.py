"""Saved views of the console's lists.

Revision: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
expands = True

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "saved_views",
        sa.Column("id", WORD, nullable=False),
        sa.Column("page", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("query", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
    )
    op.create_index("ix_saved_views_page_owner", "saved_views", ["page", "owner"])


def downgrade() -> None:
    """Takes them away: the views are lost."""
    op.drop_table("saved_views")
