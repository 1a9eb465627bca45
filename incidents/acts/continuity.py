"""The continuity: whether the database is the one for which orders were carried out before.

What is known to have been in it stands in a file outside of it, the mark: before an order goes into
the world, the newest entry at that moment. When a database is put back that has not got this entry
(an older copy of a file, a backup, a standby that had not heard of the end), or is found on another
server, the history goes on in a new epoch, so that no receiver takes its orders for old ones, and
the world is compared with it. By itself: whoever looks at 3 a.m. does not know what was lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from incidents import disk
from incidents.audit.own_acts import HistoryResumed
from incidents.desk import Desk, own_stream, resumption
from incidents.desk.resumption import ANOTHER_SERVER, ENTRIES_LOST, Resumption
from incidents.log import logger
from incidents.store import entries, lineage
from incidents.store.engine import plainly, reading, writing
from incidents.store.entries import Newest
from incidents.store.lineage import Lineage

SUFFIX = ".mark"

_log = logger("acts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known to have been in `database`: the epoch, and the newest entry with the hash of
    its leaf (hexadecimal)."""

    database: str
    epoch: int
    entry: int
    leaf: str


class Continuity:
    """The continuity of one database, as `file` has it; `clock` gives the machine's time (UTC)."""

    def __init__(
        self, engine: Engine, desk: Desk, file: Path, clock: Callable[[], datetime]
    ) -> None:
        self._engine, self._desk, self._file, self._clock = engine, desk, file, clock
        self._kept: Mark | None = None
        self._told: str | None = None

    def check(self) -> Resumption | None:
        """Looks whether the history goes on; if not, lets it begin a new epoch, and says why.

        Raises:
            DatabaseError: when the database does not do its part.
        """
        # Before the database is asked: what somebody marks meanwhile is no loss.
        mark = self._read()
        with plainly(self._engine), reading(self._engine) as connection:
            found = lineage.look(connection)
            why = _why(connection, found, mark)
        if why is not None:
            # Once more, now that nobody else does the same: one loss is one epoch.
            done = self._desk.on_record(lambda c: self._resumed(c, mark, None))
            return None if done is None else why
        if found.known is None and found.found is not None:
            with plainly(self._engine), writing(self._engine) as connection:
                lineage.adopt(connection, found.found)
        return None

    def has_lost(self) -> bool:
        """Whether anything is known to be missing."""
        mark = self._read()
        with plainly(self._engine), reading(self._engine) as connection:
            return _why(connection, lineage.look(connection), mark) is not None

    def resume(self, asked: Resumption) -> HistoryResumed:
        """Lets it begin a new epoch because somebody asks; what is known to be missing is put on
        record. Raises as `check` does."""
        mark = self._read()
        done = self._desk.on_record(lambda c: self._resumed(c, mark, asked))
        assert done is not None
        return done

    def _resumed(
        self, connection: Connection, mark: Mark | None, asked: Resumption | None
    ) -> HistoryResumed | None:
        own_stream.locked(connection)
        why = _why(connection, lineage.look(connection), mark)
        if asked is not None and why is not None:
            why = replace(asked, cause=why.cause, had=why.had, epoch=why.epoch)
        why = why or asked
        return None if why is None else resumption.resume(connection, why, self._clock)

    def keep(self, history: Lineage, newest: Newest | None) -> None:
        """Marks what there is, before orders go into the world for it.

        A disk that does not take it is told of, and holds up no order.
        """
        if newest is None:
            return
        mark = Mark(
            database=self._database, epoch=history.epoch, entry=newest.id, leaf=newest.leaf.hex()
        )
        if mark == self._kept:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            disk.write_whole(self._file, [json.dumps(asdict(mark)).encode()])
        except OSError as error:
            _log.error("the mark cannot be written", file=str(self._file), error=error.strerror)
            return
        self._kept = mark

    @property
    def _database(self) -> str:
        """Which one it is, by its address: another one beside it has lost nothing."""
        url = self._engine.url
        host, port = url.host or url.query.get("host", ""), url.port or url.query.get("port", "")
        return f"{host}:{port}/{url.database or ''}"

    def _read(self) -> Mark | None:
        """The mark of this database; one that cannot be used is told of, and holds up no order."""
        try:
            found = json.loads(self._file.read_bytes())
            mark = Mark(**{each.name: found[each.name] for each in fields(Mark)})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, OSError) as error:
            why = getattr(error, "strerror", None) or "it is no mark"
            if why != self._told:
                _log.error("the mark cannot be read", file=str(self._file), error=why)
            self._told = why
            return None
        return mark if mark.database == self._database else None


def _why(connection: Connection, found: Lineage, mark: Mark | None) -> Resumption | None:
    """Why the history does not go on, if it does not. A mark of an earlier epoch than that which
    runs was answered by it."""
    if mark is not None and mark.epoch >= found.epoch:
        newer = mark.epoch > found.epoch
        if newer or not entries.has(connection, mark.entry, mark.leaf):
            return Resumption(cause=ENTRIES_LOST, had=mark.entry, epoch=mark.epoch)
    return Resumption(cause=ANOTHER_SERVER) if found.is_new else None


def beside(key_file: Path) -> Path:
    """The mark's file: beside the log's key, where a restored database does not reach."""
    return key_file.with_name(key_file.name + SUFFIX)
