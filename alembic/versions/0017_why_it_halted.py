"""Why a database is halted, which daemon cannot read its mark, and when a loss was noticed.

Revision: 0017

A database that was halted before tells no reason: the log of the daemon that halted it has it, and
a person goes on. The last loss was noticed when it was before: when the epoch began, unless only
another server has taken over.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns, which say nothing yet but when a loss was noticed."""
    op.add_column("desk", sa.Column("halted_why", WORD))
    op.add_column("desk", sa.Column("noticed_at", MOMENT))
    op.execute(
        "UPDATE desk SET noticed_at ="
        " CASE WHEN moved_at IS NULL THEN COALESCE(lost_since, resumed_at) ELSE lost_since END"
    )
    op.add_column("heartbeats", sa.Column("mark_unread", sa.Text()))
    op.add_column("heartbeats", sa.Column("mark_unread_since", MOMENT))


def downgrade() -> None:
    """Takes them away; what is halted stays so."""
    op.drop_column("heartbeats", "mark_unread_since")
    op.drop_column("heartbeats", "mark_unread")
    op.drop_column("desk", "noticed_at")
    op.drop_column("desk", "halted_why")
