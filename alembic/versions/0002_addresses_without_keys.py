"""Addresses without keys: what was kept for an index by address, which no query has come to use.

Revision: 0002

On PostgreSQL the planner took that index to find the addresses of one incident, and read those of
all incidents of the site.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEY = ("site_id", "incident", "position")


def upgrade() -> None:
    """Drops the index and its column."""
    op.drop_index("ix_incident_urls_site_id_url_key", "incident_urls")
    op.drop_column("incident_urls", "url_key")


def downgrade() -> None:
    """Derives the column anew, and its index."""
    op.add_column("incident_urls", sa.Column("url_key", WORD, nullable=False, server_default=""))
    urls = sa.table("incident_urls", *map(sa.column, (*_KEY, "url", "url_key")))
    keyed = sa.update(urls).values(url_key=sa.bindparam("key"))
    for name in _KEY:
        keyed = keyed.where(urls.c[name] == sa.bindparam(f"of_{name}"))
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(urls.c.site_id, urls.c.incident, urls.c.position, urls.c.url)
    )
    found = [
        {
            "of_site_id": site, "of_incident": incident, "of_position": position,
            "key": hashlib.sha256(url.encode()).hexdigest(),
        }
        for site, incident, position, url in rows
    ]  # fmt: skip
    if found:
        connection.execute(keyed, found)
    with op.batch_alter_table("incident_urls") as table:
        table.alter_column("url_key", server_default=None)
    op.create_index("ix_incident_urls_site_id_url_key", "incident_urls", ["site_id", "url_key"])
