"""The thinning of checkpoints: of old ones some stay, and the desk records how many went.

Nothing needs a thinned checkpoint: whoever holds one can still compare it, because the root of the
tree at any size follows from the tiles. C2SP asks no log to keep old checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice

from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.desk import own_stream
from incidents.desk.desk import Desk
from incidents.record.own_events import CheckpointsThinned
from incidents.store.database.engine import plainly, reading
from incidents.store.log import thinning
from incidents.store.log.thinning import Old

AT_ONCE = 2_000
"""The number of checkpoints that one transaction deletes."""

_HOURLY = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which checkpoints stay at a time: `all_since` (UTC) all, `hourly_since` one an hour.

    Of older ones, one a day stays. Both times are at the beginning of an hour or a day, so that
    each is counted whole.
    """

    all_since: datetime
    hourly_since: datetime

    @classmethod
    def of(cls, now: datetime, keep_all: timedelta) -> Schedule:
        """The schedule at `now` (UTC), with all checkpoints of the last `keep_all`."""
        all_since = (now - keep_all).replace(minute=0, second=0, microsecond=0)
        days_ago = now - max(_HOURLY, keep_all)
        hourly_since = days_ago.replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(all_since, min(all_since, hourly_since))

    def period(self, signed_at: datetime) -> Hashable:
        """The hour or the day of which one checkpoint stays."""
        by_hour = signed_at >= self.hourly_since
        return signed_at.date(), signed_at.hour if by_hour else None

    def superfluous(self, old: Iterable[Old]) -> Iterator[int]:
        """The ids of the checkpoints, given in order, that do not stay.

        In each period the last one stays, and the last one that each witness signed. The first and
        the last one of each key stay, and all with a timestamp.
        """
        key = None
        for _, together in groupby(old, key=lambda each: (each.key, self.period(each.signed_at))):
            period = list(together)
            stay = {period[-1].id, *(each.id for each in period if each.stamped)}
            stay |= {*{by: each.id for each in period for by in each.witnesses}.values()}
            if period[0].key != key:
                stay.add(period[0].id)
            key = period[0].key
            yield from (each.id for each in period if each.id not in stay)


def thin(
    desk: Desk,
    engine: Engine,
    keep_all: timedelta,
    now: datetime,
    *,
    by: str,
    login: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Delete the checkpoints that do not stay at `now` (UTC); return how many.

    Each batch goes on record with its number, so that `verify` knows a deletion by anybody else.
    Nothing is done under a database role that may not delete checkpoints. `stopped` is called
    between batches. Raises the same errors as `Desk.on_record`; earlier batches stay deleted.
    """
    schedule = Schedule.of(now, keep_all)
    done = 0
    while not stopped():
        with plainly(engine), reading(engine) as connection:
            if not thinning.may_remove(connection):
                break
            ids = list(islice(_superfluous(connection, schedule), AT_ONCE))
        if not ids:
            break
        done += desk.on_record(partial(_remove, ids=ids, schedule=schedule, by=by, login=login))
    return done


def count(engine: Engine, keep_all: timedelta, now: datetime) -> int:
    """Return how many checkpoints `thin` would delete at `now` (UTC)."""
    with plainly(engine), reading(engine) as connection:
        if not thinning.may_remove(connection):
            return 0
        return sum(1 for _ in _superfluous(connection, Schedule.of(now, keep_all)))


def _superfluous(connection: Connection, schedule: Schedule) -> Iterator[int]:
    return schedule.superfluous(thinning.signed_before(connection, schedule.all_since))


def _remove(
    connection: Connection, ids: Sequence[int], schedule: Schedule, by: str, login: str | None
) -> int:
    # The desk's lock: of two that thin at once, the second finds nothing.
    place = own_stream.place(connection, clock.now)
    rows = thinning.remove(connection, ids)
    if rows:
        own_stream.record(
            connection, place, CheckpointsThinned, by, login, before=schedule.all_since, rows=rows
        )
    return rows
