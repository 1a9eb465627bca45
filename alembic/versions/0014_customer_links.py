"""Customers' links: how often those of an incident were revoked.

Revision: 0014

A downgrade takes the column away, and with it the revocations: links hold again as far as their
time goes. They stay in the entries, from which they are taken up again.
"""

from __future__ import annotations

import json
from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column, with what the entries have of it."""
    op.add_column("incidents", sa.Column("links_revoked", sa.Integer))
    _take_up()


def downgrade() -> None:
    """Takes it away."""
    op.drop_column("incidents", "links_revoked")


def _take_up() -> None:
    of = sa.table("entries", *map(sa.column, ("site_id", "body"))).c
    told = of.body.contains('"kind":"links_revoked"', autoescape=True)
    found = op.get_bind().execute(sa.select(of.site_id, of.body).where(told))
    revoked = Counter(
        (site_id, int(json.loads(body)["data"]["incident"].rpartition("-")[2]))
        for site_id, body in found
    )
    incidents = sa.table("incidents", *map(sa.column, ("site_id", "n", "links_revoked")))
    for (site_id, n), count in revoked.items():
        its = incidents.c.site_id == site_id, incidents.c.n == n
        op.execute(sa.update(incidents).where(*its).values(links_revoked=count))
