"""The log of a database that is measured: its key, and desks that write without it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import workers
from bench.databases import connect
from bench.loggings import Share, by_the_desk
from bench.program import INCIDENTS, environment
from incidents.store import entries
from incidents.store.schema.desk_tables import entries as table
from incidents.store.statement import Mutation

_WITHOUT = ("site_id", "site_seq", "recorded_at", "body")


def make_key(url: str, file: Path) -> None:
    """Makes the log's key, and puts it on record."""
    incidents("audit", "key", "new", "bench.example/log", url=url, key=file)


def incidents(*words: str, url: str, key: Path) -> None:
    """Runs the program on that database, with that key of the log.

    Raises:
        CalledProcessError: if it fails.
    """
    command = [*INCIDENTS, *words, "--db", url]
    subprocess.run(command, env=with_key(key), check=True, stdout=subprocess.DEVNULL)


def with_key(key: Path) -> dict[str, str]:
    """The environment of a program that signs with that key."""
    return environment() | {"INCIDENTS_AUDIT_KEY": str(key)}


def take_away(url: str) -> None:
    """The database as it would be if entries were no leaves."""
    with closing(connect(url)) as connection:
        connection.execute("ALTER TABLE entries DROP COLUMN leaf_hash")


def by_the_desk_without_log(
    start: workers.Start, url: str, bare: bool, size: int, share: Share
) -> tuple[float, float]:
    """A worker as `by_the_desk`, whose entries have no hash."""
    vars(entries)["leaf_hash"] = _no_hash
    entries._NEW_ENTRY = _WithoutHash()  # type: ignore[assignment]  # noqa: SLF001 - what is measured is its absence
    return by_the_desk(start, url, bare, size, share)


def _no_hash(_body: bytes) -> bytes:
    return b""


class _WithoutHash:
    """The insert of entries without the column."""

    def __init__(self) -> None:
        self._mutation = Mutation(table, *_WITHOUT)

    def execute(self, connection: Any, rows: Sequence[Any]) -> None:
        """As `Mutation.execute`."""
        self._mutation.execute(connection, [row[: len(_WITHOUT)] for row in rows])
