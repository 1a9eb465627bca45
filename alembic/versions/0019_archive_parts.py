"""The archive parts: files with old entries, orders and tiles, which the tables no longer hold.

Revision: 0019

Older programs go on beside it until the first part is made. Then they would read a shorter history,
so `incidents audit archive` names this revision as the oldest one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
expands = True
locks = ()

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "archive_parts",
        sa.Column("first_leaf", NUMBER, nullable=False, autoincrement=False),
        sa.Column("end_leaf", NUMBER, nullable=False),
        sa.Column("last_id", NUMBER, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("file", WORD, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("first_leaf", name="pk_archive_parts"),
    )


def downgrade() -> None:
    """Takes it away.

    Raises:
        CommandError: if entries are only in parts.
    """
    made = op.get_bind().scalar(sa.text("SELECT count(*) FROM archive_parts"))
    if made:
        raise CommandError(
            f"{made} archive parts hold entries that the database no longer has: restore a backup"
            " from before the first part was made"
        )
    op.drop_table("archive_parts")
