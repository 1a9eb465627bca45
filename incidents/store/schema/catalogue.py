"""The catalogue of the schema: the tables of all its modules.

Each module adds its own tables to the shared metadata when it is imported; this module imports them
all.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, MetaData

from incidents.store.schema import (
    access_tables,  # noqa: F401 - adds its tables
    desk_tables,  # noqa: F401 - adds its tables
    log_tables,  # noqa: F401 - adds its tables
    report_tables,  # noqa: F401 - adds its tables
    tables,  # noqa: F401 - adds its tables
    types,
)


def every_table() -> MetaData:
    """All tables, without the partial indexes."""
    return types.metadata


def schema() -> MetaData:
    """All tables with all their indexes, for the migrations, which compare them.

    A partial index makes SQLAlchemy load its whole PostgreSQL dialect, which is too slow for other
    commands.
    """
    types.add_partial_indexes()
    return types.metadata


def is_for_sqlite(key: ForeignKeyConstraint) -> bool:
    """Whether the database has this foreign key on SQLite alone: all to sites and incidents.

    On PostgreSQL each costs more than the row that it is checked for. The write path has locked the
    site's row by then, and deletes no site that has other rows.
    """
    return key.referred_table.name in {"sites", "incidents"}
