"""The pooler: pgbouncer or its like, which gives each transaction any connection to the server.

A pooler in transaction mode passes on what a session keeps: settings, temporary tables and prepared
statements. So this program leaves no setting there, and takes none of others: behind a pooler each
transaction begins with the settings of `pins`.
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from incidents.store.postgresql.server_connection import ServerConnection

# What would let a statement find other tables, lose what was acknowledged, or fail without need.
_PINNED = ("role", "synchronous_commit", "statement_timeout", "lock_timeout")
_MISSING, _DUPLICATE = "26000", "42P05"


@dataclass(slots=True)
class Naming:
    """Whether a named statement stays there until the next transaction, on all connections.

    `lasts` becomes false for good when a connection is found where it does not.
    """

    lasts: bool = True

    def look_behind(self, driver: ServerConnection) -> str | None:
        """Look for a pooler behind a new connection in autocommit mode; return the pins if so."""
        if not is_pooled(driver):
            return None
        self.lasts = self.lasts and keeps_statements(driver)
        return pins(driver)


def is_pooled(driver: ServerConnection) -> bool:
    """Whether the server's process is another than the one named when the connection was made.

    A pooler names one of its own, because requests to cancel a statement are for itself. Expects
    autocommit mode.
    """
    return bool(_value(driver, "SELECT pg_backend_pid()") != driver.info.backend_pid)


def keeps_statements(driver: ServerConnection) -> bool:
    """Whether the pooler prepares a client's statements again wherever a transaction needs them.

    Then it has names of its own for them on the server. Expects autocommit mode.
    """
    # psycopg is loaded if there is such a connection; an import here would cost each command.
    from psycopg import generators

    name = f"incidents_{token_hex(8)}"
    with driver.transaction():
        driver.pgconn.send_prepare(name.encode(), b"SELECT 1")
        [prepared] = driver.wait(generators.execute(driver.pgconn))
        if prepared.error_message:
            return False
        known = "SELECT count(*) FROM pg_prepared_statements WHERE name = %s"
        if not _value(driver, known, name):
            return True
        driver.execute(f"DEALLOCATE {name}")
    return False


def pins(driver: ServerConnection) -> str:
    """The statement that sets what matters to a transaction, whatever others have left behind.

    The settings become those of the role and the database. The path of tables ends with temporary
    ones, which would otherwise come first.
    """
    path = _value(
        driver,
        "SELECT quote_literal(concat_ws(', ', nullif(reset_val, ''), 'pg_temp'))"
        " FROM pg_settings WHERE name = 'search_path'",
    )
    own = [f"set_config('{name}', NULL, true)" for name in _PINNED]
    own.append("set_config('jit', 'off', true)")
    return f"SELECT set_config('search_path', {path}, true), {', '.join(own)}"


def is_lost_statement(error: BaseException | None) -> bool:
    """Whether a prepared statement was missing, or was there already: another connection's."""
    return getattr(error, "sqlstate", None) in (_MISSING, _DUPLICATE)


def _value(driver: ServerConnection, sql: str, *parameters: str) -> Any:
    row = driver.execute(sql, parameters or None).fetchone()
    assert row is not None
    return row[0]
