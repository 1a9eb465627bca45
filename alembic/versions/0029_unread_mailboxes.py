"""Why a daemon cannot read the mailbox that reports come in by.

Revision: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
expands = True
locks = ("heartbeats",)


def upgrade() -> None:
    """Adds the reason to each daemon's heartbeat."""
    op.add_column("heartbeats", sa.Column("mailbox_unread", sa.Text))


def downgrade() -> None:
    """Takes it away."""
    op.drop_column("heartbeats", "mailbox_unread")
