"""The transaction: lock sites, process commands and write the results, all or nothing.

Garbage collection is rare during a batch, because a batch creates many values but no reference
cycles, and searching for cycles took a fifth of its time. A transaction is repeated if nothing was
done and the next attempt might succeed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from incidents.desk.batch import Batch
from incidents.desk.envelope import Answer, Envelope, refused_answer
from incidents.desk.locks import (
    BatchLocks,
    LockTimeoutError,
    is_lock_timeout,
    lock_due,
    lock_sites,
)
from incidents.machine import policy as machine_policy
from incidents.machine.policy import Policy
from incidents.store import desk_state
from incidents.store.database.engine import writing
from incidents.store.postgresql.pooler import is_lost_statement
from incidents.store.round_trip import pipelined

if TYPE_CHECKING:
    from incidents.contract.documents import actions

_YOUNG = 200_000
"""The number of new values after which the garbage collector runs during a batch."""


@dataclass(slots=True)
class _InfrequentGC:
    """The number of running batches, and the collector's thresholds to restore after the last."""

    lock: Lock = field(default_factory=Lock)
    batches: int = 0
    before: tuple[int, int, int] = (0, 0, 0)


_infrequent = _InfrequentGC()


@contextmanager
def infrequent_gc() -> Iterator[None]:
    """Make garbage collections rare in the `with` block; blocks of several threads can overlap.

    Collections are never switched off, because in a busy process some batch is always running.
    """
    with _infrequent.lock:
        if _infrequent.batches == 0:
            _infrequent.before = gc.get_threshold()
            gc.set_threshold(_YOUNG, *_infrequent.before[1:])
        _infrequent.batches += 1
    try:
        yield
    finally:
        with _infrequent.lock:
            _infrequent.batches -= 1
            if _infrequent.batches == 0:
                gc.set_threshold(*_infrequent.before)


MAX_BATCH = 1_000

# Each time a key is lost to another transaction, that one has succeeded.
_ATTEMPTS = 5


class _LostError(Exception):
    """The connection was lost before anything was written; the cause is in `error`."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


class Sequel(Protocol):
    """What follows in the same transaction if no command is refused or repeated."""

    def commands(self, answers: Sequence[Answer]) -> Sequence[Envelope]:
        """Further commands on the sites of the commands that were answered."""

    def write(self, connection: Connection, answers: Sequence[Answer]) -> None:
        """Write on; raises RefusedError to undo everything."""


class Transactions:
    """The transactions of one desk; `clock` is the clock of the desk."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock
        self._policies: dict[str, Policy] = {}

    def submit(
        self, envelopes: Sequence[Envelope], *, dry_run: bool, policy: Policy | None,
        lock_timeout: timedelta | None, sequel: Sequel | None = None,
    ) -> list[Answer]:  # fmt: skip
        """Submit the commands; try again if nothing was done and the next attempt might succeed."""
        if not envelopes:
            return []
        for left in reversed(range(_ATTEMPTS)):
            try:
                return self._once(
                    envelopes, dry_run=dry_run, policy=policy, lock_timeout=lock_timeout,
                    sequel=sequel,
                )  # fmt: skip
            except IntegrityError:
                # Another transaction has used one of the keys: check again, and repeat its answer.
                if not left or all(envelope.key is None for envelope in envelopes):
                    raise
            except _LostError as lost:
                # The server went away while the connection lay idle; it may be back.
                if left < _ATTEMPTS - 1:
                    raise lost.error from lost
            except (OperationalError, ProgrammingError) as error:
                if lock_timeout is not None and is_lock_timeout(error):
                    raise LockTimeoutError from error
                # A pooler was not recognised; from now on statements have no names.
                if not left or not is_lost_statement(error.orig):
                    raise
        raise AssertionError("the last attempt answers or fails")

    def enforce_due(self, connection: Connection, now: datetime) -> list[actions.EventOfSite]:
        """Decide everything due before `now`, under the old policy, and return the events."""
        events: list[actions.EventOfSite] = []
        while (locked := self.lock_due(connection, now, MAX_BATCH)).rows:
            active = self.policy(connection, locked.policy)
            batch = Batch(connection, (), locked, active, locked.now(lambda: now), sender_now=now)
            for answer in batch.decide_due():
                site = answer.site
                events += [{"site": site, **event} for event in answer.document["events"]]
            batch.write()
        return events

    def _once(
        self, envelopes: Sequence[Envelope], *, dry_run: bool, policy: Policy | None,
        lock_timeout: timedelta | None, sequel: Sequel | None,
    ) -> list[Answer]:  # fmt: skip
        with writing(self._engine, keep=not dry_run) as connection:
            try:
                locked = self.lock(connection, envelopes, lock_timeout)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _LostError(error) from error
                raise
            refusal = locked.refused(self._clock())
            if refusal is not None:
                connection.rollback()
                return [refused_answer(str(e.site), refusal) for e in envelopes]
            return self.execute(
                connection, envelopes, locked, policy, keep=not dry_run, sequel=sequel
            )

    def execute(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        locked: BatchLocks,
        policy: Policy | None = None,
        *,
        keep: bool = True,
        sequel: Sequel | None = None,
    ) -> list[Answer]:
        """Process the commands for the locked sites, write the results, and commit.

        `sequel`: see `Sequel`.
        """
        if not envelopes:
            return []
        with infrequent_gc():
            batch = self._batch(connection, envelopes, locked, policy)
            answers = batch.decide_all()
            if sequel is not None and all(
                each.refusal is None and not each.repeated for each in answers
            ):
                answers += batch.decide_also(sequel.commands(answers))
                sequel.write(connection, answers)
            batch.write_denials()
            with pipelined(connection, commit=keep):
                batch.write()
        return answers

    def execute_due(self, connection: Connection, locked: BatchLocks) -> list[Answer]:
        """Decide what is due on the locked sites, write the results, and commit."""
        if not locked.rows:
            return []
        with infrequent_gc():
            batch = self._batch(connection, (), locked)
            answers = batch.decide_due()
            with pipelined(connection, commit=True):
                batch.write()
        return answers

    def _batch(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        locked: BatchLocks,
        policy: Policy | None = None,
    ) -> Batch:
        active = policy or self.policy(connection, locked.policy)
        # Read under the locks, so no entry that was made during the wait is later.
        sender_now = self._clock()
        now = locked.now(lambda: sender_now)
        return Batch(connection, envelopes, locked, active, now, sender_now=sender_now)

    def lock(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        lock_timeout: timedelta | None = None,
    ) -> BatchLocks:
        """Lock the sites of the envelopes: see `locks.lock_sites`."""
        return lock_sites(connection, envelopes, lock_timeout=lock_timeout)

    def lock_due(self, connection: Connection, now: datetime, limit: int) -> BatchLocks:
        """Lock up to `limit` due sites, but at most one batch: see `locks.lock_due`."""
        most = min(limit, MAX_BATCH)
        return lock_due(connection, now, most)

    def policy(self, connection: Connection, digest: str) -> Policy:
        """The policy with that digest; each policy is read only once."""
        if digest not in self._policies:
            self._policies[digest] = machine_policy.read(desk_state.policy_toml(connection, digest))
        return self._policies[digest]
