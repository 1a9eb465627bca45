"""The traces: what a database's files still hold of rows that are gone, and how that goes too.

On SQLite `secure_delete` (see `engine`) writes zeros over what is deleted; what lay free before is
left behind by a VACUUM, and the write-ahead log, which holds pages as they were, is cut to nothing.
On PostgreSQL a VACUUM makes the space of the rows free, to be written over in time; its own
write-ahead log, its replicas and its backups are beyond this program.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine

from incidents.errors import DatabaseError
from incidents.store.database.engine import BUSY_TIMEOUT_S, plainly
from incidents.store.database.url import place
from incidents.store.schema.account_tables import refusals, sign_ins
from incidents.store.schema.tables import keys, sealed

PATIENCE_S = 10.0
"""About so long is waited for those who read the write-ahead log of a SQLite file."""

_PAUSE_S = 0.05


def remove(engine: Engine, *, rewrite: bool = True) -> None:
    """Makes the files forget what is deleted.

    Without `rewrite` a SQLite file is not written anew if nothing in it lies free: its log alone is
    cut, which an earlier attempt may not have come to.

    Raises:
        DatabaseError: if others read the log all the time, or the disk has no room for a VACUUM.
    """
    with plainly(engine):
        connection = engine.raw_connection()
        try:
            own: Any = connection.driver_connection
            if engine.dialect.name == "sqlite":
                _of_sqlite(engine, own, rewrite=rewrite)
            elif rewrite:
                _of_postgresql(own)
        finally:
            connection.close()


def _of_sqlite(engine: Engine, own: Any, *, rewrite: bool) -> None:
    if rewrite or own.execute("PRAGMA freelist_count").fetchone()[0]:
        own.execute("VACUUM")
    own.execute(f"PRAGMA busy_timeout={round(_PAUSE_S * 1000)}")
    try:
        # No clock is asked, since a simulated one may stand.
        for _ in range(round(PATIENCE_S / _PAUSE_S)):
            if not own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return
            time.sleep(_PAUSE_S)
    finally:
        own.execute(f"PRAGMA busy_timeout={round(BUSY_TIMEOUT_S * 1000)}")
    raise DatabaseError(
        f"the words are erased, but somebody reads {place(engine)} all the time, and its log "
        "(-wal) may hold them still: end the long look (an export, a backup), and run it again"
    )


def _of_postgresql(own: Any) -> None:
    before, own.autocommit = own.autocommit, True
    try:
        for table in (sealed, keys, sign_ins, refusals):
            own.execute(f"VACUUM {table.name}")
    finally:
        own.autocommit = before
