"""72 hours of downtime: 10,000 clocks that fell due meanwhile, and the daemon's first seconds.

The daemon comes back while an operator logs beside it. All that was overdue must be done, in the
order of the due times, and be what the rules say of it; the operator gets through in between. How
long it takes, and for how long the operator was kept waiting, are figures, and no test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

from sqlalchemy import Engine, func, select

from incidents import clock
from incidents.store.schema.tables import sites
from tests.acceptance.daemons import daemon, engine_of, environment
from tests.databases import postgresql_server, sqlite_folder
from tests.fire import checker
from tests.fire.downtime_backlog import Backlog, Past
from tests.fire.downtime_operator import OWN_SITES
from tests.fire.ledger import Ledger
from tests.fire.ledger import read as read_ledger
from tests.fire.record import DISPATCHER, Entry
from tests.fire.record import read as read_record
from tests.patience import until

UNIT = "clocks"
CLOCKS = 10_000
SUSPENDED_FOR = timedelta(hours=12)

_TIMED = ("clock_lapsed", "suspension_ended")
_THOUGHT = 5


@dataclass(frozen=True, slots=True)
class Return:
    """The daemon's return by the record, in the order of the entries, with its duration.

    `began_s` and `done_s` are from the start of its process to the first and the last thing done;
    `acts_s` is how long each of the operator's acts took meanwhile.
    """

    backlog: Backlog
    since: datetime
    entries: list[Entry]
    theirs: frozenset[str]
    began_s: float
    done_s: float
    acts_s: list[float]

    def of(self, site: str) -> list[Entry]:
        """The site's entries since the daemon came back."""
        return [entry for entry in self._done if entry.site == site]

    @property
    def kinds(self) -> Counter[str]:
        """The clock's events, by kind."""
        return Counter(entry.kind for entry in self._done if entry.is_clocks)

    @property
    def _done(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.recorded_at >= self.since]

    def batches(self) -> list[list[datetime]]:
        """By batch of the daemon, in their order: what fell due first on each of its sites.

        Sites where the operator or the dispatcher acted first are left out: their acts do what is
        due on that site out of turn.
        """
        first: dict[str, Entry] = {}
        for entry in self._done:
            if entry.kind in _TIMED and entry.site not in self.theirs:
                first.setdefault(entry.site, entry)
        couriers = {(e.site, e.recorded_at) for e in self._done if e.actor == DISPATCHER}
        own = [e for e in first.values() if (e.site, e.recorded_at) not in couriers]
        ordered = sorted(own, key=lambda entry: entry.recorded_at)
        grouped = groupby(ordered, key=lambda entry: entry.recorded_at)
        return [[entry.occurred_at for entry in batch] for _, batch in grouped]

    def acts_between(self) -> int:
        """Count the operator's acts after the first event of the backlog and before the last."""
        by_clock = [e.recorded_at for e in self._done if e.is_clocks and e.site not in self.theirs]
        own = [e.recorded_at for e in self._done if not e.is_nobodys]
        return sum(min(by_clock) < at < max(by_clock) for at in own)


