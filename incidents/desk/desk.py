"""The desk's acts: a batch of commands, what is due, a new policy; each is one transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from incidents import clock
from incidents.clock import rfc3339
from incidents.desk import activation
from incidents.desk.batch import Batch
from incidents.desk.envelope import Answer, Envelope, nothing_done
from incidents.errors import DatabaseError, InputError, RefusedError
from incidents.log import logger
from incidents.machine import policy as machine_policy
from incidents.machine.commands import Elapse
from incidents.machine.policy import Policy
from incidents.machine.refusals import Refusal
from incidents.store import policies, sites
from incidents.store.engine import database_time, plainly, reading

MAX_BATCH = 1_000
MAX_AHEAD = timedelta(minutes=5)
# Each time that a key is lost to another transaction, that one has been done.
_ATTEMPTS = 5

# With these it is the database that does not answer, whichever site was asked for.
_NO_DATABASE = (OperationalError, InterfaceError, DatabaseError)

_log = logger("desk")


class Desk:
    """The desk of one database.

    `clock` gives the machine's time, aware and in UTC. On PostgreSQL an act is refused when that
    time is more than five minutes ahead of the database's, unless `own_clock` (by default the
    variable INCIDENTS_CLOCK=own) says that time is simulated.

    All acts raise DatabaseError when the database does not do its part.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = clock.now,
        own_clock: bool | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._own_clock = (
            os.environ.get("INCIDENTS_CLOCK") == "own" if own_clock is None else own_clock
        )
        self._policies: dict[str, Policy] = {}

    def submit(
        self,
        envelopes: Sequence[Envelope],
        *,
        dry_run: bool = False,
        policy: Policy | None = None,
    ) -> list[Answer]:
        """Takes the commands in order, in one transaction; answers in the same order.

        A dry run decides the same, under `policy` if there is one, and leaves no trace.

        Raises:
            InputError: for more commands than a batch may have.
        """
        if policy is not None and not dry_run:
            raise ValueError("only a dry run may be decided under another policy")
        if len(envelopes) > MAX_BATCH:
            raise InputError(
                f"a batch has {MAX_BATCH:,} commands at most, got {len(envelopes):,}: send it in "
                "parts"
            )
        if not envelopes:
            return []
        with plainly(self._engine):
            for _ in range(_ATTEMPTS - 1):
                try:
                    return self._submit(envelopes, dry_run=dry_run, policy=policy)
                except IntegrityError:
                    # Another transaction has used one of the keys: look again, and answer as it.
                    if all(envelope.key is None for envelope in envelopes):
                        raise
            return self._submit(envelopes, dry_run=dry_run, policy=policy)

    def elapse(self, *, limit: int = 500) -> list[Answer]:
        """Does what is due on up to `limit` sites, earliest first, in one transaction.

        Sites that somebody else has locked are left to them (PostgreSQL). Empty if nothing is due.
        One site that cannot be decided, a spoilt row say, does not stop the clock of the others.
        """
        with plainly(self._engine):
            if not self._any_due():
                return []
            try:
                return self._elapse_together(limit)
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is one site's
                _log.error("batch_not_enforced", error=type(error).__name__)
                return self._elapse_singly(limit)

    def _elapse_together(self, limit: int) -> list[Answer]:
        with self._transaction() as connection:
            clock = self._judged_clock(connection)
            if clock is None:
                _log.error("clock_ahead", now=self._clock())
                return []
            # Before any site is locked: an activation that waits for us must find them free.
            policy = self._active(connection)
            due = sites.due(connection, self._clock(), min(limit, MAX_BATCH))
            return _elapse(connection, due, policy, clock)

    def _elapse_singly(self, limit: int) -> list[Answer]:
        with self._transaction(keep=False) as connection:
            due = sites.due(connection, self._clock(), min(limit, MAX_BATCH))
        answers: list[Answer] = []
        for site_id in due:
            try:
                with self._transaction() as connection:
                    policy = self._active(connection)
                    answers += _elapse(connection, [site_id], policy, self._clock)
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 - told, and the next site's turn
                _log.error("site_not_enforced", site_id=site_id, error=type(error).__name__)
        return answers

    def activate(
        self, policy_text: str, *, by: str, login: str | None, reason: str, key: str | None = None
    ) -> dict[str, Any]:
        """Makes the policy in `policy_text` (TOML) the active one, on record with the reason.

        Raises:
            PolicyError: if it is not a policy.
            RefusedError: if it is active already, or the key was used for another act.
        """
        policy = machine_policy.read(policy_text)
        act = activation.Activation(policy=policy, by=by, login=login, reason=reason, key=key)
        with plainly(self._engine), self._transaction() as connection:
            clock = self._judged_clock(connection)
            if clock is None:
                raise RefusedError(
                    f"this machine's clock, {rfc3339(self._clock())}, is more than five minutes "
                    "ahead of the database's: set it right first"
                )
            return activation.activate(
                connection, act, clock, partial(self._do_what_is_due, connection)
            )

    def policy(self) -> Policy:
        """The active policy."""
        with plainly(self._engine), reading(self._engine) as connection:
            return self._read_policy(connection)

    def _do_what_is_due(self, connection: Connection, now: datetime) -> list[dict[str, Any]]:
        """All that fell due before `now`, under the policy that is active still: its events."""
        policy = self._active(connection)
        events: list[dict[str, Any]] = []
        while due := sites.due(connection, now, MAX_BATCH):
            for answer in _elapse(connection, due, policy, lambda: now):
                site = {"site": answer.site}
                events += [site | event for event in answer.document["events"]]
        return events

    def _submit(
        self, envelopes: Sequence[Envelope], *, dry_run: bool, policy: Policy | None
    ) -> list[Answer]:
        with self._transaction(keep=not dry_run) as connection:
            clock = self._judged_clock(connection)
            if clock is None:
                ahead = self._ahead_by(connection)
                facts = {"now": self._clock(), "ahead_s": int(ahead.total_seconds())}
                return [nothing_done(str(e.site), Refusal("clock_ahead", facts)) for e in envelopes]
            active = self._active(connection)
            return Batch(connection, envelopes, policy or active, clock).take()

    @contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[Connection]:
        """A transaction that writes, or that only looks as if it did."""
        with self._engine.connect() as connection:
            connection.execution_options(incidents_writes=True)
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                transaction.rollback()
                raise
            if keep:
                transaction.commit()
            else:
                transaction.rollback()

    def _any_due(self) -> bool:
        """A look first, on SQLite: the file's one write lock is not taken to find nothing to do."""
        if self._engine.dialect.name != "sqlite":
            return True
        with reading(self._engine) as connection:
            return bool(sites.due(connection, self._clock(), 1))

    def _active(self, connection: Connection) -> Policy:
        """The active policy, which stays so until the transaction ends."""
        policies.keep(connection)
        return self._read_policy(connection)

    def _read_policy(self, connection: Connection) -> Policy:
        digest = policies.active(connection)
        if digest not in self._policies:
            self._policies[digest] = machine_policy.read(policies.toml(connection, digest))
        return self._policies[digest]

    def _judged_clock(self, connection: Connection) -> Callable[[], datetime] | None:
        """The clock to decide by; None if it is too far ahead of the database's to be believed."""
        return None if self._ahead_by(connection) > MAX_AHEAD else self._clock

    def _ahead_by(self, connection: Connection) -> timedelta:
        """How far this machine's clock is ahead of the database's."""
        there = None if self._own_clock else database_time(connection)
        return timedelta(0) if there is None else self._clock() - there


def _elapse(
    connection: Connection, due: Sequence[int], policy: Policy, clock: Callable[[], datetime]
) -> list[Answer]:
    if not due:
        return []
    envelopes = [Envelope(site=id_, command=Elapse()) for id_ in due]
    return Batch(connection, envelopes, policy, clock).take()
