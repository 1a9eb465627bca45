"""Who comes in: sessions by their ids, sign-ins, refusals counted, and who has set a password.

Revision: 0011

Sessions are short: those that run end, up and down, and their people sign in again. A downgrade
forgets the sign-ins and the counts, which are no part of the record.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_SUCCEEDED = sa.text("result = 'ok'")


def upgrade() -> None:
    """Adds the tables, and the incident to what a database of before 0009 may still lack."""
    _make_sessions(
        sa.Column("id", WORD, nullable=False),
        sa.Column("how", WORD, nullable=False),
        sa.Column("place", WORD),
    )
    op.create_index("uq_sessions_id", "sessions", ["id"], unique=True)
    op.add_column("passwords", sa.Column("given_by", WORD))
    op.add_column("passwords", sa.Column("counts_from", MOMENT))
    op.create_table(
        "sign_ins",
        sa.Column("id", NUMBER, nullable=False, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("what", WORD, nullable=False),
        sa.Column("result", WORD, nullable=False),
        sa.Column("how", WORD, nullable=False),
        sa.Column("handle", WORD),
        sa.Column("by", WORD),
        sa.Column("place", WORD),
        sa.Column("session", WORD),
        sa.Column("erased", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ins"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_ins_at", "sign_ins", ["at", "id"])
    op.create_index("ix_sign_ins_handle", "sign_ins", ["handle", "at"])
    op.create_index(
        "ix_sign_ins_succeeded", "sign_ins", ["handle", "place"],
        sqlite_where=_SUCCEEDED, postgresql_where=_SUCCEEDED,
    )  # fmt: skip
    op.create_table(
        "refusals",
        sa.Column("day", WORD, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("login", WORD, nullable=False),
        sa.Column("act", WORD, nullable=False),
        sa.Column("why", WORD, nullable=False),
        sa.Column("about", WORD),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("erased", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("day", "handle", "login", "act", "why", name="pk_refusals"),
    )
    op.create_index("ix_refusals_last_at", "refusals", ["last_at"])
    # What 0009 did, once more: a database that was there already may not have been through it.
    op.execute(
        "UPDATE work SET incident = (SELECT closing_incident FROM sites"
        " WHERE sites.id = work.site_id) WHERE kind = 'closure' AND incident IS NULL"
    )


def downgrade() -> None:
    """Takes them away."""
    op.drop_table("refusals")
    op.drop_table("sign_ins")
    op.drop_column("passwords", "counts_from")
    op.drop_column("passwords", "given_by")
    _make_sessions()


def _make_sessions(*more: sa.Column[str]) -> None:
    op.drop_table("sessions")
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *more[:1],
        sa.Column("handle", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("proved_at", MOMENT, nullable=False),
        *more[1:],
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["handle"], ["accounts.handle"], name="fk_sessions_handle_accounts"
        ),
    )
    op.create_index("ix_sessions_handle", "sessions", ["handle"])
