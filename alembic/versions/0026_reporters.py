"""The standing of reporters, the order in which reports wait, and the mails to who reported.

Revision: 0026

Servers of the previous version know no standing, put every report in the middle of the order, and
send reporters no mail. A downgrade forgets which mails were sent; the entries about them stay on
record, but a previous version cannot replay a record that has them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
expands = True
locks = ("desk", "reports")

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ANSWERS = sa.text("answers IS NOT NULL")
WAITS = sa.text("state IN ('new', 'unreadable')")


def upgrade() -> None:
    """Adds the table, the column and its index."""
    op.create_table(
        "reporters",
        sa.Column("reporter", WORD, nullable=False),
        sa.Column("standing", WORD, nullable=False),
        sa.Column("marked_at", MOMENT, nullable=False),
        sa.Column("marked_by", WORD, nullable=False),
        sa.Column("words", WORD, nullable=False),
        sa.PrimaryKeyConstraint("reporter", name="pk_reporters"),
    )
    op.add_column("reports", sa.Column("rank", NUMBER, nullable=False, server_default="2"))
    op.add_column("reports", sa.Column("answers", NUMBER))
    op.add_column("desk", sa.Column("answered", NUMBER))
    op.create_table(
        "answers",
        sa.Column("report", NUMBER, autoincrement=False, nullable=False),
        sa.Column("letter", WORD, nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.Column("problem", WORD),
        sa.Column("mail", NUMBER, nullable=False),
        sa.Column("reporter", WORD),
        sa.PrimaryKeyConstraint("report", "letter", name="pk_answers"),
    )
    op.create_index("ix_answers_reporter", "answers", ["reporter", "letter", "told_at"])
    op.create_index("ix_answers_told_at", "answers", ["told_at"])
    op.create_table(
        "waiting_answers",
        sa.Column("reporter", WORD, nullable=False),
        sa.Column("letter", WORD, nullable=False),
        sa.Column("report", NUMBER, autoincrement=False, nullable=False),
        sa.Column("others", sa.Text(), nullable=False),
        sa.Column("more", NUMBER, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("site_id", NUMBER),
        sa.Column("incident", sa.Integer()),
        sa.PrimaryKeyConstraint("reporter", "letter", "report", name="pk_waiting_answers"),
    )
    op.create_index("ix_waiting_answers_next_at", "waiting_answers", ["next_at"])
    op.create_index(
        "ix_reports_answers", "reports", ["answers"], sqlite_where=ANSWERS, postgresql_where=ANSWERS
    )
    op.create_index(
        "ix_reports_waiting", "reports", ["rank", "id"], sqlite_where=WAITS, postgresql_where=WAITS
    )


def downgrade() -> None:
    """Takes them away."""
    op.drop_index("ix_reports_waiting", "reports")
    op.drop_index("ix_reports_answers", "reports")
    op.drop_table("waiting_answers")
    op.drop_table("answers")
    op.drop_column("desk", "answered")
    op.drop_column("reports", "answers")
    op.drop_column("reports", "rank")
    op.drop_table("reporters")
