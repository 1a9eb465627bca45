"""The erasure: the desk's own action that deletes people's text once the law permits it.

The entries of the record stay unchanged: once a value is gone, nobody can find out what the
reference to it meant. Each batch goes on record in the transaction that erases it. Evidence files
are deleted right after that transaction; if a crash leaves some, the next run deletes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.desk import expired_keys, own_stream
from incidents.desk.desk import Desk
from incidents.record import evidence
from incidents.record.own_events import WordsErased
from incidents.record.sealing import references
from incidents.store import desk_state, erasable
from incidents.store import expired_keys as stored_keys
from incidents.store.cases import sites
from incidents.store.database.engine import plainly, reading
from incidents.store.erasable import Scope, SealedValue
from incidents.store.inbox import erasable_reports
from incidents.store.schema.desk_tables import DESK_STREAM

WORDS_AT_ONCE = 1_000
FILES_AT_ONCE = 500
"""The maximum numbers of values (`WORDS_AT_ONCE`) and files that one transaction erases."""

_INCIDENT = re.compile(r'"incident":"\d+-(\d+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The scope of an erasure, with the person who ordered it and their reason.

    For one site, named `site`, the erasure covers all data that is old enough. For all sites, it
    covers only data that is no longer needed.
    """

    scope: Scope
    by: str
    login: str | None = None
    site: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The number of erased values, of erased evidence files, and of anonymised sign-ins.

    In a dry run, the numbers are of what would be erased.
    """

    words: int = 0
    files: int = 0
    sign_ins: int = 0

    @property
    def anything(self) -> bool:
        """Whether anything was erased, or would be in a dry run."""
        return self.words + self.files + self.sign_ins > 0


def expect(engine: Engine, scope: Scope, folder: Path) -> Erased:
    """Return the numbers of values and files that an erasure would erase now.

    Raises:
        DatabaseError: if the database fails.
    """
    with plainly(engine):
        words = sum(map(len, _erasable(engine, scope)))
        return Erased(words=words, files=len(_files(engine, scope, folder)))


def erase(
    desk: Desk,
    engine: Engine,
    erasure: Erasure,
    folder: Path,
    *,
    stopped: Callable[[], bool] = lambda: False,
    rewrite: bool = False,
) -> Erased:
    """Erase the data in scope, with the evidence files in `folder`.

    `stopped` is called between batches. `rewrite`: also remove data that was erased earlier from
    the database's files.

    Raises:
        RefusedError: if this machine's clock is far ahead of the database's.
        DatabaseError: if the database fails; earlier batches stay erased.
        FileError: if a file cannot be deleted.
    """
    scope = erasure.scope
    words = files = 0
    _erase_answers(desk, engine, scope, stopped)
    with plainly(engine):
        for some, digests in _portions(engine, scope, folder):
            done, gone = desk.on_record(
                partial(_erase, erasure=erasure, words=some, digests=digests, folder=folder)
            )
            for digest in gone:
                evidence.delete(folder, digest, clock.now())
            words, files = words + done, files + len(gone)
            if stopped():
                break
    # A person who requests it need not rely on our word that earlier data was cleared.
    clear(engine, folder, rewrite=rewrite or words > 0 or erasure.site is not None)
    return Erased(words=words, files=files)


def _erase_answers(desk: Desk, engine: Engine, scope: Scope, stopped: Callable[[], bool]) -> None:
    """Erase stored answers: even a salted digest can be tested against every phone number."""
    before, site_id = scope.before, scope.site_id
    if site_id is None:
        expired_keys.delete_expired(desk, engine, before, stopped=stopped)
        return

    def of_site(connection: Connection) -> None:
        found = stored_keys.of_site(connection, before, site_id)
        stored_keys.remove(connection, found, before)

    desk.on_record(of_site)


def clear(engine: Engine, folder: Path, *, rewrite: bool = False) -> None:
    """Finish earlier erasures: remove files left by a crash, and deleted rows in database files.

    Raises:
        DatabaseError: if other processes read all the time, or if the disk has no room.
    """
    evidence.sweep(folder, clock.now())
    erasable.secure_vacuum(engine, rewrite=rewrite)


def _portions(
    engine: Engine, scope: Scope, folder: Path
) -> Iterator[tuple[list[SealedValue], list[str]]]:
    files = _files(engine, scope, folder)
    parts = (files[n : n + FILES_AT_ONCE] for n in range(0, len(files), FILES_AT_ONCE))
    for words, digests in zip_longest(_erasable(engine, scope), parts):
        yield words or [], digests or []


def _erase(
    connection: Connection,
    *,
    erasure: Erasure,
    words: Sequence[SealedValue],
    digests: Sequence[str],
    folder: Path,
) -> tuple[int, list[str]]:
    """Erase one batch; return the number of values, and the files to delete afterwards."""
    scope = erasure.scope
    desk_state.lock_policy_shared(connection)
    ids = {word.site_id for word in words} | set(erasable.sites_with(connection, digests))
    sites.lock(connection, ids - {DESK_STREAM})
    # Checked again under the locks: an incident may have been opened again meanwhile.
    refs = [word.ref for word in _unneeded(connection, scope, words)]
    done = erasable.remove(connection, refs)
    erasable_reports.forget(connection, refs)
    gone = _unneeded_files(connection, scope, folder, digests)
    if done or gone:
        _put_on_record(connection, erasure, done, len(gone))
    return done, gone


def _put_on_record(connection: Connection, erasure: Erasure, words: int, files: int) -> None:
    own_stream.record(
        connection, own_stream.place(connection, clock.now), WordsErased, erasure.by, erasure.login,
        reason=erasure.reason, before=erasure.scope.before, words=words, files=files,
        of=erasure.site,
    )  # fmt: skip


def _erasable(engine: Engine, scope: Scope) -> Iterator[list[SealedValue]]:
    """Yield the values that are old enough and no longer needed, in portions."""
    after = None
    while True:
        with reading(engine) as connection:
            found = erasable.old_values(connection, scope, after, WORDS_AT_ONCE)
            unneeded = _unneeded(connection, scope, found)
        if not found:
            return
        after = found[-1]
        if unneeded:
            yield unneeded


def _unneeded(
    connection: Connection, scope: Scope, words: Sequence[SealedValue]
) -> list[SealedValue]:
    """The values that are no longer needed, in the same order.

    For a request about one site, all its values count as no longer needed.
    """
    if scope.site_id is not None or not words:
        return list(words)
    first, last = words[0].site_id, words[-1].site_id
    needed = erasable.needed(connection, first, last)
    needed |= erasable_reports.needed(connection, [word.ref for word in words])
    for site_id, incidents in erasable.unsettled_incidents(connection, first, last).items():
        needed |= _references_about(connection, site_id, incidents, scope.before)
    return [word for word in words if word.ref not in needed]


def _references_about(
    connection: Connection, site_id: int, incidents: set[int], before: datetime
) -> set[str]:
    """The references to sealed values in the site's entries about these incidents."""
    return {
        ref
        for body in erasable.bodies(connection, site_id, before)
        if (named := _INCIDENT.search(body)) is not None and int(named[1]) in incidents
        for ref in references(body)
    }


def _files(engine: Engine, scope: Scope, folder: Path) -> list[str]:
    with reading(engine) as connection:
        return _unneeded_files(connection, scope, folder)


def _unneeded_files(
    connection: Connection, scope: Scope, folder: Path, among: Sequence[str] | None = None
) -> list[str]:
    if among is not None and not among:
        return []
    now = clock.now()
    found = sorted(erasable.files(connection, scope, among))
    return [digest for digest in found if evidence.may_go(folder, digest, now)]
