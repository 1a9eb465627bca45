"""Rehearsals, in which any clock is taken, and what was written of an address.

Revision: 0012

A downgrade forgets that a database was a rehearsal. What was written stays in the entries, from
which it is taken up again.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the table, empty: what is there by now is no rehearsal; and the column."""
    op.create_table(
        "rehearsal",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("id", name="pk_rehearsal"),
        sa.CheckConstraint("id = 1", name="ck_rehearsal_single"),
    )
    op.add_column("incident_urls", sa.Column("written", WORD))
    _take_up()


def downgrade() -> None:
    """Takes both away: what was a rehearsal is none any more, also after the next upgrade."""
    op.drop_column("incident_urls", "written")
    op.drop_table("rehearsal")


def _take_up() -> None:
    of = sa.table("entries", *map(sa.column, ("site_id", "body"))).c
    columns = ("site_id", "incident", "position", "written")
    urls = sa.table("incident_urls", *map(sa.column, columns))
    found = sa.select(of.site_id, of.body).where(of.body.contains('"written":[', autoescape=True))
    for site_id, body in op.get_bind().execute(found).all():
        data = json.loads(body)["data"]
        incident = int(data["incident"].rpartition("-")[2])
        for place, text in enumerate(data.get("written", ())):
            its = urls.c.site_id == site_id, urls.c.incident == incident, urls.c.position == place
            op.execute(sa.update(urls).where(*its).values(written=text or None))
