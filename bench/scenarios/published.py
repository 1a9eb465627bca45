"""From what is acknowledged until a published checkpoint covers it, at 1,000 entries a second.

Measured: of each commit the milliseconds from when the desk has answered until the folder of the
published log has a checkpoint whose size covers its entries, as a reader of that folder sees it; a
web server that serves the folder adds its own time. p50, p99 and the worst. A real `incidents
daemon` numbers, signs and publishes, with a key and a folder as the settings name them (`[audit]
key` and `publish`), and does all its other duties.

One client logs at a steady pace: 20 batches a second of 50 violations, each with an address and a
note, on a site of its own, one entry each. How many entries a second were really committed stands
beside it.

Not measured: witnesses, which countersign a checkpoint after it is published.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Self

from bench import daemon, workers
from bench.context import Context, settle
from bench.databases import Databases, connect
from bench.register import add_sites, desk_of, logging, site_name, taken
from bench.trial import Contender, Figure, Target, Trial

COMMITTED = "committed"
A_SECOND, BATCH = 1_000, 50
MOST_MS = 2_000.0
_LOOK_S = 0.005
_PATIENCE_S = 60.0
# The first entry of a site takes it into the register; the second one is its violation.
_LEAF = """
    SELECT l.leaf_index FROM sites AS s
    JOIN entries AS e ON e.site_id = s.id AND e.site_seq = 2 JOIN leaves AS l ON l.entry_id = e.id
    WHERE s.name = '{name}'
"""


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    lasts_s = context.of_size(tiny=2, small=6, full=60)
    for databases in context.each():
        yield Trial(
            scenario="published",
            database=databases.kind,
            title=f"from the acknowledgement to a published checkpoint, {A_SECOND:,} entries a "
            f"second for {lasts_s} s",
            rounds=context.of_size(tiny=1, small=1, full=min(3, context.rounds)),
            contenders=[_daemon(context.folder, databases, lasts_s)],
            targets=[
                Target(of="p99", at_most=MOST_MS), Target(of=COMMITTED, at_least=0.95 * A_SECOND),
            ],
        )  # fmt: skip


def _daemon(folder: Path, databases: Databases, lasts_s: int) -> Contender:
    rounds = count(1)

    def once() -> list[Figure]:
        place = folder / f"published-{databases.kind}-{next(rounds)}"
        batches = lasts_s * A_SECOND // BATCH
        with databases.new() as url:
            with desk_of(url) as desk:
                add_sites(desk, range(1, batches * BATCH + 1))
            home = daemon.home(place, url)
            settle()
            with daemon.running(url, home) as started, _Reader(home.checkpoint) as reader:
                # What was prepared is published before the client begins.
                reader.wait(_leaves(url))
                acknowledged = workers.alone(_log, url, batches)
                reader.wait(_leaves(url))
                daemon.check(started)
            covered = [reader.saw(leaf) for leaf in _last_leaves(url, batches)]
        lags = sorted(
            (seen - then) * 1_000 for seen, then in zip(covered, acknowledged, strict=True)
        )
        took_s = acknowledged[-1] - acknowledged[0]
        return [
            Figure("p50", lags[len(lags) // 2], "ms"),
            Figure("p99", lags[len(lags) * 99 // 100], "ms"),
            Figure("worst", lags[-1], "ms"),
            Figure(COMMITTED, (batches - 1) * BATCH / took_s, "entries/s"),
        ]

    return Contender(name="the daemon", role="ours", how="incidents daemon", run=once)


class _Reader:
    """Looks at the published checkpoint again and again: which sizes it had, and since when."""

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint
        self._seen: list[tuple[int, float]] = []
        self._stop = Event()
        self._thread = Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait(self, size: int) -> None:
        """Until so many entries are covered.

        Raises:
            TimeoutError: if that takes more than a minute.
        """
        until = workers.moment() + _PATIENCE_S
        while not self._seen or self._seen[-1][0] < size:
            if workers.moment() > until:
                raise TimeoutError(f"a minute later no checkpoint covers {size:,} entries")
            time.sleep(_LOOK_S)

    def saw(self, leaf: int) -> float:
        """When the first checkpoint that covers this leaf was there."""
        return next(moment for size, moment in self._seen if size > leaf)

    def _read(self) -> None:
        while not self._stop.wait(_LOOK_S):
            with suppress(FileNotFoundError):
                # Its second line (C2SP tlog-checkpoint).
                size = int(self._checkpoint.read_text(encoding="utf-8").splitlines()[1])
                if not self._seen or size != self._seen[-1][0]:
                    self._seen.append((size, workers.moment()))


def _log(url: str, batches: int) -> list[float]:
    """When each batch was acknowledged; they begin at a steady pace, unless one is late."""
    acknowledged = []
    with desk_of(url) as desk:
        began = workers.moment()
        for n in range(batches):
            time.sleep(max(0.0, began + n * BATCH / A_SECOND - workers.moment()))
            taken(desk, [logging(site, 1) for site in _sites(n)])
            acknowledged.append(workers.moment())
    return acknowledged


def _sites(batch: int) -> range:
    return range(1 + batch * BATCH, 1 + (batch + 1) * BATCH)


def _leaves(url: str) -> int:
    """How many entries there are to be covered."""
    with closing(connect(url)) as connection:
        found: int = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        return found


def _last_leaves(url: str, batches: int) -> list[int]:
    """The last leaf of each batch."""
    with closing(connect(url)) as connection:
        return [
            max(
                connection.execute(_LEAF.format(name=site_name(site))).fetchone()[0]
                for site in _sites(n)
            )
            for n in range(batches)
        ]
