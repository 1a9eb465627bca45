"""No foreign keys to sites and incidents on PostgreSQL, where each costs more than its row.

The desk locks the site's row before it writes any other of the site, and deletes no site that has
one. On SQLite they cost next to nothing, and stay.

Revision: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
expands = True

OF_SITES = (
    "claims", "filing_details", "filing_terms", "incidents", "orders", "suspensions", "tasks",
    "uncompared", "work",
)  # fmt: skip
OF_INCIDENTS = ("contacts", "evidence", "incident_urls", "notes")
locks = ("sites", *OF_SITES, *OF_INCIDENTS)


def upgrade() -> None:
    """Drops them on PostgreSQL."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in OF_SITES:
        op.drop_constraint(f"fk_{table}_site_id_sites", table, type_="foreignkey")
    for table in OF_INCIDENTS:
        op.drop_constraint(f"fk_{table}_site_id_incident_incidents", table, type_="foreignkey")


def downgrade() -> None:
    """Adds them again; PostgreSQL checks all rows meanwhile."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in OF_SITES:
        op.create_foreign_key(f"fk_{table}_site_id_sites", table, "sites", ["site_id"], ["id"])
    for table in OF_INCIDENTS:
        op.create_foreign_key(
            f"fk_{table}_site_id_incident_incidents", table, "incidents",
            ["site_id", "incident"], ["site_id", "n"],
        )  # fmt: skip
