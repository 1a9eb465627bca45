"""When every site was compared after a loss, and which ones could not be.

Revision: 0018

Before, a comparison that had come to its end was told from one that had not by when it began: the
same moment as the epoch, or a later one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Adds the column, which says where all sites were compared, and the table."""
    op.add_column("desk", sa.Column("compared_at", MOMENT))
    op.execute(
        "UPDATE desk SET compared_at = COALESCE(unproved_since, resumed_at)"
        " WHERE unproved_since IS NULL OR unproved_since <> resumed_at"
    )
    op.create_table(
        "uncompared",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_uncompared"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_uncompared_site_id_sites"),
    )


def downgrade() -> None:
    """Takes them away; what could not be compared is found anew."""
    op.drop_table("uncompared")
    op.drop_column("desk", "compared_at")
