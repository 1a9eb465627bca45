"""The split: a replay of all that there is, in shares, by as many processes as are of use."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from itertools import islice, pairwise

from sqlalchemy import Engine, func, select

from incidents.audit.crew import Crew, NoCrewError
from incidents.audit.finding import Finding
from incidents.audit.replay import Replay
from incidents.audit.share import Share, Span
from incidents.audit.snapshot import NoSnapshotError
from incidents.audit.stream import parts
from incidents.audit.worker import Progress
from incidents.store.engine import plainly, reading
from incidents.store.tables import entries

MOST_PROCESSES = 4
FEW_ENTRIES = 50_000
"""So many are replayed before a second process has begun."""

_SHARES_EACH = 8
# Where the references of sealed values begin is as good as drawn by lot.
_SEALS = [None, *(f"sha256:{digit}" for digit in "2468ace"), None]


class Split:
    """One replay of all sites, the desk's own stream and the sealed values; or of one site alone.

    `sites` and `entries` count those that have been looked at so far; `done` is told of entries,
    in between. No more than `most` findings are looked for. There are as many `processes` as
    processors by default, up to four, and none but this one for a site or a small database.
    """

    def __init__(
        self,
        engine: Engine,
        site_id: int | None = None,
        *,
        processes: int | None = None,
        most: int | None = None,
        done: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.sites = 0
        self.entries = 0
        self._engine = engine
        self._site_id = site_id
        self._processes = processes
        self._most = most
        self._done = done

    def findings(self) -> Generator[Finding]:
        """All that is not as the record has it, in the order of `Replay.findings`.

        Raises:
            DatabaseError: when the database does not do its part.
            WorkerLostError: if a process ends before its time.
        """
        with plainly(self._engine), ExitStack() as opened:
            crew = self._crew(opened)
            yield from self._alone() if crew is None else self._together(crew)

    def _crew(self, opened: ExitStack) -> Crew | None:
        """The processes beside this one; None if none are needed, or none can be had."""
        processes = self._processes or self._of_use()
        if processes < 2:
            return None
        try:
            return opened.enter_context(Crew(self._engine, processes))
        except (NoCrewError, NoSnapshotError):
            return None

    def _of_use(self) -> int:
        if self._site_id is not None:
            return 1
        with reading(self._engine) as connection:
            about = connection.scalar(select(func.max(entries.c.id))) or 0
        return 1 if about < FEW_ENTRIES else min(MOST_PROCESSES, len(os.sched_getaffinity(0)))

    def _alone(self) -> Iterator[Finding]:
        with reading(self._engine) as connection:
            replay = Replay(connection, self._site_id, done=self._done)
            # Closed before the connection is, and with it what it reads from.
            with closing(replay.findings()) as findings:
                for finding in islice(findings, self._most):
                    self._count(replay.sites, replay.entries)
                    yield finding
            self._count(replay.sites, replay.entries)

    def _together(self, crew: Crew) -> Iterator[Finding]:
        """The findings of each share when those of all shares before it have been told."""
        found: dict[int, list[Finding]] = {}
        due = 0
        for told in crew.work(self._shares(crew.size * _SHARES_EACH), self._most):
            if isinstance(told, Progress):
                self._done(told.entries)
                continue
            self._count(self.sites + told.sites, self.entries + told.entries)
            found[told.place] = told.findings
            while due in found:
                yield from found.pop(due)
                due += 1

    def _count(self, sites: int, entries: int) -> None:
        self.sites, self.entries = sites, entries

    def _shares(self, n: int) -> Iterator[Share]:
        """All of it, whatever there is: the sites in about `n` shares of as many entries each."""
        yield Share(desk=True)
        for first, before in pairwise([None, *self._bounds(n), None]):
            yield Share(sites=Span(first, before))
        for low, high in pairwise(_SEALS):
            yield Share(seals=Span(low, high))

    def _bounds(self, n: int) -> list[int]:
        of_site = select(entries.c.site_id, func.count()).group_by(entries.c.site_id)
        found: list[int] = []
        with reading(self._engine) as connection:
            each = 1 + (connection.scalar(select(func.count()).select_from(entries)) or 0) // n
            seen = 0
            for part in parts(connection, of_site.order_by(entries.c.site_id)):
                for site_id, count in part:
                    seen += count
                    if seen >= each * (len(found) + 1):
                        found.append(site_id + 1)
        return found
