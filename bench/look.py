"""The look: what is due is decided by the desk alone in one process, and all of it was."""

from __future__ import annotations

from contextlib import closing
from time import perf_counter

from bench import workers
from bench.databases import Databases, connect
from bench.register import desk_of


def looked_s(databases: Databases, url: str, clocks: int) -> float:
    """Seconds of one look on a copy of the database, with so many clocks due.

    Raises:
        RuntimeError: if it left one.
    """
    with databases.copy(url) as copied:
        took_s: float = workers.alone(_look, copied)
        make_sure(copied, clocks)
        return took_s


def _look(url: str) -> float:
    from incidents.daemon import backlog, enforce
    from incidents.store.database import engine as engines

    with desk_of(url) as desk:
        engine = engines.create(url)
        # A daemon has done this before a clock runs out.
        with engine.connect():
            pass
        desk.warm_up(backlog.AT_ONCE)
        began = perf_counter()
        enforce.elapse(engine, desk)
        took_s = perf_counter() - began
        engine.dispose()
        return took_s


def make_sure(url: str, clocks: int) -> None:
    """What was measured was really done.

    Raises:
        RuntimeError: if it was not.
    """
    with closing(connect(url)) as connection:
        done = connection.execute(
            "SELECT count(*) FROM sites WHERE state = 'suspended'"
        ).fetchone()[0]
    if done != clocks:
        raise RuntimeError(f"{done:,} sites of {clocks:,} are suspended")
