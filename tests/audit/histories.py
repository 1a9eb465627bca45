"""Recorded histories: each is made once a worker, and each test works on a copy of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.databases import SqliteDatabases
from tests.desk.rehearsal import Rehearsal, rehearsal

Fill = Callable[[Rehearsal], object]

_SQLITE = "sqlite:///"


class Histories:
    """Desks with the same history, by the function that made it."""

    def __init__(self, databases: SqliteDatabases) -> None:
        self._databases = databases
        self._made: dict[Fill, tuple[bytes, datetime]] = {}

    @contextmanager
    def after(self, fill: Fill, url: str | None = None) -> Iterator[Rehearsal]:
        """A desk after that, in the empty database at `url`, or in an SQLite file of its own."""
        if url is None:
            with self._databases.at_head() as own, self.after(fill, own) as day:
                yield day
        elif url.startswith(_SQLITE):
            content, now = self._made.get(fill) or self._make(fill)
            Path(url.removeprefix(_SQLITE)).write_bytes(content)
            with rehearsal(url, now) as day:
                yield day
        else:
            with rehearsal(url) as day:
                fill(day)
                yield day

    def _make(self, fill: Fill) -> tuple[bytes, datetime]:
        with self._databases.at_head() as url:
            with rehearsal(url) as day:
                fill(day)
                now = day.now
            file = Path(url.removeprefix(_SQLITE))
            # The last close leaves nothing in the write-ahead log beside the file.
            assert not file.with_name(f"{file.name}-wal").exists()
            self._made[fill] = file.read_bytes(), now
        return self._made[fill]
