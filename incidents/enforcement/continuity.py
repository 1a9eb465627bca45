"""The continuity: whether the database still has every entry for which orders were carried out.

The mark, a file outside the database, names the newest entry known to have been in the database.
The mark is updated before an order goes to the live system. If the database lacks this entry (an
older copy of a file, a backup, a standby that had not received the latest entries), or is found on
another server, the history continues in a new epoch, so that no receiver mistakes its orders for
old ones, and the live system is compared with the record. This is automatic, because a person
called at 3 a.m. does not know what was lost.

A daemon marks a new epoch at once, even if no order goes out. An epoch is never reused while the
disk of at least one daemon that has seen it survives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from incidents.clock import rfc3339
from incidents.desk import Desk, own_stream, resumption
from incidents.enforcement.mark import Mark, MarkFile, NoFileError
from incidents.errors import Cause, IncidentsError
from incidents.record.own_events import HistoryResumed
from incidents.store import entries
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.desk_state import database_time
from incidents.store.log import lineage

_LOST_AGAIN = (
    "halted_again",
    (
        "Entry {had} was in it and is missing, and its history had gone on from less already:"
        " another copy is at work beside the same key (stop it, or give it a key in a folder of its"
        " own), or its end was lost again"
    ),
)
_UNKNOWN_SERVER = (
    "halted_unknown_server",
    (
        "It is on another server than before, and nothing beside {file} says that orders were"
        " carried out for it from here: never go on with a copy whose [acts] reach real sites"
    ),
)
_HALTED_SINCE: dict[str | None, tuple[str, str]] = {
    lineage.UNKNOWN_SERVER: (
        "halted_unknown_server_at",
        (
            "At {since} it was found on another server than before, by a daemon that knew nothing"
            " of it"
        ),
    ),
    lineage.LOST_AGAIN: (
        "halted_again_at",
        (
            "At {since} its end was lost once more, before a person knew of the first"
            " time or within an hour of it: another copy may be at work beside the same key"
        ),
    ),
    None: (
        "halted_since",
        "It is so since {since}; the log of the daemon that found that says why",
    ),
}
"""The sentences by the code of the reason, for a reason that can no longer be observed."""


class HaltedError(IncidentsError):
    """no orders of this database are carried out until a person resumes: incidents recover --reason
    R. {detail}"""


class _Findings(NamedTuple):
    """The state found at `now` (UTC); `why`: the reason if the history does not continue."""

    mark: Mark | None
    found: lineage.Lineage
    standing: lineage.Standing
    why: resumption.Resumption | None
    now: datetime


class _Halt(NamedTuple):
    """The reason to halt until a person decides: its code in `lineage`, and a sentence."""

    why: str
    detail: str


class Continuity:
    """The continuity of one database, checked by the database's mark in `file`.

    `clock`: the machine's clock (UTC), for a database without a clock.
    """

    def __init__(
        self, engine: Engine, desk: Desk, file: Path, clock: Callable[[], datetime]
    ) -> None:
        self._engine, self._desk, self._file, self._clock = engine, desk, file, clock
        self._marks: MarkFile | None = None
        self._verified_at: datetime | None = None
        self.obstacle: str | None = None
        """The path of a directory found where the mark file belongs, when a person resumed."""

    def check(self) -> resumption.Resumption | None:
        """Check that the history continues; if not, begin a new epoch and return the reason.

        Raises:
            HaltedError: if a person must decide; raised by each call until they do.
            DatabaseError: if the database fails.
        """
        findings = self._inspect()
        self._refuse(findings)
        if findings.why is not None:
            # Check again under the lock: one loss is one epoch.
            done = self._desk.on_record(lambda c: self._resumed(c, findings.mark, None))
            self._inspect()
            return None if done is None else findings.why
        if findings.found.known is None and findings.found.found is not None:
            with plainly(self._engine), writing(self._engine) as connection:
                lineage.record_server(connection, findings.found.found)
        return None

    def resume(self, asked: resumption.Resumption) -> HistoryResumed:
        """Begin a new epoch at a person's request, and record the known loss.

        If a directory is found in place of the mark, only the loss known to the person is recorded.

        Raises:
            UnreadMarkError: if the mark cannot be read for another reason.
            DatabaseError: if the database fails.
        """
        mark = self._inspect(is_asked=True).mark
        done = self._desk.on_record(lambda c: self._resumed(c, mark, asked))
        assert done is not None
        self._inspect(is_asked=True)
        return done

    def advance_mark(
        self, history: lineage.Lineage, newest: entries.Newest | None, now: datetime
    ) -> None:
        """Write the mark for the newest entry, before orders go to the live system.

        `now` (UTC) is the time in the mark.
        """
        if newest is None:
            return
        own = self._mark_file(history.identity)
        own.advance(
            Mark(
                identity=own.identity,
                epoch=history.epoch,
                entry=newest.id,
                leaf=newest.leaf.hex(),
                at=now,
            )
        )

    def _inspect(self, *, is_asked: bool = False) -> _Findings:
        while True:
            asked = self._marks
            # Read before the database: a mark written meanwhile is not a loss.
            try:
                mark = None if asked is None else asked.read()
            except NoFileError as error:
                # A person can resume without it, and then moves the obstacle away.
                if not is_asked:
                    raise
                mark, self.obstacle = None, str(error.facts["file"])
            with plainly(self._engine), reading(self._engine) as connection:
                found = lineage.read(connection)
                if asked is not None and asked.identity == found.identity:
                    now = database_time(connection) or self._clock()
                    standing = lineage.standing(connection)
                    why = self._why(connection, found, standing, mark)
                    is_higher = mark is None or found.epoch > mark.epoch
                    unmarked = why is None and is_higher
                    newest = entries.newest(connection) if unmarked else None
                    break
            # The first check, or the database is another one now.
            self._mark_file(found.identity)
        if why is None:
            self._verified_at = now
        if self.obstacle is None:
            self.advance_mark(found, newest, now)
        return _Findings(mark, found, standing, why, now)

    def _refuse(self, findings: _Findings) -> None:
        since, why = findings.standing.halted_since, findings.standing.halted_why
        found = None if findings.why is None else self._reason_to_halt(findings, findings.why)
        if since is None:
            if found is not None and self._halt(findings, found.why):
                raise HaltedError(detail=found.detail)
            return
        if why == lineage.UNKNOWN_SERVER and findings.found.is_new and findings.mark is not None:
            # It was halted on a server without its mark; the mark is here.
            return
        still = Cause.of(*_HALTED_SINCE[why], since=rfc3339(since))
        raise HaltedError(detail=found.detail if found is not None and found.why == why else still)

    def _halt(self, findings: _Findings, why: str) -> bool:
        """Halt the database; return False if a person has resumed it in the meantime."""
        with plainly(self._engine), writing(self._engine) as connection:
            own_stream.locked(connection)
            is_so = lineage.standing(connection).epoch == findings.standing.epoch
            if is_so:
                lineage.halt(connection, findings.now, why)
        return is_so

    def _reason_to_halt(self, findings: _Findings, why: resumption.Resumption) -> _Halt | None:
        if why.cause == resumption.ANOTHER_SERVER:
            # It may be a copy for a drill, which must not change live systems.
            unknown = _Halt(lineage.UNKNOWN_SERVER, Cause.of(*_UNKNOWN_SERVER, file=self._file))
            return unknown if findings.mark is None else None
        # Not a second loss: the server changed, or this mark is newer than the first daemon's.
        if findings.found.is_new or not resumption.is_too_soon(findings.standing, findings.now):
            return None
        return _Halt(lineage.LOST_AGAIN, Cause.of(*_LOST_AGAIN, had=why.had))

    def _mark_file(self, identity: str) -> MarkFile:
        if self._marks is None or self._marks.identity != identity:
            self._marks, self._verified_at = MarkFile(self._file, identity), None
        return self._marks

    def _resumed(
        self, connection: Connection, mark: Mark | None, asked: resumption.Resumption | None
    ) -> HistoryResumed | None:
        own_stream.locked(connection)
        found, standing = lineage.read(connection), lineage.standing(connection)
        why = self._why(connection, found, standing, mark)
        if asked is not None:
            known = asked if why is None else replace(asked, cause=why.cause, had=why.had)
            highest = 0 if mark is None else mark.epoch
            why = replace(known, epoch=highest, since=self._since(mark))
        return None if why is None else resumption.resume(connection, why, self._clock)

    def _why(
        self,
        connection: Connection,
        found: lineage.Lineage,
        standing: lineage.Standing,
        mark: Mark | None,
    ) -> resumption.Resumption | None:
        """The reason why the history does not continue; None if it continues."""
        if mark is not None and _is_missing(connection, standing, mark):
            return resumption.Resumption(
                cause=resumption.ENTRIES_LOST,
                had=mark.entry,
                epoch=mark.epoch,
                since=self._since(mark),
            )
        if not found.is_new:
            return None
        known = found.epoch if mark is None else mark.epoch
        return resumption.Resumption(
            cause=resumption.ANOTHER_SERVER, epoch=known, since=self._since(mark)
        )

    def _since(self, mark: Mark | None) -> datetime | None:
        """The last time at which the history was known to be complete."""
        known = [self._verified_at, None if mark is None else mark.at]
        return max((each for each in known if each is not None), default=None)


def _is_missing(connection: Connection, standing: lineage.Standing, mark: Mark) -> bool:
    """Whether the database lacks the marked entry.

    A mark from an earlier epoch no longer counts, unless the present epoch began only because the
    server changed, with nothing known to be missing.
    """
    if mark.epoch > standing.epoch:
        return True
    if mark.epoch < standing.epoch and standing.moved_at is None:
        return False
    return not entries.has(connection, mark.entry, mark.leaf)
