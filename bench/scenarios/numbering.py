"""Numbering what has been written: the sequencer alone, from a full table of entries.

Measured: entries a second of `audit.log.sequencer.number_all`, which gives each its number and
grows the tree over them, in as many transactions as it takes; the process and its connection stand.

The record is that of `export`. Not measured: signing, which costs a fraction of a millisecond each
second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from bench import record
from bench.context import Context, settle
from bench.databases import Databases, connect
from bench.trial import Contender, Figure, Target, Trial
from incidents.audit.log import sequencer
from incidents.store.database.engine import create

_UNNUMBERED = (
    "DELETE FROM leaves", "DELETE FROM tiles",
    "UPDATE log_head SET size = 0, floor = 0, next_floor = NULL, horizon = NULL",
)  # fmt: skip


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    wanted = context.of_size(tiny=300, small=50_000, full=1_000_000)
    for databases in context.each():
        with databases.new() as url:
            entries = record.write(url, wanted)
            yield Trial(
                scenario="numbering",
                database=databases.kind,
                title=f"{entries:,} entries without a number",
                contenders=[_sequencer(databases, url, entries)],
                targets=[Target(of="numbering", at_least=50_000.0)],
            )


def _sequencer(databases: Databases, url: str, entries: int) -> Contender:
    def once() -> list[Figure]:
        _forget(databases, url)
        engine = create(url)
        try:
            with engine.connect():
                pass
            settle()
            began = time.perf_counter()
            numbered = sequencer.number_all(engine)
            took_s = time.perf_counter() - began
        finally:
            engine.dispose()
        assert numbered == entries, f"{numbered} of {entries}"
        return [Figure("numbering", entries / took_s, "entries/s")]

    return Contender(name="the sequencer", role="ours", run=once)


def _forget(databases: Databases, url: str) -> None:
    with closing(connect(url)) as connection:
        for statement in _UNNUMBERED:
            connection.execute(statement)
        empty = "x''" if databases.kind == "sqlite" else "''"
        connection.execute(f"UPDATE log_head SET frontier = {empty}")
