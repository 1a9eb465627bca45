"""The state of the desk: the database's time, the active policy, and stored results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    ScalarSelect,
    Select,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    null,
    select,
    update,
)

from incidents import clock
from incidents.store.schema.desk_tables import desk, keys, policies, rehearsal
from incidents.store.schema.types import UTCDateTime
from incidents.store.statement import Mutation, Query, insert_missing
from incidents.store.values_table import ValuesTable

BEHIND = "behind"
"""The key in the `info` of a replica's connection: its clock minus the time that it shows."""

_is_rehearsal = exists(select(rehearsal.c.id))

_own_time = case((_is_rehearsal, null()), else_=func.clock_timestamp(type_=UTCDateTime))
TIME: Query[datetime | None] = Query(lambda _: select(_own_time), lambda row: row[0])
"""The server's own time, in UTC, when the expression runs; None in a rehearsal."""


def _policy_and_time(given: ValuesTable) -> Select[Any]:
    time = null() if given.dialect == "sqlite" else _own_time
    return select(desk.c.policy, time)


POLICY_AND_TIME: Query[tuple[str, datetime | None]] = Query(
    _policy_and_time, lambda row: (row[0], row[1])
)
"""The digest of the active policy, and the time as in `TIME`; on SQLite the time is None."""


def server_time() -> ScalarSelect[datetime]:
    """The time at which a statement runs on PostgreSQL; in a rehearsal, the parameter `now`.

    The expression is a subquery, so that the time is read once and an index can be searched by it.
    """
    now = bindparam("now", type_=UTCDateTime)
    moment = case((_is_rehearsal, now), else_=func.clock_timestamp(type_=UTCDateTime))
    return select(moment).scalar_subquery()


def database_time(connection: Connection) -> datetime | None:
    """The time of the database's own clock, in UTC; on a replica the time as of which its state is.

    None for SQLite, which has no clock, and in a rehearsal, which accepts simulated times.
    """
    if connection.dialect.name == "sqlite":
        return None
    [moment] = TIME.fetch(connection).all()
    behind: timedelta | None = connection.info.get(BEHIND)
    return moment if moment is None or behind is None else moment - behind


def now(connection: Connection) -> datetime:
    """The database's own time, in UTC, if it has a clock; otherwise this machine's time."""
    return database_time(connection) or clock.now()


def is_rehearsal(connection: Connection) -> bool:
    """Whether the database was marked as a rehearsal when it was created."""
    return bool(connection.scalar(select(_is_rehearsal)))


# "policies" in ASCII: an advisory lock has a number, not a name.
_LOCK = 0x706F6C6963696573


def active_policy(connection: Connection) -> str:
    """The digest of the active policy."""
    [digest] = ACTIVE_POLICY.fetch(connection).all()
    return digest


def active_policy_toml(connection: Connection) -> str:
    """The text of the active policy's file."""
    [text] = _ACTIVE_POLICY_TOML.fetch(connection).all()
    return text


def policy_toml(connection: Connection, digest: str) -> str:
    """The text of a policy's file."""
    wanted = select(policies.c.toml).where(policies.c.digest == digest)
    text: str = connection.execute(wanted).scalar_one()
    return text


def lock_policy_shared(connection: Connection) -> None:
    """Prevent the activation of a policy until this transaction ends, by a shared lock.

    On PostgreSQL it is an advisory lock, because otherwise every action would write a shared row
    lock into the desk's one row. On SQLite a writer locks the whole file.
    """
    if connection.dialect.name == "postgresql":
        _KEPT.fetch(connection)


def lock_policy_exclusive(connection: Connection) -> None:
    """Wait until no transaction uses the active policy, and make new transactions wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def lock_desk(connection: Connection) -> tuple[str, int]:
    """The active policy's digest and the desk's last sequence number, locked, after all sites."""
    row = connection.execute(select(desk.c.policy, desk.c.seq).with_for_update()).one()
    return row.policy, row.seq


def activate_policy(
    connection: Connection,
    *,
    digest: str,
    text: str,
    at: datetime,
    by: str,
    reason: str,
) -> None:
    """Make a policy the active one; `reason` is a reference to a sealed value."""
    row = {"digest": digest, "toml": text, "activated_at": at, "by": by, "reason": reason}
    # A policy that is activated again keeps its first row; the entries have the rest.
    connection.execute(insert_missing(connection, policies), [row])
    connection.execute(update(desk).values(policy=digest))


ACTIVE_POLICY: Query[str] = Query(lambda _: select(desk.c.policy), lambda row: str(row[0]))
"""The digest of the active policy."""

_ACTIVE_POLICY_TOML: Query[str] = Query(
    lambda _: select(policies.c.toml).join(desk, desk.c.policy == policies.c.digest),
    lambda row: str(row[0]),
)

# The column has a type that the driver cannot read.
_KEPT: Query[None] = Query(
    lambda _: select(cast(func.pg_advisory_xact_lock_shared(_LOCK), Text)), lambda _: None
)


_SITE_ID = re.compile(r"[1-9][0-9]{0,17}")


class KeptAnswer(NamedTuple):
    """The result stored for a key, with its command's salted digest, its time (UTC) and person."""

    key: str
    fingerprint: str
    answer: Mapping[str, Any]
    recorded_at: datetime
    person: str


def answers_kept(connection: Connection, wanted: Iterable[str]) -> dict[str, KeptAnswer]:
    """The stored results for those keys."""
    found = ANSWERS_NAMED.fetch(connection, [(key,) for key in sorted(wanted)]).all()
    return {kept.key: kept for kept in found}


def sites_under(connection: Connection, key: str) -> list[int]:
    """The ids, in order, of the sites that have a key of their own under `key`, such as `K:12`.

    Such keys belong to a command for many sites that was submitted with `key`.
    """
    # The column is sorted by bytes, and ; follows : there.
    query = select(keys.c.key).where(keys.c.key > f"{key}:", keys.c.key < f"{key};")
    ends = (kept.removeprefix(f"{key}:") for kept in connection.scalars(query))
    return sorted(int(end) for end in ends if _SITE_ID.fullmatch(end))


def save_answers(connection: Connection, new: Sequence[KeptAnswer], expired: Iterable[str]) -> None:
    """Store results, in the order of their keys, after deleting the expired ones.

    Raises:
        IntegrityError: if another transaction has stored a result for one of the keys meanwhile.
    """
    _GONE_ANSWER.execute(connection, [(key,) for key in sorted(expired)])
    ordered = sorted(new, key=lambda kept: kept.key)
    _NEW_ANSWER.execute(connection, ordered)


ANSWERS_NAMED: Query[KeptAnswer] = Query(
    lambda given: select(keys).select_from(given.table.join(keys, keys.c.key == given.c.key)),
    KeptAnswer._make,
    key=Text,
)
"""The stored results for the given keys."""

_NEW_ANSWER = Mutation(keys, *KeptAnswer._fields)
_GONE_ANSWER = Mutation(keys, keys=("key",))
