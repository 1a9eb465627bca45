"""What incidents cost in rows and bytes by table: real ones, through the desk, under a told clock.

    python -m bench.growth URL [INCIDENTS]

URL names an empty database, which is marked as a rehearsal. Each incident is logged with a key by a
program, claimed and called about by a person; most are removed, some nobody answers, some are
logged twice. Orders and notices are recorded as carried out, tasks are done each evening, and a
daemon numbers and signs after each second with an action. At the end a month passes, and what has
expired is deleted. Filings, accounts, evidence and imports are left out.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, func, select, text

from incidents import testing
from incidents.audit.log import rotation, sequencer, signing
from incidents.audit.log.signing_key import KeyRing
from incidents.desk import Desk, Envelope, expired_keys, thinning
from incidents.desk.activation import LogKey
from incidents.machine import commands as c
from incidents.settings.retention import Retention
from incidents.store.database import engine as engines
from incidents.store.database.engine import reading
from incidents.store.database.schema import upgrade
from incidents.store.schema.catalogue import every_table
from incidents.store.schema.desk_tables import keys
from incidents.store.schema.log_tables import deliveries
from incidents.store.schema.tables import tasks

A_DAY, DAYS = 2_000, 365
_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_SITES = 20_000
_NOTE = "Reported by the hotline; the page imitates a bank's."


class Year:
    """A desk with a random history; `events` are (time, number, command maker)."""

    def __init__(self, engine: Engine, clock: testing.Rehearsal, ring: KeyRing) -> None:
        self.desk, self.engine, self.clock, self.ring = Desk(engine), engine, clock, ring
        self.draw, self.numbers = Random(7), count()
        self.events: list[tuple[datetime, int, str, c.Command]] = []
        self.refused: Counter[str] = Counter()

    def plan(self, n: int, at: datetime) -> None:
        """Plan the incident and what follows from it."""
        site, draw = f"site-{self.draw.randrange(_SITES)}.example", self.draw
        note = _NOTE if draw.random() < 0.4 else None
        log = c.Log(
            by="crawler", urls=(f"https://{site}/path/{n}",), category="phishing", note=note,
            again=draw.random() < 0.05,
        )  # fmt: skip
        self._at(at, site, log)

    def follow(self, at: datetime, site: str, incident: int, claimed: str) -> None:
        """Plan the calls and the removal."""
        draw, by = self.draw, f"operator-{self.draw.randrange(9)}"
        call = at + timedelta(minutes=draw.randint(3, 50), seconds=draw.random() * 60)
        if draw.random() < 0.5:
            self._at(call - timedelta(minutes=1), site, c.ClaimItem(by=by, item=claimed))
        reached = draw.random()
        if reached > 0.7:
            outcome = c.RecordContact(by=by, incident=incident, outcome="no-answer")
            self._at(call, site, outcome)
            call += timedelta(minutes=20)
        if reached > 0.93:
            return
        self._at(call, site, c.RecordContact(by=by, incident=incident, outcome="reached"))
        if draw.random() < 0.9:
            removed = call + timedelta(hours=draw.random() * 20)
            self._at(removed, site, c.StateRemoved(by=by, incident=incident))

    def _at(self, at: datetime, site: str, command: c.Command) -> None:
        heappush(self.events, (at, next(self.numbers), site, command))

    def run(self) -> None:
        """Play all events, with what is due in between."""
        evening = _BEGIN + timedelta(hours=18)
        while self.events:
            at, number, site, command = heappop(self.events)
            self.clock.now = max(self.clock.now, at)
            while self.desk.elapse():
                pass
            [answer] = self.desk.submit(
                [Envelope(site=site, command=command, login="desk1", key=f"event-{number}")]
            )
            if answer.refusal is not None:
                self.refused[answer.refusal.name] += 1
            if isinstance(command, c.Log) and answer.refusal is None:
                incident = int(answer.incident_document["id"].partition("-")[2])
                self.follow(at, site, incident, str(incident))
            self.carry_out()
            if at > evening:
                self.do_tasks()
                evening += timedelta(days=1)
            sequencer.number_all(self.engine)
            unable = signing.sign(self.engine, self.ring, self.clock.now, is_daemon=True).unable
            if unable is not None:
                raise RuntimeError(unable)

    def carry_out(self) -> None:
        """Record all waiting orders and notices as carried out."""
        of = deliveries.c
        with reading(self.engine) as connection:
            waiting = connection.execute(
                select(of.site_id, of.site_seq, of.lane).where(of.dead.is_(False))
            ).all()
        done = [
            (
                site,
                c.RecordDelivery(order=seq, lane=lane, adapter="panel", attempts=1, enforced=True),
            )
            for site, seq, lane in waiting
        ]
        self.desk.submit([Envelope(site=site, command=each) for site, each in done])

    def do_tasks(self) -> None:
        """Do up to a thousand open tasks, as a shift does."""
        of = tasks.c
        with reading(self.engine) as connection:
            found = connection.execute(
                select(of.site_id, of.n).where(of.done_at.is_(None)).limit(1_000)
            ).all()
        self.desk.submit(
            [
                Envelope(site=site, command=c.CompleteTask(by="li", task=n), key=f"t{site}-{n}")
                for site, n in found
            ]
        )


def sizes(engine: Engine) -> dict[str, tuple[int, int]]:
    """The rows and the bytes of each table, with its indexes."""
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        with closing(sqlite3.connect(str(engine.url.database))) as raw:
            raw.execute("VACUUM")
    with engine.connect() as connection:
        if is_sqlite:
            statement = (
                "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema m"
                " ON m.name = d.name WHERE d.aggregate = TRUE GROUP BY 1"
            )
        else:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM FULL ANALYZE"))
            statement = (
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
            )
        taken = {name: int(size) for name, size in connection.execute(text(statement))}
        return {
            table.name: (
                connection.scalar(select(func.count()).select_from(table)) or 0,
                taken.get(table.name, 0),
            )
            for table in every_table().sorted_tables
        }


@contextmanager
def a_year(url: str) -> Iterator[Year]:
    """Yield a desk with its sites and its log's key."""
    upgrade(url, rehearsal=True)
    engine = engines.create(url)
    with testing.rehearsal(_BEGIN) as clock, tempfile.TemporaryDirectory() as folder:
        year = Year(engine, clock, KeyRing(Path(folder) / "audit.key"))

        def on_record(key: str, previous: str | None, lost: bool = False, /) -> None:
            new = LogKey(key=key, previous=previous, by="li", login=None, lost=lost, reason="-")
            year.desk.make_log_key(new)

        rotation.first(engine, year.ring, "desk.example/log", on_record)
        names = [f"site-{n}.example" for n in range(_SITES)]
        for first in range(0, _SITES, 1_000):
            year.desk.submit([
                Envelope(site=name, command=c.AddSite(by="li", phone="010 5555 0100"))
                for name in names[first : first + 1_000]
            ])  # fmt: skip
        sequencer.number_all(engine)
        yield year
    engine.dispose()


