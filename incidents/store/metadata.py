"""The metadata: what all tables of the schema belong to, and their partial indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, MetaData, Table, literal_column

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UNRECORDED = {"recorded": False}
"""The `info` of a column that no entry bears out, in a table that the record does."""


def recorded(table: Table) -> list[Column[Any]]:
    """The columns of a table that the entries bear out, in their order."""
    return [column for column in table.c if column.info.get("recorded", True)]


def words(*values: str) -> list[ColumnElement[str]]:
    """`values` written into the statement itself: a partial index serves no bound value."""
    return [literal_column(f"'{value}'") for value in values]


@dataclass(frozen=True, slots=True)
class _PartialIndex:
    name: str
    where: ColumnElement[bool]
    columns: tuple[Column[Any], ...]
    unique: bool = False


_partial: list[_PartialIndex] = []


def partial_index(
    name: str, where: ColumnElement[bool], *columns: Column[Any], unique: bool = False
) -> None:
    _partial.append(_PartialIndex(name, where, columns, unique))


def schema() -> MetaData:
    """The tables with all their indexes: for the migrations, which compare them.

    A partial index makes SQLAlchemy load all that it has for PostgreSQL, and every command of the
    command line would pay for it.
    """
    while _partial:
        index = _partial.pop()
        Index(
            index.name, *index.columns, unique=index.unique,
            sqlite_where=index.where, postgresql_where=index.where,
        )  # fmt: skip
    return metadata
