"""Why a database is halted, which daemon cannot read its mark, when a loss was noticed, when every
site was compared since, and which ones could not be.

Revision: 0017

A database that was halted before tells no reason: the log of the daemon that halted it has it, and
a person goes on. The last loss was noticed when it was before: when the epoch began, unless only
another server has taken over. Before, a comparison that had come to its end was told from one that
had not by when it began: the same moment as the epoch, or a later one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns, which say nothing yet but when a loss was noticed, and that all sites were
    compared; and the table."""
    op.add_column("desk", sa.Column("halted_why", WORD))
    op.add_column("desk", sa.Column("noticed_at", MOMENT))
    op.execute(
        "UPDATE desk SET noticed_at ="
        " CASE WHEN moved_at IS NULL THEN COALESCE(lost_since, resumed_at) ELSE lost_since END"
    )
    op.add_column("desk", sa.Column("compared_at", MOMENT))
    op.execute(
        "UPDATE desk SET compared_at = COALESCE(unproved_since, resumed_at)"
        " WHERE unproved_since IS NULL OR unproved_since <> resumed_at"
    )
    op.create_table(
        "uncompared",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_uncompared"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_uncompared_site_id_sites"),
    )
    op.add_column("heartbeats", sa.Column("mark_unread", sa.Text()))
    op.add_column("heartbeats", sa.Column("mark_unread_since", MOMENT))


def downgrade() -> None:
    """Takes them away; what is halted stays so."""
    op.drop_column("heartbeats", "mark_unread_since")
    op.drop_column("heartbeats", "mark_unread")
    op.drop_table("uncompared")
    op.drop_column("desk", "compared_at")
    op.drop_column("desk", "noticed_at")
    op.drop_column("desk", "halted_why")
