"""What the log costs the desk, and how soon what is committed is signed.

Measured: loggings a second of eight client processes, an address and a note each, by `Desk.submit`,
each its own transaction: with the log (entries carry the hash of their leaf, and a real `incidents
daemon` numbers and signs each second, on the same two cores) and without it (the column is gone,
nothing is hashed, no daemon runs).

And the lag: eight clients log as fast as they can for some seconds; of every entry the time from
its `recorded_at` to the `signed_at` of the first checkpoint that covers it.

Not measured: witnesses and publishing, which come after the checkpoint has been committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from typing import Any

from bench import log
from bench.context import Context
from bench.databases import Databases, connect
from bench.loggings import WARM_UP, Loggings, by_the_desk, prepare
from bench.trial import Contender, Figure, Target, Trial

CLIENTS = 8
_COVERED = """
    SELECT e.recorded_at, (
        SELECT min(c.signed_at) FROM checkpoints AS c WHERE c.size > l.leaf_index
    ) FROM leaves AS l JOIN entries AS e ON e.id = l.entry_id
    WHERE l.leaf_index >= {first} ORDER BY l.leaf_index
"""


def trials(context: Context) -> Iterator[Trial]:
    """Both on each kind of database."""
    for databases in context.each():
        yield from _cost(context, databases)
        yield from _lag(context, databases)


def _cost(context: Context, databases: Databases) -> Iterator[Trial]:
    each = context.of_size(tiny=8, small=150, full=1_000)
    key, journal = (context.folder / f"cost-{databases.kind}{end}" for end in (".key", ".log"))
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        sites = prepare(url, context.rounds * CLIENTS * (each + WARM_UP))
        logged, unlogged = (stack.enter_context(databases.copy(url)) for _ in range(2))
        log.make_key(logged, key)
        log.incidents("audit", "checkpoint", url=logged, key=key)
        log.take_away(unlogged)
        with_it = Loggings(
            "with the log", by_the_desk, logged, False, 1, clients=CLIENTS, sites=sites, timed=each
        )
        without = Loggings(
            "without", log.by_the_desk_without_log, unlogged, False, 1,
            clients=CLIENTS, sites=sites, timed=each,
        )  # fmt: skip

        def kept() -> list[Figure]:
            with log.keeping(logged, key, journal):
                return with_it()

        yield Trial(
            scenario="with_log",
            database=databases.kind,
            title=f"{CLIENTS} client processes, with the log and without",
            contenders=[
                Contender(name="without", role="floor", how="no leaf hash, no daemon", run=without),
                Contender(
                    name="with the log", role="ours", how="numbered and signed meanwhile", run=kept
                ),
            ],
            # At most 1.15 times as dear.
            targets=[Target(of="with the log", against="without", at_least=1 / 1.15)],
        )


def _lag(context: Context, databases: Databases) -> Iterator[Trial]:
    each = context.of_size(tiny=40, small=1_000, full=6_000)
    key, journal = (context.folder / f"lag-{databases.kind}{end}" for end in (".key", ".log"))
    with databases.new() as url:
        sites = prepare(url, context.rounds * CLIENTS * (each + WARM_UP))
        log.make_key(url, key)
        log.incidents("audit", "checkpoint", url=url, key=key)
        load = Loggings(
            "loggings", by_the_desk, url, False, 1, clients=CLIENTS, sites=sites, timed=each
        )

        def once() -> list[Figure]:
            first = _size(url)
            with log.keeping(url, key, journal):
                figures = load()
                _until_signed(url)
            lags = sorted(_lags(url, first))
            return [
                Figure("p50", lags[len(lags) // 2], "ms"),
                Figure("p99", lags[len(lags) * 99 // 100], "ms"),
                Figure("worst", lags[-1], "ms"),
                *figures,
            ]

        yield Trial(
            scenario="with_log",
            database=databases.kind,
            title="from the record to the checkpoint, under load",
            contenders=[Contender(name="the daemon", role="ours", run=once)],
            targets=[Target(of="p99", at_most=1_500.0)],
        )


def _size(url: str) -> int:
    with closing(connect(url)) as connection:
        found: int = connection.execute("SELECT size FROM log_head").fetchone()[0]
        return found


def _until_signed(url: str) -> None:
    """Until every entry is covered; how long that takes the lags tell."""
    import time

    with closing(connect(url)) as connection:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            entries = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
            signed = connection.execute("SELECT max(size) FROM checkpoints").fetchone()[0]
            if signed == entries:
                return
            time.sleep(0.2)
    raise TimeoutError("entries are left without a checkpoint after 60 s")


def _lags(url: str, first: int) -> Iterator[float]:
    """Milliseconds, of each entry from the `first` leaf on."""
    with closing(connect(url)) as connection:
        for recorded_at, signed_at in connection.execute(_COVERED.format(first=first)).fetchall():
            yield _ms(signed_at, recorded_at)


def _ms(later: Any, earlier: Any) -> float:
    if isinstance(later, datetime):
        return float((later - earlier).total_seconds() * 1_000)
    return float(later - earlier) / 1_000
