"""The locks of a batch, taken before the batch reads, and always in the same order.

The row of the active policy is locked first, then the sites in the order of their IDs, or the due
sites that nobody else has locked. Only then are keys looked up and clocks read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from incidents.desk.envelope import Envelope
from incidents.machine.commands import AddSite, Command
from incidents.machine.refusal import Refusal
from incidents.store import desk_state
from incidents.store.cases import site_row, sites
from incidents.store.round_trip import pipelined, send

MAX_APART = timedelta(minutes=5)

_LOCK_NOT_AVAILABLE = "55P03"


class LockTimeoutError(Exception):
    """Another transaction held a needed lock for longer than the timeout; nothing was done."""


def is_lock_timeout(error: DBAPIError) -> bool:
    """Whether a transaction failed because it waited too long for a lock."""
    return getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLocks:
    """The locks of a batch until its transaction ends, with the data that they protect.

    `rows`: the rows of the sites, by ID. `policy`: the digest of the active policy. `kept`: the
    answers stored for the keys of the commands. `database_now`: the time (UTC) of the database's
    own clock; None if the database has no clock, or is a rehearsal.
    """

    rows: dict[int, site_row.Row]
    policy: str
    database_now: datetime | None
    kept: dict[str, desk_state.KeptAnswer] = field(default_factory=dict)

    def now(self, clock: Callable[[], datetime]) -> datetime:
        """The time (UTC) of the batch's decisions: the database's time, otherwise that of `clock`.

        With the database's time, all machines share one clock, so no machine decides anything
        early.
        """
        return clock() if self.database_now is None else self.database_now

    def refused(self, now: datetime) -> Refusal | None:
        """The refusal if this machine's clock, at `now`, is too far off: see `clock_refused`."""
        return clock_refused(now, self.database_now)


def clamp_times(command: Command, now: datetime, sender_now: datetime) -> Command:
    """The command, with no time later than the time of the desk.

    `sender_now`: the time of the machine that sent the command. `now`: the time of the desk. Both
    are in UTC. A time up to `sender_now` is in the past for the sender; if it is later than the
    time of the desk, it counts as `now`.
    """
    if sender_now <= now:
        return command
    times = {name: getattr(command, name, None) for name in ("at", "contact_at", "removed_at")}
    late: dict[str, Any] = {
        name: now for name, at in times.items() if at is not None and now < at <= sender_now
    }
    return replace(command, **late) if late else command


def clock_refused(now: datetime, database_now: datetime | None) -> Refusal | None:
    """The refusal of a clock that is too far from the database's clock; None if it is close.

    `now`: the time of the clock. `database_now`: the time of the database, or None to accept any
    clock. Both are in UTC.
    """
    ahead = timedelta(0) if database_now is None else now - database_now
    if ahead > MAX_APART:
        return Refusal("clock_ahead", {"now": now, "ahead_s": int(ahead.total_seconds())})
    if -ahead > MAX_APART:
        return Refusal("clock_behind", {"now": now, "behind_s": int(-ahead.total_seconds())})
    return None


def lock_sites(
    connection: Connection,
    envelopes: Sequence[Envelope],
    *,
    lock_timeout: timedelta | None = None,
) -> BatchLocks:
    """Lock the sites of the envelopes, and create rows for the sites to add.

    From then on, this transaction waits at most `lock_timeout` for a lock that another transaction
    holds (PostgreSQL): see `is_lock_timeout`.
    """
    names = {e.site for e in envelopes if isinstance(e.site, str)}
    numbers = {e.site for e in envelopes if isinstance(e.site, int)}
    wanted = sorted({e.key for e in envelopes if e.key is not None})
    added = any(isinstance(e.command, AddSite) for e in envelopes)
    if added or (names and numbers):
        # New rows come first: nobody may wait for one while holding another.
        _set_lock_timeout(connection, lock_timeout)
        desk_state.lock_policy_shared(connection)
        numbers |= _with_rows(connection, envelopes, names)
        names = set()
    with pipelined(connection):
        _set_lock_timeout(connection, lock_timeout)
        desk_state.lock_policy_shared(connection)
        query = sites.LOCKED_BY_NAME if names else sites.LOCKED
        found = query.fetch(connection, [(each,) for each in sorted(names or numbers)])
        kept = desk_state.ANSWERS_NAMED.fetch(connection, [(key,) for key in wanted])
        present = desk_state.POLICY_AND_TIME.fetch(connection)
    [(policy, time)] = present.all()
    return BatchLocks(
        rows={row["id"]: row for row in found.all()},
        policy=policy,
        database_now=time,
        kept={each.key: each for each in kept.all()},
    )


def lock_due(connection: Connection, now: datetime, limit: int) -> BatchLocks:
    """Lock up to `limit` sites on which something is due, the earliest first: see `sites.DUE`."""
    with pipelined(connection):
        desk_state.lock_policy_shared(connection)
        found = sites.DUE.fetch(connection, now=now, most=limit)
        present = desk_state.POLICY_AND_TIME.fetch(connection)
    [(policy, time)] = present.all()
    return BatchLocks(
        rows={row["id"]: row for row in found.all()}, policy=policy, database_now=time
    )


def _with_rows(connection: Connection, envelopes: Sequence[Envelope], names: set[str]) -> set[int]:
    """The IDs of the sites with those names; creates rows for the sites to add."""
    ids = sites.ids_by_name(connection, names)
    adding = (e.site for e in envelopes if isinstance(e.command, AddSite))
    missing = sorted({site for site in adding if isinstance(site, str)} - ids.keys())
    if missing:
        sites.add(connection, missing)
        ids |= sites.ids_by_name(connection, missing)
    return set(ids.values())


def _set_lock_timeout(connection: Connection, lock_timeout: timedelta | None) -> None:
    if lock_timeout is not None and connection.dialect.name == "postgresql":
        # In milliseconds, and for this transaction alone.
        send(
            connection, f"SET LOCAL lock_timeout = {lock_timeout // timedelta(milliseconds=1)}", ()
        )
