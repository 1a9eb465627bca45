"""A migration there, back and there again, with a past."""

from typing import Any

from sqlalchemy import Table, inspect, select

from incidents.store import schema
from incidents.store.engine import reading
from tests.desk.rehearsal import Rehearsal


def rows(day: Rehearsal, *tables: Table) -> list[list[tuple[Any, ...]]]:
    """What each of the tables holds, in the order of its key."""
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
    schema.upgrade(day.engine)
    schema.check(day.engine)
    return gone
