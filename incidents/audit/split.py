"""The split of a replay into shares, one for each useful process, and their combined result."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, func, select

from incidents.audit.jobs import Call, workers_for
from incidents.audit.pool import Progress
from incidents.audit.replay import OUTSIDE, Replay
from incidents.audit.rows import ALL, Finding, Share, Span, site_spans
from incidents.store.archive import parts, whole
from incidents.store.database.engine import plainly, reading
from incidents.store.schema.desk_tables import entries

if TYPE_CHECKING:
    from incidents.contract.documents.proofs import Derived

_SHARES_EACH = 8
# The beginnings of references of sealed values are as good as random.
_SEALS = [None, *(f"sha256:{digit}" for digit in "2468ace"), None]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of replaying a share."""

    findings: list[Finding]
    sites: int
    entries: int


def replays(shares: Iterable[Share], most: int | None) -> Iterator[Call]:
    """The jobs for workers that replay these shares, each with at most `most` findings."""
    return ((_replayed, (share, most)) for share in shares)


def _replayed(connection: Connection, progress: Progress, share: Share, most: int | None) -> Report:
    replay = Replay(connection, share, done=progress)
    with closing(replay.findings()) as found:
        findings = list(islice(found, most))
    return Report(findings, replay.sites, replay.entries)


class Split:
    """One replay of all sites, the desk's own stream and the sealed values, or of only one site.

    `sites` and `entries` count the sites and entries replayed so far; `done` is called with numbers
    of entries, as progress. The search stops after `most` findings. By default there are as many
    `processes` as processors, up to four. For a single site or a small database, only this process
    runs.
    """

    def __init__(
        self,
        engine: Engine,
        site_id: int | None = None,
        *,
        processes: int | None = None,
        most: int | None = None,
        done: Progress = lambda _: None,
    ) -> None:
        self.sites = 0
        self.entries = 0
        self._engine = engine
        self._site_id = site_id
        self._processes = processes
        self._most = most
        self._done = done

    def findings(self) -> Generator[Finding]:
        """Yield all differences from the record, in the order of `Replay.findings`.

        Raises:
            DatabaseError: if the database fails.
            WorkerLostError: if a process ends too early.
        """
        engine = self._engine
        processes = 1 if self._site_id is not None else self._processes
        with plainly(engine):
            with reading(engine) as connection:
                # About how many entries there are, without counting them.
                about = connection.scalar(select(func.max(entries.c.id))) or 0
                # Here, because the error of a worker has less to say.
                parts.check_all(connection)
            # A process replays the database that it is connected to.
            with workers_for(
                nullcontext, engine, about, processes=processes, done=self._done
            ) as workers:
                for report in workers.each(replays(self._shares(workers.many), self._most)):
                    self.sites += report.sites
                    self.entries += report.entries
                    yield from report.findings

    def _shares(self, processes: int) -> Iterator[Share]:
        """Yield all shares; the shares of sites have about the same number of entries each."""
        if self._site_id is not None:
            yield Share(sites=Span.of(self._site_id))
            return
        if processes == 1:
            yield ALL
            return
        yield Share(desk=True)
        with reading(self._engine) as connection:
            count = whole.total(connection, select(func.count()).select_from(entries))
            spans = site_spans(connection, 1 + count // (processes * _SHARES_EACH))
        for span in spans:
            yield Share(sites=span)
        for low, high in pairwise(_SEALS):
            yield Share(seals=Span(low, high))


MAX_FINDINGS = 1_000
"""The maximum number of findings in a report; of further findings, it says only that there are
more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The numbers of sites and entries replayed, and the findings; `more`: there are others."""

    sites: int
    entries: int
    findings: tuple[Finding, ...]
    more: bool

    def document(self) -> Derived:
        """The result as JSON."""
        return {
            "sites": self.sites,
            "entries": self.entries,
            "findings": [finding.document() for finding in self.findings],
            "more": self.more,
            "outside": OUTSIDE,
        }


def replayed(
    engine: Engine, site_id: int | None = None, done: Progress = lambda _: None
) -> Replayed:
    """Recalculate every table, or the tables of one site, from the entries alone, and compare.

    Raises:
        DatabaseError: if the database fails.
        WorkerLostError: if a process ends too early.
    """
    split = Split(engine, site_id, most=MAX_FINDINGS + 1, done=done)
    found = tuple(split.findings())
    return Replayed(
        sites=split.sites, entries=split.entries, findings=found[:MAX_FINDINGS],
        more=len(found) > MAX_FINDINGS,
    )  # fmt: skip
