"""Why a database is halted, and which daemon cannot read its mark.

Revision: 0017

A database that was halted before tells no reason: the log of the daemon that halted it has it, and
a person goes on.
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
    """Adds the columns, which say nothing yet."""
    op.add_column("desk", sa.Column("halted_why", WORD))
    op.add_column("heartbeats", sa.Column("mark_unread", sa.Text()))
    op.add_column("heartbeats", sa.Column("mark_unread_since", MOMENT))


def downgrade() -> None:
    """Takes them away; what is halted stays so."""
    op.drop_column("heartbeats", "mark_unread_since")
    op.drop_column("heartbeats", "mark_unread")
    op.drop_column("desk", "halted_why")
