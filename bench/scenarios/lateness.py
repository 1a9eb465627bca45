"""How late a clock is enforced, at 50 and at 1,000 due clocks a second, with an operator beside it.

Measured: milliseconds from the due time of each clock to the `recorded_at` of its `clock_lapsed`
entry, as a real `incidents daemon` process writes it; p50, p99, the worst and the earliest (which
would be negative if one fired early), all taken from the audit entries. An operator process logs
20 violations a second on other sites of the same database meanwhile. The daemon delivers each order
to a receiver on the loopback that takes it and never answers, so that all its attempts hang; its
other duties are on too (see `daemon`).

The clocks come from incidents that were logged an hour before they are due, under a clock that is
told: one each 20 ms, or 20 each 20 ms.

Not measured: the commit, which comes after `recorded_at` (a decision counts from when it is made).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from bench import daemon, posts, workers
from bench.clocks import due_one_after_the_other
from bench.context import Context, settle
from bench.databases import Databases, connect
from bench.program import environment
from bench.receiver import receiver
from bench.register import add_sites, desk_of, logging, taken
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock

MOST_MS = {50: 50.0, 1_000: 200.0}
"""By due clocks a second, what p99 is hoped to be at most."""

OPERATOR_A_SECOND = 20
_MOMENTS_A_SECOND = 50
_AHEAD = timedelta(seconds=8)
"""So long before the first clock the daemon is started; all its duties have begun by then."""
_OPERATORS_SITES = 1_000_000


def trials(context: Context) -> Iterator[Trial]:
    """Few and many clocks a second on each kind of database."""
    lasts_s = context.of_size(tiny=2, small=6, full=60)
    homes = count(1)
    for databases in context.each():
        for a_second, most_ms in MOST_MS.items():
            yield Trial(
                scenario="lateness",
                database=databases.kind,
                title=f"{a_second:,} due clocks a second for {lasts_s} s, an operator beside it, "
                "a receiver that hangs",
                rounds=context.of_size(tiny=1, small=1, full=min(3, context.rounds)),
                contenders=[_daemon(context.folder, homes, databases, a_second, lasts_s)],
                targets=[Target(of="p99", at_most=most_ms), Target(of="earliest", at_least=0.0)],
            )


def _daemon(
    folder: Path, homes: Iterator[int], databases: Databases, a_second: int, lasts_s: int
) -> Contender:
    def place() -> Path:
        return folder / f"lateness-{next(homes)}"

    def once() -> list[Figure]:
        late = sorted(_one_run(databases, a_second, lasts_s, place))
        return [
            Figure("p50", _percentile(late, 50), "ms"),
            Figure("p99", _percentile(late, 99), "ms"),
            Figure("worst", late[-1], "ms"),
            Figure("earliest", late[0], "ms"),
        ]

    return Contender(name="the daemon", role="ours", how="incidents daemon", run=once)


def _one_run(
    databases: Databases, a_second: int, lasts_s: int, place: Callable[[], Path]
) -> list[float]:
    clocks = lasts_s * a_second
    at_once = a_second // _MOMENTS_A_SECOND
    prepare_s = 5.0 + clocks / 1_500
    while True:
        with databases.new() as url, receiver(answers=False) as to:
            first_due = clock.now() + timedelta(seconds=prepare_s) + _AHEAD
            home = daemon.home(place(), url, posts.section(to.url))
            _add_operators_sites(url, lasts_s)
            apart = timedelta(seconds=1) / _MOMENTS_A_SECOND
            due_one_after_the_other(url, clocks, first_due, apart, at_once=at_once)
            settle()
            left_s = (first_due - _AHEAD - clock.now()).total_seconds()
            if left_s > 0:
                time.sleep(left_s)
                if _enforce(url, home, first_due, lasts_s):
                    if not to.figures()["count"]:
                        raise RuntimeError("no order has come to the receiver")
                    return _lateness(url, clocks)
        # Not all was ready in time; how long it takes depends on the machine.
        prepare_s *= 3


def _enforce(url: str, home: daemon.Home, first_due: datetime, lasts_s: int) -> bool:
    """The daemon and the operator, until some seconds after the last clock.

    Not if the daemon takes too long to start.
    """
    with daemon.running(url, home) as started:
        if clock.now() > first_due - _AHEAD / 2:
            return False
        operator = subprocess.Popen(
            [sys.executable, "-m", "bench.scenarios.lateness", url, str(lasts_s + 2)],
            env=environment(),
        )
        until = first_due + timedelta(seconds=lasts_s + 2)
        try:
            while clock.now() < until or not _all_done(url):
                daemon.check(started)
                if clock.now() > until + timedelta(seconds=60):
                    raise RuntimeError(f"the daemon is a minute behind: {home.last_line()}")
                time.sleep(0.5)
        finally:
            status = operator.wait(60)
    if status != 0:
        raise RuntimeError(f"the operator ended with {status}")
    return True


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
