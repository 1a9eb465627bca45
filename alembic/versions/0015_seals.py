"""The seals of sessions, tokens and passwords, and the keys that they are made with.

Revision: 0015

Nothing is sealed before the next start of `serve`, which ends all sessions. A downgrade forgets the
keys and the seals: whatever stands in the tables lets somebody in again.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_SEALED = ("tokens", "passwords", "sessions")


def upgrade() -> None:
    """Adds the table and the columns, empty."""
    op.create_table(
        "serve_keys",
        sa.Column("number", NUMBER, nullable=False, autoincrement=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_serve_keys"),
    )
    for table in _SEALED:
        op.add_column(table, sa.Column("seal", WORD))
    _take_up()


def _take_up() -> None:
    """The keys that the record tells of, of before a downgrade: what they sealed is to be sealed
    anew (`incidents db rekey`)."""
    of = sa.table("entries", *map(sa.column, ("site_seq", "site_id", "body"))).c
    told = of.body.contains('"kind":"serve_key_made"', autoescape=True)
    wanted = sa.select(of.body).where(of.site_id == 0, told).order_by(of.site_seq)
    since = sa.column("since", MOMENT)
    keys = sa.table("serve_keys", sa.column("number"), sa.column("digest"), since)
    for number, body in enumerate(op.get_bind().execute(wanted).scalars().all(), 1):
        entry = json.loads(body)
        at = datetime.fromisoformat(entry["recorded_at"])
        if op.get_bind().dialect.name == "sqlite":
            at = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        row = {"number": number, "digest": entry["data"]["key"], "since": at}
        op.execute(sa.insert(keys).values(row))


def downgrade() -> None:
    """Takes them away."""
    for table in _SEALED:
        op.drop_column(table, "seal")
    op.drop_table("serve_keys")
