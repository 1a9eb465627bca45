"""The batches of a long result: rows in the driver's format, a few in memory at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Executable

Row = tuple[Any, ...]

AT_ONCE = 1_000
"""The maximum number of rows of each result in memory at a time."""


def batches(connection: Connection, statement: Executable) -> Generator[Sequence[Row]]:
    """Yield the rows of a statement, as tuples in the driver's format, a few at a time."""
    if connection.dialect.name == "sqlite":
        # This driver never holds more rows than requested; its tuples are used directly.
        with closing(connection.execute(statement)) as result:
            while part := result.cursor.fetchmany(AT_ONCE):
                yield part
        return
    # Of its own, since options stay with the connection that they are set on.
    options = {"stream_results": True, "yield_per": AT_ONCE}
    with closing(connection.execute(statement, execution_options=options)) as result:
        for rows in result.partitions():
            yield list(map(tuple, rows))
