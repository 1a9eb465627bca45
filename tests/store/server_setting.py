"""A setting of a database or its server, changed for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql


@contextmanager
def setting(url: str, statement: LiteralString) -> Iterator[None]:
    """Change a setting of the database or its server; it is as before at the end."""
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        head = statement.partition(" = ")[0]
        connection.execute(sql.SQL(statement).format(name))
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("SET synchronous_commit = local")
            connection.execute(sql.SQL(head.replace(" SET ", " RESET ")).format(name))
            connection.execute("SELECT pg_reload_conf()")
