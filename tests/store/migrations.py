"""A migration there, back and there again, with a past."""

from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, inspect, select, text

from incidents.store.database import schema
from incidents.store.database.engine import reading
from incidents.store.desk_state import is_rehearsal
from incidents.store.schema.desk_tables import rehearsal
from tests.desk.rehearsal import Rehearsal

_VERSION = "alembic_version"


def rows(day: Rehearsal, *tables: Table) -> list[list[tuple[Any, ...]]]:
    """The rows of each table, in the order of its key."""
    with reading(day.engine) as connection:
        return [
            [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables
        ]


def there_and_back(day: Rehearsal, before: str) -> set[str]:
    """Down to the revision and up again; the tables that were gone meanwhile."""
    at_head = set(inspect(day.engine).get_table_names())
    schema.downgrade(day.engine, before)
    gone = at_head - set(inspect(day.engine).get_table_names())
    up_again(day.engine)
    return gone


def up_again(engine: Engine) -> None:
    """At the newest revision, and a rehearsal, which what is older than 0012 cannot be."""
    schema.upgrade(engine)
    schema.check(engine)
    with engine.begin() as connection:
        if not is_rehearsal(connection):
            connection.execute(insert(rehearsal).values(id=1))


def move(connection: Connection, to: str, oldest: str | None) -> None:
    """Leave in Alembic's table what a migration of a newer program leaves there."""
    if "oldest" not in {column["name"] for column in inspect(connection).get_columns(_VERSION)}:
        connection.execute(text(f"ALTER TABLE {_VERSION} ADD COLUMN oldest VARCHAR(32)"))
    connection.execute(
        text("UPDATE alembic_version SET version_num = :to, oldest = :oldest"),
        {"to": to, "oldest": oldest},
    )
