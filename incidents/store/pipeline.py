"""The pipeline: prepared statements sent to a PostgreSQL server together, in one round trip.

The pipeline uses libpq directly, because psycopg sends each statement at once, which wakes up both
the server and this process each time. Statements are prepared once for each connection.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Self

from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus

from incidents.store.server_connection import ServerConnection, Wait, abandon

Row = Sequence[Any]
Take = Callable[[list[Row]], None]
"""The function that gets the rows of a statement."""

_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED, ExecStatus.BAD_RESPONSE)
# In milliseconds: a wait is checked this often.
_POLL_MS = 500


@dataclass(frozen=True, slots=True)
class _Sent:
    """A sent statement, or its preparation, with the function that gets its rows."""

    sql: str
    prepares: bool = False
    take: Take | None = None


class Pipeline:
    """The pipeline of one connection of psycopg.

    A transaction that writes begins with two statements: `checked`, whose rows are given to
    `check`, which may raise an error, and before the first statement that is sent here `switches`,
    which sets the planner's switches.
    """

    def __init__(self, driver: ServerConnection, switches: str, checked: str, check: Take) -> None:
        self._driver = driver
        self._switches = switches
        self._checked, self._check = checked, check
        self._pgconn = driver.pgconn
        self._numbers = count()
        # A plan belongs to a name, so reading and writing transactions use different names.
        self._prepared: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})
        self._sent: list[_Sent] = []
        self.is_open = False
        self.begin(writes=False)

    def begin(self, *, writes: bool, migrates: bool = False) -> None:
        """Set whether the next transaction writes, and whether it `migrates`, which checks nothing.

        `is_checked` is true from the moment that the check is sent.
        """
        self._names = self._prepared[writes]
        self._switches_missing = writes
        self.is_checked = not writes or migrates

    def __enter__(self) -> Self:
        """Send statements without waiting, until the end of the block."""
        self.is_open = True
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self.is_open = False
        if error is None:
            self._wait()
        else:
            self._abandon()

    def send(self, sql: str, parameters: Sequence[Any] = (), take: Take | None = None) -> None:
        """Send one statement with the parameters `$1`, `$2` …, in a transaction.

        In autocommit mode there is no transaction.
        """
        self.start()
        if self._switches_missing:
            self._switches_missing = False
            self._send(self._switches)
        self._send(sql, parameters, take)

    def start(self) -> None:
        """Send what a round trip and a transaction begin with, without another statement."""
        if not self._sent:
            self._pgconn.enter_pipeline_mode()
            idle = self._pgconn.transaction_status == TransactionStatus.IDLE
            if idle and not self._driver.autocommit:
                self._send(_begin(self._driver))
        if not self.is_checked:
            self.is_checked = True
            self._send(self._checked, take=self._check)

    def _send(self, sql: str, parameters: Sequence[Any] = (), take: Take | None = None) -> None:
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = f"incidents_{next(self._numbers)}".encode()
            self._sent.append(_Sent(sql, prepares=True))
            self._pgconn.send_prepare(name, sql.encode())
        self._sent.append(_Sent(sql, take=take))
        self._pgconn.send_query_prepared(name, [_text(value) for value in parameters])

    def _wait(self) -> None:
        """Wait for the results of all statements.

        Raises:
            psycopg.Error: of the first statement that failed; later statements had no effect.
        """
        sent, self._sent = self._sent, []
        if not sent:
            return
        try:
            self._pgconn.pipeline_sync()
            results = self._exchange()
            self._pgconn.exit_pipeline_mode()
        except BaseException:
            # Results could no longer be matched with statements.
            if not self._driver.closed:
                abandon(self._driver)
            raise
        failed = next((n for n, result in enumerate(results) if result.status in _FAILED), None)
        if failed is not None:
            self._forget(sent, failed)
            raise errors.error_from_result(results[failed], encoding="utf-8")
        transformer = Transformer(self._driver)
        for one, result in zip(sent, results, strict=True):
            if one.take is not None:
                transformer.set_pgresult(result)
                one.take(transformer.load_rows(0, result.ntuples, tuple))

    def _abandon(self) -> None:
        """Give up after an error in this process, so that sent statements do not take effect."""
        self._sent = []
        if self._pgconn.pipeline_status != PipelineStatus.OFF:
            abandon(self._driver)

    def _forget(self, sent: list[_Sent], failed: int) -> None:
        """Forget the statements prepared from the failure on, so that they are prepared again.

        A plan from before a migration would fail every time.
        """
        for one in sent[failed:]:
            if one.prepares:
                self._names.pop(one.sql, None)
        self._names.pop(sent[failed].sql, None)

    def _exchange(self) -> list[Any]:
        """Send the remaining statements, and return all results."""
        pgconn, results = self._pgconn, list[Any]()
        poll, wait = select.poll(), Wait(self._driver)
        while True:
            writing = pgconn.flush()
            poll.register(pgconn.socket, select.POLLIN | (select.POLLOUT if writing else 0))
            happened = poll.poll(_POLL_MS)
            if not any(event & ~select.POLLOUT for _, event in happened):
                wait.check()
                continue
            wait.restart()
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    continue
                if result.status == ExecStatus.PIPELINE_SYNC:
                    return results
                results.append(result)


def _begin(driver: ServerConnection) -> str:
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
