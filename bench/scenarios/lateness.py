"""How late a clock is enforced, at a steady 50 due clocks a second, with an operator beside it.

Measured: milliseconds from the due time of each clock to the `recorded_at` of its `clock_lapsed`
entry, as a real `incidents daemon` process writes it; p50, p99, the worst and the earliest (which
would be negative if one fired early), all taken from the audit entries. An operator process logs
20 violations a second on other sites of the same database meanwhile.

The clocks come from incidents that were logged an hour before they are due, under a clock that is
told, 20 ms apart.

Not measured: the commit, which comes after `recorded_at` (a decision counts from when it is made),
and the delivery of orders.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from bench import workers
from bench.clocks import due_one_after_the_other
from bench.context import Context, settle
from bench.databases import Databases, connect
from bench.program import environment, start
from bench.register import add_sites, desk_of, logging, taken
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock

A_SECOND = 50
OPERATOR_A_SECOND = 20
APART = timedelta(seconds=1) / A_SECOND
_AHEAD = timedelta(seconds=4)
"""So long before the first clock the daemon is started."""
_OPERATORS_SITES = 1_000_000


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    lasts_s = context.of_size(tiny=2, small=6, full=60)
    for databases in context.each():
        yield Trial(
            scenario="lateness",
            database=databases.kind,
            title=f"{A_SECOND} due clocks a second for {lasts_s} s, an operator beside it",
            rounds=context.of_size(tiny=1, small=1, full=context.rounds),
            contenders=[_daemon(databases, lasts_s, context.folder / "daemon.jsonl")],
            targets=[
                Target(of="p99", at_most=100.0),
                Target(of="earliest", at_least=0.0),
            ],
        )


def _daemon(databases: Databases, lasts_s: int, journal: Path) -> Contender:
    def once() -> list[Figure]:
        late = sorted(_one_run(databases, lasts_s, journal))
        return [
            Figure("p50", _percentile(late, 50), "ms"),
            Figure("p99", _percentile(late, 99), "ms"),
            Figure("worst", late[-1], "ms"),
            Figure("earliest", late[0], "ms"),
        ]

    return Contender(name="the daemon", role="ours", how="incidents daemon", run=once)


def _one_run(databases: Databases, lasts_s: int, journal: Path) -> list[float]:
    clocks = lasts_s * A_SECOND
    prepare_s = 5.0
    while True:
        with databases.new() as url:
            _add_operators_sites(url, lasts_s)
            first_due = clock.now() + timedelta(seconds=prepare_s) + _AHEAD
            due_one_after_the_other(url, clocks, first_due, APART)
            if clock.now() < first_due - _AHEAD:
                settle()
                _enforce(url, first_due, lasts_s, journal)
                return _lateness(url, clocks)
        # It was not ready in time; how long it takes depends on the machine.
        prepare_s *= 3


def _enforce(url: str, first_due: datetime, lasts_s: int, journal: Path) -> None:
    """The daemon and the operator, until some seconds after the last clock."""
    daemon = start("daemon", "--db", url, journal=journal)
    operator = subprocess.Popen(
        [sys.executable, "-m", "bench.scenarios.lateness", url, str(lasts_s + 2)],
        env=environment(),
    )
    try:
        until = first_due + timedelta(seconds=lasts_s + 2)
        while clock.now() < until or not _all_done(url):
            if daemon.poll() is not None:
                raise RuntimeError(f"the daemon ended with {daemon.returncode}")
            if clock.now() > until + timedelta(seconds=60):
                raise RuntimeError(f"the daemon is a minute behind: {_last_line(journal)}")
            time.sleep(0.5)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
        status = operator.wait(60)
    if status != 0:
        raise RuntimeError(f"the operator ended with {status}")


def _last_line(journal: Path) -> str:
    lines = journal.read_text(encoding="utf-8").splitlines()
    return lines[-1] if lines else "it has told nothing"


def _all_done(url: str) -> bool:
    with closing(connect(url)) as connection:
        overdue = connection.execute(
            "SELECT count(*) FROM sites WHERE state = 'active' AND next_due IS NOT NULL "
            "AND name NOT LIKE 'site-1______.example.com'"
        ).fetchone()[0]
    return bool(overdue == 0)


def _lateness(url: str, clocks: int) -> list[float]:
    """Milliseconds, of each clock."""
    with closing(connect(url)) as connection:
        found = connection.execute(
            'SELECT body FROM entries WHERE body LIKE \'%"kind":"clock_lapsed"%\''
        ).fetchall()
    entries = [json.loads(body) for (body,) in found]
    if len(entries) != clocks:
        raise RuntimeError(f"{len(entries):,} clocks of {clocks:,} have lapsed")
    return [
        (_time(entry["recorded_at"]) - _time(entry["occurred_at"])) / timedelta(milliseconds=1)
        for entry in entries
    ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _operators_sites(lasts_s: int) -> range:
    loggings = (lasts_s + 10) * OPERATOR_A_SECOND
    return range(_OPERATORS_SITES, _OPERATORS_SITES + loggings)


def _add_operators_sites(url: str, lasts_s: int) -> None:
    with desk_of(url) as desk:
        add_sites(desk, _operators_sites(lasts_s))


def operate(url: str, lasts_s: int) -> None:
    """Logs at a steady pace, for so long after the daemon has begun."""
    until = workers.moment() + lasts_s + _AHEAD.total_seconds()
    with desk_of(url) as desk:
        for site in _operators_sites(lasts_s):
            if workers.moment() > until:
                return
            began = workers.moment()
            taken(desk, [logging(site, 1)])
            time.sleep(max(0.0, 1 / OPERATOR_A_SECOND - (workers.moment() - began)))


if __name__ == "__main__":
    operate(sys.argv[1], int(sys.argv[2]))
