"""Accounts: who may come in over the network, and how they prove who they are.

Revision: 0005

Nobody has an account at first: then all is as before, and who writes to the database is whoever can
reach it. A downgrade forgets the passwords; that there were accounts stays in the entries.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "accounts",
        sa.Column("handle", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT),
        sa.PrimaryKeyConstraint("handle", name="pk_accounts"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", WORD, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("acts", sa.Text),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        _of_account("tokens"),
    )
    op.create_index("uq_tokens_digest", "tokens", ["digest"], unique=True)
    op.create_table(
        "passwords",
        sa.Column("handle", WORD, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_passwords"),
        _of_account("passwords"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("proved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        _of_account("sessions"),
    )
    op.create_index("ix_sessions_handle", "sessions", ["handle"])
    op.create_table(
        "attempts",
        sa.Column("key", WORD, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )


def downgrade() -> None:
    """Takes them away."""
    for table in ("attempts", "sessions", "passwords", "tokens", "accounts"):
        op.drop_table(table)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["handle"], ["accounts.handle"], name=f"fk_{table}_handle_accounts"
    )
