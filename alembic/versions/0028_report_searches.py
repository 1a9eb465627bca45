"""Indexes by which reports are listed and searched, however many there are.

Revision: 0028

A report waits if it was never settled; its state says the same, but by the state SQLite chose the
index on states, and sorted all reports that wait.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
expands = True
locks = ("evidence", "report_snapshots", "reports")

WAITS = sa.text("settled_at IS NULL")
STATE_WAITS = sa.text("state IN ('new', 'unreadable')")
BY_RULE = sa.text("rule IS NOT NULL")
SEARCHED = ("category", "channel", "format")
KEPT = sa.text("kept IS NOT NULL")


def upgrade() -> None:
    """Adds the indexes, and makes two of them anew."""
    op.drop_index("ix_reports_waiting", "reports")
    op.drop_index("ix_reports_rule", "reports")
    _partial("ix_reports_waiting", ["rank", "id"], WAITS)
    _partial("ix_reports_waiting_category", ["category", "rank", "id"], WAITS)
    _partial("ix_reports_rule", ["rule", "settled_at"], BY_RULE)
    _partial("ix_reports_kept", ["kept"], KEPT)
    for name in SEARCHED:
        op.create_index(f"ix_reports_{name}", "reports", [name, "state", "id"])
    op.create_index("ix_reports_reading", "reports", ["reading"])
    op.create_index("ix_report_snapshots_words", "report_snapshots", ["words"])
    op.create_index("ix_evidence_digest", "evidence", ["digest"])


def downgrade() -> None:
    """Takes them away, and makes the two again as they were."""
    op.drop_index("ix_evidence_digest", "evidence")
    op.drop_index("ix_report_snapshots_words", "report_snapshots")
    for name in (*SEARCHED, "reading", "kept", "rule", "waiting_category", "waiting"):
        op.drop_index(f"ix_reports_{name}", "reports")
    op.create_index("ix_reports_rule", "reports", ["rule", "settled_at"])
    _partial("ix_reports_waiting", ["rank", "id"], STATE_WAITS)


def _partial(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "reports", columns, sqlite_where=where, postgresql_where=where)
