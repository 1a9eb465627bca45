"""What a migration may change while the program before it goes on: what only expands the schema.

Two schemas are compared, as the database itself describes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Inspector, inspect

_VERSION = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableForm:
    """The columns of a table by their names, and what its rows must fulfil."""

    columns: dict[str, dict[str, Any]]
    constraints: dict[str, str]


def forms(connection: Connection, *tables: str) -> dict[str, TableForm]:
    """The tables of the database, or those of `tables` that are there."""
    inspector = inspect(connection)
    return {
        table: TableForm(
            columns={column["name"]: dict(column) for column in inspector.get_columns(table)},
            constraints=dict(_constraints(inspector, table)),
        )
        for table in inspector.get_table_names()
        if table != _VERSION and (not tables or table in tables)
    }


def _constraints(inspector: Inspector, table: str) -> Iterator[tuple[str, str]]:
    found: dict[str, list[Any]] = {
        "primary key": [
            key for key in [inspector.get_pk_constraint(table)] if key["constrained_columns"]
        ],
        "unique constraint": [*inspector.get_unique_constraints(table)],
        "foreign key": [*inspector.get_foreign_keys(table)],
        "check": [*inspector.get_check_constraints(table)],
        "unique index": [each for each in inspector.get_indexes(table) if each["unique"]],
    }
    for kind, each in ((kind, each) for kind, some in found.items() for each in some):
        yield f"{kind} {each['name']}", _written(each)


def _written(constraint: Any) -> str:
    if isinstance(constraint, dict):
        return str({key: _written(constraint[key]) for key in sorted(constraint)})
    return str(constraint)


def contractions(before: dict[str, TableForm], after: dict[str, TableForm]) -> list[str]:
    """What the program of `before` cannot go on with, one line each; none if it only expands."""
    return [
        f"{table}: {problem}"
        for table, form in before.items()
        for problem in (_contracted(form, after[table]) if table in after else ["it is gone"])
    ]


def _contracted(before: TableForm, after: TableForm) -> Iterator[str]:
    for name, column in before.columns.items():
        if name in after.columns:
            yield from _changed(name, column, after.columns[name])
        else:
            yield f"its column {name} is gone"
    for name in after.columns.keys() - before.columns.keys():
        column = after.columns[name]
        if not column["nullable"] and column["default"] is None:
            yield f"its new column {name} must have a value, which an older program leaves out"
    # Without one of these an older program's `ON CONFLICT` fails.
    for name in before.constraints.keys() - after.constraints.keys():
        if name.startswith(("primary", "unique")):
            yield f"its {name} is gone"
    for name, written in after.constraints.items():
        if name not in before.constraints:
            yield f"its rows must now fulfil the {name}"
        elif before.constraints[name] != written:
            yield f"its {name} is another"


def _changed(name: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    if str(after["type"]) != str(before["type"]):
        yield f"its column {name} has another type"
    if before["nullable"] and not after["nullable"]:
        yield f"its column {name} must now have a value"
    if before["default"] not in (None, after["default"]):
        yield f"its column {name} has another default"