def main(url: str, incidents: int) -> None:
    """Play so many incidents, and print what a year of them takes."""
    with a_year(url) as year:
        before = sizes(year.engine)
        for n in range(incidents):
            year.plan(n, _BEGIN + timedelta(days=(n + year.draw.random()) / A_DAY))
        year.run()
        after = sizes(year.engine)
        print(f"{incidents:,} incidents, actions refused: {dict(year.refused)}; a year of")
        print(f"{A_DAY:,} incidents a day: rows, MB, after a year; and with what expires deleted")
        times, total = A_DAY * DAYS / incidents, [0.0, 0.0]
        elapsed = (year.clock.now - _BEGIN) / timedelta(days=1)
        year.clock.later(days=31)
        keep, now = Retention(), year.clock.now
        expired_keys.delete_expired(year.desk, year.engine, keep.cutoff_of_keys(now))
        thinning.thin(year.desk, year.engine, keep.checkpoints, now, by="clock")
        left = sizes(year.engine)
        for name, (rows, taken) in sorted(after.items(), key=lambda each: -each[1][1]):
            new_rows = rows - before[name][0]
            if new_rows <= 0:
                continue
            each = (taken - before[name][1]) / new_rows
            kept = year_rows = new_rows * times
            year_bytes, stay = year_rows * each, left[name][0] - before[name][0]
            kept_bytes = year_bytes
            # The last month is still there as it was.
            last_month = keep.keys.days / DAYS
            if stay < new_rows:
                # And of the time before what stays of each hour.
                kept = year_rows * last_month + stay * DAYS / elapsed
                kept_bytes = kept * each
            elif name == keys.name:
                each_left = (left[name][1] - before[name][1]) / stay
                kept_bytes = year_bytes * last_month + year_rows * (1 - last_month) * each_left
            total = [total[0] + year_bytes, total[1] + kept_bytes]
            print(
                f"{name:16} {year_rows:>12,.0f} {year_bytes / 1e6:>9,.1f} MB"
                f" {kept:>12,.0f} {kept_bytes / 1e6:>9,.1f} MB"
            )
        print(f"{'in all':29} {total[0] / 1e6:>9,.1f} MB {'':12} {total[1] / 1e6:>9,.1f} MB")


if __name__ == "__main__":
    given: list[Any] = sys.argv[1:]
    main(given[0], int(given[1]) if len(given) > 1 else A_DAY)
