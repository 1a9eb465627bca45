"""Notes: what was written about an incident, and whether it is for the desk or for the customer.

Revision: 0008

A downgrade takes the table away; the notes stay in the entries, from which they are taken up again.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the table, with what the entries have of it."""
    notes = op.create_table(
        "notes",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("incident", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("audience", WORD, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "incident", "position", name="pk_notes"),
        sa.ForeignKeyConstraint(
            ["site_id", "incident"], ["incidents.site_id", "incidents.n"],
            name="fk_notes_site_id_incident_incidents",
        ),
    )  # fmt: skip
    if rows := _written():
        op.bulk_insert(notes, rows)


def downgrade() -> None:
    """Takes it away; the notes stay in the entries."""
    op.drop_table("notes")


def _written() -> list[dict[str, Any]]:
    """The notes as the entries have them."""
    of = sa.table("entries", *map(sa.column, ("site_id", "site_seq", "body"))).c
    told = of.body.contains('"kind":"note_added"', autoescape=True)
    found = sa.select(of.site_id, of.body).where(told).order_by(of.site_id, of.site_seq)
    places: dict[tuple[int, int], count[int]] = {}
    rows = []
    for site_id, body in op.get_bind().execute(found):
        entry = json.loads(body)
        data = entry["data"]
        incident = int(data["incident"].rpartition("-")[2])
        place = places.setdefault((site_id, incident), count())
        rows.append({
            "site_id": site_id, "incident": incident, "position": next(place),
            "audience": data["audience"], "text": data["text"],
            "recorded_at": _moment(entry["recorded_at"]), "by": entry["actor"],
        })  # fmt: skip
    return rows


def _moment(text: str) -> Any:
    """A time as the column holds it: on SQLite in microseconds since 1970."""
    moment = datetime.fromisoformat(text)
    if op.get_bind().dialect.name != "sqlite":
        return moment
    epoch = datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    return (moment - epoch) // timedelta(microseconds=1)
