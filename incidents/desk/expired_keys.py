"""The expiry of idempotency keys: their stored answers are deleted, a few in each transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Engine

from incidents.desk.desk import Desk
from incidents.store import expired_keys
from incidents.store.database.engine import plainly, reading

AT_ONCE = 200
"""The number of keys that one transaction deletes: about 15 ms of SQLite's write lock."""

_FOUND_AT_ONCE = 5_000
_PAUSE_S = 0.01


def delete_expired(
    desk: Desk, engine: Engine, before: datetime, *, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Delete the answers that were recorded before that time (UTC); return how many.

    `stopped` is called between the transactions, in which others wait neither for long nor for a
    row that they need. Raises the same errors as `Desk.on_record`; earlier batches stay deleted.
    """
    gone, after = 0, ""
    while not stopped():
        with plainly(engine), reading(engine) as connection:
            found = expired_keys.some(connection, before, _FOUND_AT_ONCE, after=after)
        for first in range(0, len(found), AT_ONCE):
            batch = found[first : first + AT_ONCE]
            gone += desk.on_record(partial(expired_keys.remove, names=batch, before=before))
            if stopped():
                break
            time.sleep(_PAUSE_S)
        if len(found) < _FOUND_AT_ONCE:
            break
        after = found[-1]
    return gone
