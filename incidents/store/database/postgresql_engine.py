"""The engine of a PostgreSQL database: its connections, and what a transaction begins with."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from incidents import errors
from incidents.errors import DatabaseError
from incidents.store.database import failures
from incidents.store.database.address import display_address
from incidents.store.database.revision import BOTH, RevisionCheck
from incidents.store.postgresql.pooler import Naming
from incidents.store.round_trip import start

if TYPE_CHECKING:
    from incidents.store.database.hosts import Hosts

# A far-off time, in the server's own zone, could be after year 9999.
# A session that a pooler shares has the pins of `pooler` instead.
_SESSION = """
    SET TIME ZONE 'UTC';
    SET jit = off;
"""
LOOK_UP_BY_KEYS = {
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
}
"""The planner settings for PostgreSQL transactions that write: always look rows up by keys.

Otherwise a plan made while a table was small would read the whole table, and one for the few
incidents next to a time would collect and sort all of the site. Reports and views are planned
without these settings.
"""

# The best plan of the desk's statements does not depend on their values: one is enough. And no
# planner may expect several processes to share what one index look-up finds (PostgreSQL 15 would,
# for the last few of 100,000 incidents of a site).
_PLANS = LOOK_UP_BY_KEYS | {
    "max_parallel_workers_per_gather": "0", "plan_cache_mode": "force_generic_plan",
}  # fmt: skip
_SWITCHES = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _PLANS.items())
# A server that disappears silently is given up after ten seconds, in milliseconds too.
_TIMEOUTS = {
    "connect_timeout": 5, "keepalives_idle": 4, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}  # fmt: skip
_VARIABLES = {
    "connect_timeout": "PGCONNECT_TIMEOUT", "target_session_attrs": "PGTARGETSESSIONATTRS",
}  # fmt: skip
_SEVERAL_HOSTS = {"connect_timeout": 3, "target_session_attrs": "read-write"}
_PING_LIMIT_S = 3.0
_POOL_WAIT_S = 10.0
_IDLE_S = 1.0
_MAX_CONNECTIONS = 15


def create(
    url: URL, *, pings: bool = True, pool_wait_s: float = _POOL_WAIT_S, **limits: int
) -> Engine:
    """Make an engine for `url`; `limits` are parameters of its connections, as libpq names them.

    `pings`: ask after a connection that was idle. `pool_wait_s`: the longest wait for a free one.

    Raises:
        DatabaseError: if the driver is not installed.
    """
    try:
        engine: Engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            # A connection beyond the pool's size would be set up anew for each transaction.
            pool_size=_MAX_CONNECTIONS,
            max_overflow=0,
            pool_timeout=pool_wait_s,
        )
    except ModuleNotFoundError as error:
        raise DatabaseError.coded(
            "no_driver",
            "PostgreSQL needs its driver: {way_out}",
            way_out=errors.way_out("postgresql"),
        ) from error
    check = RevisionCheck(partial(display_address, engine))
    _count_standbys_as_lost(engine.dialect)
    losses = _Losses()
    event.listen(engine, "do_connect", _Connector(limits))
    event.listen(engine, "connect", partial(_set_up_postgresql, check, Naming()))
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "before_cursor_execute", _start_postgresql)
    event.listen(engine, "checkin", _record_idle_start)
    if pings:
        event.listen(engine, "checkout", partial(_ping_if_idle, engine.dialect, losses))
    event.listen(engine, "invalidate", losses.add)
    return engine


class _Connector:
    """Connects to the hosts of a database, within those limits."""

    def __init__(self, limits: dict[str, int]) -> None:
        self._limits = limits
        self._hosts: Hosts | None = None

    def __call__(self, _dialect: Dialect, _record: object, _: object, given: dict[str, Any]) -> Any:
        # psycopg is loaded if such a connection exists; an import here would cost each command.
        from incidents.store.database.hosts import Hosts, is_several

        if self._hosts is None:
            self._hosts = Hosts()
        several = _SEVERAL_HOSTS if is_several(given) else {}
        defaults = _TIMEOUTS | several | self._limits
        known = [name for name, variable in _VARIABLES.items() if variable in os.environ]
        return self._hosts.connect({k: v for k, v in defaults.items() if k not in known} | given)


class _Losses:
    """When this process last lost a connection, on its monotonic clock."""

    def __init__(self) -> None:
        self.last = 0.0

    def add(self, _connection: object, _record: object, error: BaseException | None) -> None:
        if error is not None:
            self.last = time.monotonic()


def _count_standbys_as_lost(dialect: Dialect) -> None:
    """Drop a connection to a server that has become a standby: another one leads."""
    is_disconnect = dialect.is_disconnect

    def is_lost(error: Any, connection: Any, cursor: Any) -> bool:
        return failures.is_of_standby(error) or is_disconnect(error, connection, cursor)

    dialect.is_disconnect = is_lost  # type: ignore[assignment,method-assign]  # asked by `round_trip`, too


def _set_up_postgresql(check: RevisionCheck, naming: Naming, connection: Any, record: Any) -> None:
    # psycopg is loaded if such a connection exists; an import here would cost each command.
    from incidents.store.postgresql import timestamps
    from incidents.store.postgresql.pipeline import Pipeline

    autocommit = connection.autocommit
    connection.autocommit = True
    # A rollback would drop psycopg's prepared statements together with those of `pipeline`.
    connection.prepare_threshold = None
    pins = naming.look_behind(connection)
    if pins is None:
        connection.execute(_SESSION)
    else:
        timestamps.read_in_utc(connection)
    connection.autocommit = autocommit
    record.info["pipeline"] = Pipeline(
        connection, _SWITCHES, BOTH["postgresql"].removeprefix("SELECT "),
        lambda rows: check.check(*rows[0][-2:]), naming=naming, pins=pins,
    )  # fmt: skip


def _begin_postgresql(connection: Connection) -> None:
    options = connection.get_execution_options()
    driver: Any = connection.connection.driver_connection
    driver.limit_s = options.get("incidents_limit_s")
    connection.info["pipeline"].begin(
        writes=options.get("incidents_writes", False),
        migrates=options.get("incidents_migrates", False),
    )


def _start_postgresql(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    """Begin a transaction with what it needs, if a statement of Core is first."""
    # A shared state must be set before any query.
    if not statement.startswith("SET TRANSACTION"):
        start(connection)


def _record_idle_start(connection: Any, record: Any) -> None:
    # It is None if the connection was lost.
    if connection is not None:
        connection.limit_s = None
    record.info["idle_since"] = time.monotonic()


def _ping_if_idle(
    dialect: Dialect, losses: _Losses, connection: Any, record: Any, _proxy: object
) -> None:
    """Ping the server before a transaction, if the connection was idle for a second.

    This detects a restarted server without a round trip for each transaction. If another connection
    was lost meanwhile, the ping does not wait for that second.

    Raises:
        InvalidatePoolError: so that the pool replaces all its connections.
    """
    idle_since = record.info.get("idle_since")
    if idle_since is None:
        return
    if time.monotonic() - idle_since < _IDLE_S and losses.last < idle_since:
        return
    connection.limit_s = _PING_LIMIT_S
    try:
        dialect.do_ping(connection)
        connection.limit_s = None
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError("the server has gone away") from error
