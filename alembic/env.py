"""How the migrations run: on the connection that the program hands over, or on INCIDENTS_DB."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from incidents.store.database.engine import create, writing
from incidents.store.database.migration import record_oldest
from incidents.store.schema.catalogue import is_for_sqlite, schema


def run(connection: Connection) -> None:
    """Runs them inside the connection's own transaction: whole, or not at all."""
    context.configure(
        connection=connection,
        target_metadata=schema(),
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
        include_object=lambda found, _name, kind, *_: (
            kind != "foreign_key_constraint"
            or connection.dialect.name == "sqlite"
            or not is_for_sqlite(found)
        ),
    )
    with context.begin_transaction():
        context.run_migrations()
        record_oldest(connection, context.script)


if context.is_offline_mode():
    raise SystemExit("these migrations look at the database: run them online")
handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    engine = create(os.environ.get("INCIDENTS_DB"))
    with writing(engine, limit_s=None, migrates=True) as own:
        run(own)
