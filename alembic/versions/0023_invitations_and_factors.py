"""Invitations of people, and the second factors by which they sign in.

Revision: 0023

Servers of the previous version ignore both: they sign people in without the second factor until
they are upgraded. A downgrade deletes both: invited people need a new invitation, and a password
alone signs in. The entries about them stay on record.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
expands = True
locks = ("accounts",)

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "invitations",
        sa.Column("id", WORD, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.Column("seal", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.ForeignKeyConstraint(
            ["handle"], ["accounts.handle"], name="fk_invitations_handle_accounts"
        ),
    )
    op.create_index("uq_invitations_digest", "invitations", ["digest"], unique=True)
    op.create_index("ix_invitations_handle", "invitations", ["handle"])
    op.create_table(
        "factors",
        sa.Column("id", WORD, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("credential", WORD),
        sa.Column("counter", NUMBER, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("removed_at", MOMENT),
        sa.Column("seal", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_factors"),
        sa.ForeignKeyConstraint(["handle"], ["accounts.handle"], name="fk_factors_handle_accounts"),
    )
    op.create_index("ix_factors_handle", "factors", ["handle"])


def downgrade() -> None:
    """Takes them away."""
    op.drop_table("factors")
    op.drop_table("invitations")
