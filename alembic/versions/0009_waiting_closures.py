"""Waiting closures: an index of those that wait for a second person, for the alarms.

Revision: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TO_BE_CONFIRMED = sa.text("kind = 'closure'")


def upgrade() -> None:
    """Adds the index, and the incident to what the first program of 0007 left without it."""
    op.execute(
        "UPDATE work SET incident = (SELECT closing_incident FROM sites"
        " WHERE sites.id = work.site_id) WHERE kind = 'closure'"
    )
    op.create_index(
        "ix_work_closure", "work", ["recorded_at", "site_id"],
        sqlite_where=_TO_BE_CONFIRMED, postgresql_where=_TO_BE_CONFIRMED,
    )  # fmt: skip


def downgrade() -> None:
    """Takes it away."""
    op.drop_index("ix_work_closure", "work")
