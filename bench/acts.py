"""The acts whose costs are measured, by the tree in the working directory, today's or an older.

`python -P …/bench/acts.py URL ACT TIMES [--counted]` says on stdout how far it has come, and goes
on when it reads a line on stdin. It uses what all trees have; modules have moved since, so it asks
the tree's own bench for them.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

WARM_UP = 40
"""Loggings and contacts before what is measured: statements are planned, pages are cached."""

STATEMENTS = "statements"
_SQLITE = "sqlite:"
Do = Callable[[], object]

register: Any = import_module("bench.register")
desk_commands: Any = import_module("incidents.machine.commands")


def main(url: str, act: str, times: int, counted: bool) -> None:
    """Prepares, warms up, and does the act so often; or says that the tree has no such act."""
    prepare, begin = ACTS[act]
    if act == "deliver" and not _delivers():
        _say("absent")
        return
    upgrade = import_module("bench.databases").upgrade
    rehearsal = not url.startswith(_SQLITE) and "rehearsal" in inspect.signature(upgrade).parameters
    upgrade(url, **({"rehearsal": True} if rehearsal else {}))
    prepare(url, times)
    _say("prepared")
    seen = _count() if counted else None
    with begin(url, times) as do:
        if seen is not None:
            seen.clear()
        _say("ready")
        began = time.process_time()
        do()
        took_s = time.process_time() - began
        _say("done", client_s=took_s, seen=seen or {})


def _delivers() -> bool:
    name = "bench.scenarios.deliver"
    return find_spec(name) is not None and hasattr(import_module(name), "delivering")


def _say(stage: str, **facts: Any) -> None:
    print(json.dumps({"stage": stage, **facts}), flush=True)
    sys.stdin.readline()


def _sites(url: str, times: int) -> None:
    with register.desk_of(url) as desk:
        register.add_sites(desk, range(1, times + WARM_UP + 1))


def _incidents(url: str, times: int) -> None:
    _sites(url, times)
    with register.desk_of(url) as desk:
        sites = range(1, times + WARM_UP + 1)
        acts = [(register.site_name(n), register.logging(n, 1).command) for n in sites]
        register.submit(desk, acts)


def _clocks(url: str, times: int) -> None:
    now = import_module("incidents.clock").now()
    import_module("bench.clocks").due_together(url, times, now - timedelta(minutes=1))


def _orders(url: str, times: int) -> None:
    import_module("bench.scenarios.deliver").order(url, times)


@contextmanager
def _one_by_one(url: str, times: int, envelope: Callable[[int], Any]) -> Iterator[Do]:
    with register.desk_of(url) as desk:

        def do(first: int, last: int) -> None:
            for n in range(first, last + 1):
                register.taken(desk, [envelope(n)])

        do(times + 1, times + WARM_UP)
        yield lambda: do(1, times)


@contextmanager
def _log(url: str, times: int) -> Iterator[Do]:
    with _one_by_one(url, times, lambda n: register.logging(n, 1)) as do:
        yield do


@contextmanager
def _contact(url: str, times: int) -> Iterator[Do]:
    reached = desk_commands.RecordContact(by=register.OPERATOR, incident=1, outcome="reached")

    def envelope(n: int) -> Any:
        name = register.site_name(n)
        return register.Envelope(site=name, command=reached, login=register.LOGIN)

    with _one_by_one(url, times, envelope) as do:
        yield do


@contextmanager
def _elapse(url: str, _times: int) -> Iterator[Do]:
    enforce: Any = import_module("incidents.daemon.enforce")
    elapse = getattr(enforce, "elapse", None) or enforce.look
    engine = register.engines.create(url)
    with register.desk_of(url) as desk, engine.connect():
        # A daemon has done this before a clock runs out.
        getattr(desk, "warm_up", lambda: None)()
        yield lambda: elapse(engine, desk)
    engine.dispose()


@contextmanager
def _deliver(url: str, _times: int) -> Iterator[Do]:
    delivering = import_module("bench.scenarios.deliver").delivering
    with import_module("bench.receiver").receiver() as to, delivering(url, to.url) as do:
        yield do


ACTS: dict[str, tuple[Callable[[str, int], None], Callable[[str, int], Any]]] = {
    "log": (_sites, _log),
    "contact": (_incidents, _contact),
    "elapse": (_clocks, _elapse),
    "deliver": (_orders, _deliver),
}


def _count() -> Counter[str]:
    """What SQLite's connections of this process do from here on: statements, and rows by table."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    seen: Counter[str] = Counter()

    def traced(_statement: str) -> None:
        # The trace also reports a trigger's beginning and its one statement.
        seen[STATEMENTS] += 1

    def watch(connection: Any, _record: object) -> None:
        # The file of the log then only grows.
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.create_function("seen", 1, lambda row: seen.update({row: 1, STATEMENTS: -2}))
        found = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
        tables = [name for (name,) in found.fetchall() if not name.startswith("sqlite_")]
        for table in tables:
            for done in ("INSERT", "UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TEMP TRIGGER seen_{done}_{table} AFTER {done} ON main.{table} "
                    f"BEGIN SELECT seen('{table} {done}'); END"
                )
        connection.set_trace_callback(traced)

    event.listen(Engine, "connect", watch)
    return seen


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), "--counted" in sys.argv)
