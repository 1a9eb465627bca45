"""The epoch of the history, the server that it is on, and the file of what was signed last.

Revision: 0016

A downgrade forgets the epoch: orders then go into the world under lower numbers than before, and
receivers leave them alone. Go back by it only where no order has gone out since.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns: the history is in epoch 0, which has been its only one."""
    op.add_column("desk", sa.Column("epoch", NUMBER, nullable=False, server_default="0"))
    op.add_column("desk", sa.Column("lineage", WORD))
    op.add_column("desk", sa.Column("unproved_since", MOMENT))
    op.add_column("log_head", sa.Column("signed_beside", WORD))
    op.add_column("log_head", sa.Column("signing", WORD))
    op.add_column("log_head", sa.Column("signing_since", MOMENT))


def downgrade() -> None:
    """Takes them away, where no epoch has begun: receivers would take new orders for old ones."""
    if op.get_bind().execute(sa.text("SELECT epoch FROM desk")).scalar_one() > 0:
        raise RuntimeError("the history is in a later epoch: an older program would order in vain")
    for column in ("signing_since", "signing", "signed_beside"):
        op.drop_column("log_head", column)
    for column in ("unproved_since", "lineage", "epoch"):
        op.drop_column("desk", column)
