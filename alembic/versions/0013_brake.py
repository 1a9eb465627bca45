"""The brake: an index of when sites were ordered down.

Revision: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_DOWN = sa.text("kind IN ('suspend', 'close')")


def upgrade() -> None:
    """Adds the index."""
    op.create_index(
        "ix_orders_down", "orders", ["created_at", "site_id", "site_seq"],
        sqlite_where=_DOWN, postgresql_where=_DOWN,
    )  # fmt: skip


def downgrade() -> None:
    """Takes it away."""
    op.drop_index("ix_orders_down", "orders")
