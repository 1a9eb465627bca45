"""The jobs of a peer: each is one bare UPDATE of one row, and they are counted when committed."""

from __future__ import annotations

import threading
from contextlib import closing
from time import perf_counter

from bench.databases import SQLITE, connect, kind_of

TABLE = "CREATE TABLE targets (id INTEGER PRIMARY KEY, done INTEGER NOT NULL)"
UPDATE = "UPDATE targets SET done = done + 1 WHERE id = "
PATIENCE_S = 1_800.0


def add_targets(url: str, jobs: int) -> None:
    """The table with one row for each job."""
    with closing(connect(url)) as connection:
        connection.execute(TABLE)
        rows = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
            f"{jobs}) INSERT INTO targets (id, done) SELECT i, 0 FROM n"
        )
        connection.execute(rows)


class Count:
    """Counts the jobs that are done, and the time until the last one is."""

    def __init__(self, jobs: int) -> None:
        self._jobs, self._done = jobs, 0
        self._lock = threading.Lock()
        self._all_done = threading.Event()
        self._began = self._ended = perf_counter()

    def start(self) -> None:
        """The time counts from here."""
        self._began = perf_counter()

    def one(self) -> bool:
        """One more is done; whether it was the last."""
        with self._lock:
            self._done += 1
            if self._done == self._jobs:
                self._ended = perf_counter()
                self._all_done.set()
            return self._done >= self._jobs

    def wait(self) -> float:
        """Seconds from the start until the last was done.

        Raises:
            TimeoutError: when that takes half an hour.
        """
        if not self._all_done.wait(PATIENCE_S):
            raise TimeoutError(f"{self._done:,} of {self._jobs:,} jobs are done")
        return self._ended - self._began


class Updates:
    """Does the UPDATE on a bare connection of each thread's own."""

    def __init__(self, url: str, count: Count) -> None:
        self._url, self._count = url, count
        self._statement = UPDATE + ("?" if kind_of(url) == SQLITE else "%s")
        self._own = threading.local()

    def __call__(self, target: int) -> None:
        """One job."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = connect(self._url)
        connection.execute(self._statement, (target,))
        self._count.one()


def make_sure(url: str) -> None:
    """Each job was done once.

    Raises:
        RuntimeError: if one was not, or twice.
    """
    with closing(connect(url)) as connection:
        wrong = connection.execute("SELECT count(*) FROM targets WHERE done <> 1").fetchone()[0]
    if wrong:
        raise RuntimeError(f"{wrong:,} jobs were not done once")