def come_back(url: str, folder: Path, clocks: int) -> Return:
    """Lay the backlog, start the daemon beside an operator, and see all of it done and true.

    Raises:
        AssertionError: with the checker's findings.
    """
    backlog = Backlog.of(clocks)
    obstacle = list(backlog.plain[:: len(backlog.plain) // 50])
    with engine_of(url) as engine:
        now = clock.now()
        past = Past(engine, now)
        past.lay(backlog)
        past.add(OWN_SITES)
        waiting = overdue(engine)
        assert waiting == len(backlog.names), (waiting, len(backlog.names))
        since = clock.now()
        with operator(url, folder, obstacle) as beside:
            started = time.monotonic()
            with daemon(url, folder):
                until(lambda: overdue(engine) < waiting - _THOUGHT, "it has begun")
                began_s = time.monotonic() - started
                until(lambda: overdue(engine) == 0, "all is done")
                done_s = time.monotonic() - started
                acts_s = finish(beside)
        ledgers = [past.ledger, read_ledger(folder / "ledger")]
    record = folder / "record.jsonl"
    checker.check_database(url, ledgers, due_by=since, keep=record)
    entries = list(read_record(record.read_bytes().splitlines()))
    theirs = _sites_of(ledgers[1])
    return Return(backlog, since, entries, theirs, began_s, done_s, acts_s)


def _sites_of(ledger: Ledger) -> frozenset[str]:
    return frozenset(intent.site for intent in ledger.intents.values())


def overdue(engine: Engine) -> int:
    """Count the sites on which something is overdue."""
    counted = select(func.count()).select_from(sites).where(sites.c.next_due < clock.now())
    with engine.connect() as connection:
        return connection.scalar(counted) or 0


@contextmanager
def operator(url: str, folder: Path, overdue: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """An operator who acts in a loop, in a process of its own; its ledger is in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fire.downtime_operator", str(folder / "ledger"), *overdue],
        env=environment(url),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[bytes]) -> list[float]:
    """Let the operator stop; how long each act took, in seconds."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    took: list[float] = json.loads(out)
    return took


def check(done: Return) -> None:
    """Hold the return against the rules, beyond what the checker has seen.

    Raises:
        AssertionError: naming the site or the batch.
    """
    for n, (one, next_one) in enumerate(pairwise(done.batches())):
        assert max(one) <= min(next_one), f"batch {n + 1} is not in the order of the due times"
    backlog = done.backlog
    for site in (*backlog.plain, *backlog.several, *backlog.last_miss, *backlog.after):
        _check_suspension(site, [e for e in done.of(site) if e.kind == "site_suspended"], done)
    # The first miss suspends; those that lapse while it runs start nothing. R3 calls nobody.
    expected = {
        "several": ["clock_lapsed", "site_suspended", "clock_lapsed", "clock_lapsed"],
        "last_miss": ["clock_lapsed", "site_closed"],
        "reopening": ["suspension_ended", "task_opened"],
        "together": ["clock_lapsed", "suspension_ended", "task_opened"],
        "after": ["suspension_ended", "task_opened", "clock_lapsed", "site_suspended"],
    }
    for name, kinds in expected.items():
        for site in getattr(backlog, name):
            found = [entry.kind for entry in done.of(site) if entry.is_clocks]
            assert found == kinds, f"{site}: {found}, and not {kinds}"


def _check_suspension(site: str, made: list[Entry], done: Return) -> None:
    """One at most, of twelve hours from when it was really made."""
    assert len(made) == (site not in done.backlog.last_miss), f"{site}: {made}"
    for entry in made:
        until_ = entry.time("until")
        assert until_ == entry.recorded_at + SUSPENDED_FOR, f"{entry}: until {until_}"


def chunk(seed: int, folder: Path) -> Counter[str]:
    """10,000 overdue clocks on SQLite, for an odd seed on PostgreSQL, and what they took."""
    if seed % 2:
        with postgresql_server() as server, server.at_head() as url:
            done = come_back(url, folder, CLOCKS)
    else:
        with sqlite_folder() as files, files.at_head() as url:
            done = come_back(url, folder, CLOCKS)
    check(done)
    # A small backlog is done before the operator's turn comes.
    assert done.acts_between() > 0, "the operator was kept out until all was done"
    return figures(done, "postgresql" if seed % 2 else "sqlite")


def figures(done: Return, kind: str) -> Counter[str]:
    """The counts and durations: sums, to be divided by the number of returns."""
    took = sorted(done.acts_s)
    return Counter(
        {
            "clocks": sum(n for name, n in done.kinds.items() if name in _TIMED),
            f"{kind}: returns": 1,
            f"{kind}: ms to the first": int(done.began_s * 1000),
            f"{kind}: ms to the last": int(done.done_s * 1000),
            f"{kind}: operator's acts": len(took),
            f"{kind}: ms of the longest act": int(took[-1] * 1000),
            f"{kind}: ms of the 99th of 100 acts": int(took[len(took) * 99 // 100] * 1000),
            f"{kind}: acts longer than 1 s": sum(seconds > 1 for seconds in took),
        }
    )
