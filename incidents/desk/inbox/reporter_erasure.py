"""The erasure of a reporter: their address, and what was read out of their reports.

A report that waits for the desk keeps what the desk needs to decide on it, and everything stays as
long as the law requires. The record keeps its entries, and what stands for the reporter there, from
which nobody can tell the address: so a standing stays in force.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.clock import rfc3339
from incidents.desk import erasure, own_stream
from incidents.desk.desk import Desk
from incidents.desk.erasure_request import TooYoungError
from incidents.record import evidence
from incidents.record.own_events import WordsErased
from incidents.settings.retention import Retention
from incidents.store import erasable
from incidents.store.database.engine import plainly, reading
from incidents.store.erasable import Scope
from incidents.store.inbox import answers, erasable_reports, reports
from incidents.store.inbox.erasable_reports import OfReporter

if TYPE_CHECKING:
    from incidents.contract.documents import policies as documents


_MOST_KEPT = 100
"""The maximum number of files that stay and are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterErasureRequest:
    """A request to erase the reporter with that address or name, with the reason."""

    reporter: str
    reason: str
    by: str
    login: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterErasureResult:
    """The numbers of texts and files that were erased, or would be in a dry run.

    They are from before `before` (UTC). `kept`: the files that stay. `waiting`: the reports that
    wait for the desk. `next`: when the first of the remaining texts can be erased.
    """

    reporter: str
    before: datetime
    words: int
    files: int
    kept: list[documents.KeptFile]
    waiting: int
    next: datetime | None

    def document(self, *, dry_run: bool) -> documents.ErasedReporter:
        """The document for programs."""
        return {
            "reporter": self.reporter, "before": rfc3339(self.before), "words": self.words,
            "files": self.files, "kept": self.kept, "waiting": self.waiting,
            "next_at": None if self.next is None else rfc3339(self.next), "dry_run": dry_run,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterErasures:
    """A handler of erasures for one database, its evidence folder, and its retention."""

    desk: Desk
    engine: Engine
    folder: Path
    keep: Retention

    def execute(
        self, request: ReporterErasureRequest, now: datetime, *, dry_run: bool,
        confirm: Callable[[], None], format_time: Callable[[datetime], str] = rfc3339,
    ) -> ReporterErasureResult:  # fmt: skip
        """Permanently erase the reporter's data that is old enough at `now` (UTC).

        Mails to them that wait are not sent any more. A dry run only returns the amount. `confirm`
        is called before anything is erased, and may raise an error to prevent it. `format_time`
        formats the time in a refusal.

        Raises:
            TooYoungError: if there is data, but the law requires all of it to be kept.
            DatabaseError: if the database fails.
            FileError: if a file cannot be deleted.
        """
        before = self.keep.cutoff(now)
        with plainly(self.engine), reading(self.engine) as connection:
            found = _find(connection, request.reporter, before)
            files = _files(connection, found, before, self.folder)
            kept = _kept(connection, found, files, self.folder)
        words = len(found.refs)
        if not (words or files) and found.first is not None:
            raise TooYoungError(site=request.reporter, at=format_time(self.keep.due(found.first)))
        if (words or files) and not dry_run:
            confirm()
            words, files = self.desk.on_record(
                partial(_erase, request=request, before=before, folder=self.folder)
            )
            for digest in files:
                evidence.delete(self.folder, digest, clock.now())
            erasure.clear(self.engine, self.folder, rewrite=True)
        return ReporterErasureResult(
            reporter=request.reporter, before=before, words=words, files=len(files),
            kept=kept, waiting=found.waiting,
            next=None if found.first is None else self.keep.due(found.first),
        )  # fmt: skip


def _erase(
    connection: Connection, request: ReporterErasureRequest, before: datetime, folder: Path
) -> tuple[int, list[str]]:
    place = own_stream.place(connection, clock.now)
    # Looked up again under the lock: a report may have ended meanwhile.
    found = _find(connection, request.reporter, before)
    files = _files(connection, found, before, folder)
    words = erasable.remove(connection, found.refs)
    erasable_reports.forget(connection, found.refs, unlink=False)
    staying = [each["digest"] for each in _kept(connection, found, files, folder)]
    erasable_reports.unlink(connection, found.key, before, staying)
    answers.drop(connection, found.key)
    own_stream.record(
        connection, place, WordsErased, request.by, request.login, reason=request.reason,
        before=before, words=words, files=len(files),
    )  # fmt: skip
    return words, files


def _find(connection: Connection, reporter: str, before: datetime) -> OfReporter:
    key = reports.reporter_key(connection, reporter)
    return erasable_reports.of_reporter(connection, key, before)


def _kept(
    connection: Connection, found: OfReporter, files: Collection[str], folder: Path
) -> list[documents.KeptFile]:
    """The files of their reports that stay, beside the `files` that go, and why."""
    pages = erasable_reports.pages_at_incidents(connection, found.reports)
    digests = sorted({*found.digests, *pages} - {*files})
    staying = [each for each in digests if evidence.kept(folder, each) is not None][:_MOST_KEPT]
    incidents = {**pages, **erasable.incidents_with(connection, staying)}
    waiting = erasable_reports.waiting_files(connection, staying)
    return [
        {
            "digest": each,
            "why": "incident" if each in incidents else "waiting" if each in waiting else "young",
            "incident": incidents.get(each),
        }
        for each in staying
    ]


def _files(connection: Connection, found: OfReporter, before: datetime, folder: Path) -> list[str]:
    if not found.digests:
        return []
    now = clock.now()
    may_go = erasable.files(connection, Scope(before=before), found.digests)
    return sorted(digest for digest in may_go if evidence.may_go(folder, digest, now))
