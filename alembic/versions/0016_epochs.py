"""The epoch of the history, the server that it is on, and the file of what was signed last.

Revision: 0016

Each database is given an identity of its own, that copies of it keep. A database that was put back
from before this revision gets another one: what is known outside of the one before is nobody's.

A downgrade forgets the epoch: orders would then go into the world under lower numbers than before,
and receivers would leave them alone. So there is none from an epoch that has begun.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SINCE = ("resumed_at", "lost_since", "moved_at", "unproved_since", "halted_since")


def upgrade() -> None:
    """Adds the columns: the history is in epoch 0, which has been its only one."""
    op.add_column("desk", sa.Column("epoch", NUMBER, nullable=False, server_default="0"))
    op.add_column("desk", sa.Column("identity", WORD, nullable=False, server_default=""))
    op.add_column("desk", sa.Column("lineage", WORD))
    for name in SINCE:
        op.add_column("desk", sa.Column(name, MOMENT))
    op.add_column("log_head", sa.Column("signed_beside", WORD))
    op.add_column("log_head", sa.Column("signing", WORD))
    op.add_column("log_head", sa.Column("signing_since", MOMENT))
    desk = sa.table("desk", sa.column("identity", WORD))
    op.execute(desk.update().values(identity=secrets.token_hex(8)))


def downgrade() -> None:
    """Takes them away.

    Raises:
        CommandError: if an epoch has begun.
    """
    epoch = op.get_bind().execute(sa.text("SELECT epoch FROM desk")).scalar_one()
    if epoch > 0:
        raise CommandError(
            f"the history is in epoch {epoch}: receivers would take what an older program orders"
            " for old; go back to a backup that it has made"
        )
    for name in ("signing_since", "signing", "signed_beside"):
        op.drop_column("log_head", name)
    for name in (*reversed(SINCE), "lineage", "identity", "epoch"):
        op.drop_column("desk", name)
