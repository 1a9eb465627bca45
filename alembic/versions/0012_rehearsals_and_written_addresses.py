"""Rehearsals, in which any clock is taken, and what was written of an address.

Revision: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table, empty: what is there by now is no rehearsal."""
    op.create_table(
        "rehearsal",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("id", name="pk_rehearsal"),
        sa.CheckConstraint("id = 1", name="ck_rehearsal_single"),
    )


def downgrade() -> None:
    """Takes it away: what was a rehearsal is none any more, before and after the next upgrade."""
    op.drop_table("rehearsal")
