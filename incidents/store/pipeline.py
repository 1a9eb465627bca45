"""The pipeline: prepared statements sent to a PostgreSQL server together, in one round trip.

It is libpq's own, below psycopg's, which sends each statement as it comes: the server then wakes
up for each, and so does this process. Statements are prepared once a connection.
"""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection, errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus

Row = tuple[Any, ...]
Take = Callable[[list[Row]], None]
"""What is given the rows that a statement has found."""

_BAD = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED, ExecStatus.BAD_RESPONSE)


class Pipeline:
    """The pipeline of one connection of psycopg."""

    def __init__(self, driver: Connection[Any]) -> None:
        self._driver = driver
        self._pgconn = driver.pgconn
        self._names: dict[str, bytes] = {}
        self._new: dict[int, str] = {}
        self._takers: list[Take | None] = []
        self.is_open = False

    def open(self) -> None:
        """Lets statements be sent."""
        self.is_open = True

    def send(self, sql: str, parameters: Sequence[Any] = (), take: Take | None = None) -> None:
        """Sends one statement, its parameters being `$1`, `$2` …; a transaction begins with it."""
        if not self._takers:
            self._begin()
        self._send(sql, parameters, take)

    def _begin(self) -> None:
        self._pgconn.enter_pipeline_mode()
        if self._pgconn.transaction_status == TransactionStatus.IDLE:
            self._send(_begin(self._driver), (), None)

    def _send(self, sql: str, parameters: Sequence[Any], take: Take | None) -> None:
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = f"incidents_{len(self._names)}".encode()
            self._new[len(self._takers)] = sql
            self._pgconn.send_prepare(name, sql.encode())
            self._takers.append(None)
        self._pgconn.send_query_prepared(name, [_text(value) for value in parameters])
        self._takers.append(take)

    def close(self) -> None:
        """Waits for all that was sent.

        Raises:
            psycopg.Error: of the first statement that failed; nothing after it was done.
        """
        takers, self._takers = self._takers, []
        new, self._new = self._new, {}
        self.is_open = False
        if not takers:
            return
        try:
            self._pgconn.pipeline_sync()
            results = self._exchange()
            self._pgconn.exit_pipeline_mode()
        except BaseException:
            # Interrupted, or cut off: nobody could tell any more what belongs to what.
            self._driver.close()
            raise
        for place, (result, take) in enumerate(zip(results, takers, strict=True)):
            if result.status in _BAD:
                for later in (sql for at, sql in new.items() if at >= place):
                    del self._names[later]
                raise errors.error_from_result(result, encoding="utf-8")
            if take is not None:
                take(self._rows(result))

    def abandon(self) -> None:
        """Gives up, after an error of this process; the transaction is to be undone."""
        # That error is what matters, not one that the server may have had as well.
        with contextlib.suppress(errors.Error):
            self.close()

    def _exchange(self) -> list[Any]:
        """Sends what is left and reads what comes, until all has come."""
        pgconn, results = self._pgconn, list[Any]()
        poll = select.poll()
        while True:
            writing = pgconn.flush()
            poll.register(pgconn.socket, select.POLLIN | (select.POLLOUT if writing else 0))
            if not any(event & ~select.POLLOUT for _, event in poll.poll()):
                continue
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    continue
                if result.status == ExecStatus.PIPELINE_SYNC:
                    return results
                results.append(result)

    def _rows(self, result: Any) -> list[Row]:
        transformer = Transformer(self._driver)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)


def _begin(driver: Connection[Any]) -> str:
    words = ["BEGIN"]
    if driver.isolation_level is not None:
        words += ["ISOLATION LEVEL", driver.isolation_level.name.replace("_", " ")]
    if driver.read_only:
        words.append("READ ONLY")
    return " ".join(words)


def _text(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat().encode()
    return str(value).encode()
