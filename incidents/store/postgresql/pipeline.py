"""The pipeline: prepared statements sent to a PostgreSQL server together, in one round trip.

The pipeline uses libpq directly, because psycopg sends each statement at once, which wakes up both
the server and this process each time. Statements are prepared once for each connection, under names
that follow from their text: whichever connection to the server a pooler gives to a transaction, a
name means one statement there.
"""

from __future__ import annotations

import hashlib
import select
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus

from incidents.store.postgresql.pooler import Naming, is_lost_statement
from incidents.store.postgresql.server_connection import ServerConnection, Wait, abandon

Row = Sequence[Any]
COMMIT = "COMMIT"
Take = Callable[[list[Row]], None]
"""The function that gets the rows of a statement."""

_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED, ExecStatus.BAD_RESPONSE)
# The SQLSTATE classes of errors that a plan from before a migration may cause every time.
_STALE = ("0A", "42")
_NAME_DIGITS = 32
# In milliseconds: a wait is checked this often.
_POLL_MS = 500


class Binary(bytes):
    """A parameter in the binary format; others are text."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A sent statement, or its preparation, with the function that gets its rows."""

    sql: str
    prepares: bool = False
    take: Take | None = None


class Pipeline:
    """The pipeline of one connection of psycopg.

    A transaction that writes begins with a SELECT of `checked`, whose rows are given to `check`,
    which may raise an error. The first statement that is sent here is planned, as all after it,
    with `switches`, expressions that set the planner's switches. Behind a pooler each transaction
    begins with `pins`: see `pooler.pins`.
    """

    def __init__(
        self, driver: ServerConnection, switches: str, checked: str, check: Take,
        *, naming: Naming, pins: str | None,
    ) -> None:  # fmt: skip
        self._driver = driver
        self._switches = switches
        self._checked, self._check = checked, check
        self._naming, self._pins = naming, pins
        self._pgconn = driver.pgconn
        # A plan belongs to a name, so reading and writing transactions use different names.
        self._prepared: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})
        self._forgotten = Counter[str]()
        self._sent: list[_Sent] = []
        self.is_open = False
        self.begin(writes=False)

    @property
    def is_pooled(self) -> bool:
        """Whether each transaction may have another connection to the server."""
        return self._pins is not None

    @property
    def is_named(self) -> bool:
        """Whether statements are prepared once, under names."""
        return self._naming.lasts

    @property
    def is_started(self) -> bool:
        """Whether what a transaction begins with has been sent."""
        return not self._pins_missing and not self._check_missing

    def begin(self, *, writes: bool, migrates: bool = False) -> None:
        """Set whether the next transaction writes; one that `migrates` checks nothing."""
        self._writes = self._switches_missing = writes
        self._pins_missing = self.is_pooled
        self._check_missing = writes and not migrates

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
        # Before anything is sent, for the sake of a value that cannot be.
        values = [_written(value) for value in parameters]
        self._start(switched=True)
        self._send(sql, values, take)

    def start(self) -> None:
        """Send what a round trip and a transaction begin with, without another statement."""
        self._start(switched=False)

    def _start(self, *, switched: bool) -> None:
        if not self._sent:
            self._pgconn.enter_pipeline_mode()
            idle = self._pgconn.transaction_status == TransactionStatus.IDLE
            if idle and not self._driver.autocommit:
                # Behind a pooler another client's session may have been set to read only.
                self._send(_begin(self._driver, says_it_writes=self._writes and self.is_pooled))
        if self._pins is not None and self._pins_missing:
            self._pins_missing = False
            self._send(self._pins)
        switches = switched and self._switches_missing
        self._switches_missing &= not switches
        if self._check_missing:
            self._check_missing = False
            checked = f"{self._switches}, {self._checked}" if switches else self._checked
            self._send(f"SELECT {checked}", take=self._check)
        elif switches:
            self._send(f"SELECT {self._switches}")

    def _send(
        self, sql: str, values: Sequence[bytes | None] = (), take: Take | None = None
    ) -> None:
        formats = [isinstance(value, Binary) for value in values]
        if self.is_named:
            self._pgconn.send_query_prepared(self._name(sql), values, formats)
        else:
            self._pgconn.send_query_params(sql.encode(), values, param_formats=formats)
        self._sent.append(_Sent(sql, take=take))

    def _name(self, sql: str) -> bytes:
        """The name of the statement, which is prepared now if it was not yet."""
        names = self._prepared[self._writes]
        name = names.get(sql)
        if name is None:
            # A pooler shares the plans of equal texts.
            marks = ["by keys"] * self._writes + ["again"] * self._forgotten[sql]
            text = "".join([sql, *(f" /* {mark} */" for mark in marks)]).encode()
            digest = hashlib.sha256(text).hexdigest()[:_NAME_DIGITS]
            name = names[sql] = f"incidents_{digest}".encode()
            self._sent.append(_Sent(sql, prepares=True))
            self._pgconn.send_prepare(name, text)
        return name

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
            results = self._exchange(sent)
            self._pgconn.exit_pipeline_mode()
            self._driver.is_committing = False
        except BaseException:
            # Results could no longer be matched with statements.
            if not self._driver.closed:
                abandon(self._driver)
            raise
        failed = next((n for n, result in enumerate(results) if result.status in _FAILED), None)
        if failed is not None:
            error = errors.error_from_result(results[failed], encoding="utf-8")
            self._forget(sent, failed, error)
            raise error
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

    def _forget(self, sent: list[_Sent], failed: int, error: errors.Error) -> None:
        """Forget the statements prepared from the failure on, so that they are prepared again.

        They get other names: the server, or a pooler, may know the old ones.
        """
        if is_lost_statement(error):
            self._naming.lasts = False
        names = self._prepared[self._writes]
        for place, one in enumerate(sent[failed:]):
            is_stale = place == 0 and str(error.sqlstate).startswith(_STALE)
            if (one.prepares or is_stale) and names.pop(one.sql, None) is not None:
                self._forgotten[one.sql] += 1

    def _exchange(self, sent: list[_Sent]) -> list[Any]:
        """Send the remaining statements, and return all results."""
        pgconn, results = self._pgconn, list[Any]()
        # Until all before it is done, a COMMIT can still be cancelled.
        commit = next((n for n, one in enumerate(sent) if one.sql == COMMIT), None)
        self._driver.is_committing = commit == 0
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
                if len(results) == commit:
                    self._driver.is_committing = True


def _begin(driver: ServerConnection, *, says_it_writes: bool) -> str:
    words = ["BEGIN"]
    if driver.isolation_level is not None:
        words += ["ISOLATION LEVEL", driver.isolation_level.name.replace("_", " ")]
    if driver.read_only:
        words.append("READ ONLY")
    elif says_it_writes:
        words.append("READ WRITE")
    return " ".join(words)


def _written(value: Any) -> bytes | None:
    if value is None or isinstance(value, Binary):
        return value
    if isinstance(value, datetime):
        return value.isoformat().encode()
    text = str(value).encode()
    if b"\0" in text:
        # libpq would leave out the rest.
        raise errors.DataError("PostgreSQL keeps no NUL in a text")
    return text
