"""The overview: what was recorded lately, and what was closed, found by when it was.

Revision: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CLOSED = sa.text("kind = 'close'")


def upgrade() -> None:
    """Adds the indexes."""
    op.create_index("ix_incidents_recorded_at", "incidents", ["recorded_at"])
    op.create_index(
        "ix_orders_closed", "orders", ["created_at"],
        sqlite_where=_CLOSED, postgresql_where=_CLOSED,
    )  # fmt: skip


def downgrade() -> None:
    """Takes them away."""
    op.drop_index("ix_orders_closed", "orders")
    op.drop_index("ix_incidents_recorded_at", "incidents")
