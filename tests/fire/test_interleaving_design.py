"""The order of steps that the search follows is the order in which a real desk takes them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database.engine import create
from tests.fire import interleaving_design as d
from tests.fire.interleaving_design import DESIGNS
from tests.fire.interleaving_programs import START

SITE = "site.example"

# What a statement is for, by what stands in it; the first that fits.
_STEPS = (
    (r"^BEGIN IMMEDIATE", d.LOCK),
    (r"^COMMIT", d.COMMIT),
    (r"next_due < .*FOR NO KEY UPDATE .*SKIP LOCKED", d.LOCK_DUE),
    (r"next_due < ", d.CHOOSE),
    (r"next_due IS NOT NULL", d.PEEK),
    (r"\bsites\b.*FOR NO KEY UPDATE", d.LOCK),
    (r"^(INSERT|UPDATE|DELETE|WITH .*(INSERT|UPDATE|DELETE))", d.WRITE),
    (r"\bFROM\b.*\bkeys\b", d.KEYS),
    (r"\bFROM\b.*\b(incidents|suspensions|tasks|claims|contacts)\b", d.READ),
)

_LOGGED = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)")


class Trace:
    """The steps of a desk as they are taken; its clock shows which look it is."""

    def __init__(self, engine: Engine) -> None:
        self.steps: list[str] = []
        self.desk = Desk(engine, clock=self._look)
        self.beginning = START
        self.new_statements: Callable[[], Iterator[str]] = lambda: iter(())
        self._looks = count(1)

    def restart(self, *, later: timedelta = timedelta(0)) -> None:
        """Forgets what was done, and lets time pass."""
        self._take_new()
        self.steps.clear()
        self.beginning += later

    def statement(self, text: str) -> None:
        """Notes what a statement is for, if it is one of the model's steps."""
        # A plan under the planner's switches is marked so.
        line = " ".join(text.replace("/* by keys */", "").split())
        step = next((step for pattern, step in _STEPS if re.search(pattern, line)), None)
        again = step == d.LOCK and d.LOCK_DUE in self.steps  # the lock is the transaction's own
        only_read = step == d.COMMIT and d.WRITE not in self.steps
        if step is not None and not again and not only_read:
            self.steps.append(step)

    def seen(self, recorded_at: str) -> tuple[str, ...]:
        """The steps in their order, each once, with the look at the clock that was decided by."""
        self._take_new()
        passed = datetime.fromisoformat(recorded_at) - self.beginning
        decided = f"look {passed // timedelta(seconds=1)}"
        assert decided in self.steps
        steps = [d.CLOCK if step == decided else step for step in self.steps]
        return tuple(dict.fromkeys(step for step in steps if not step.startswith("look")))

    def _look(self) -> datetime:
        self._take_new()
        look = next(self._looks)
        self.steps.append(f"look {look}")
        return self.beginning + timedelta(seconds=look)

    def _take_new(self) -> None:
        for text in self.new_statements():
            self.statement(text)


@pytest.fixture
def trace(db_url: str) -> Iterator[Trace]:
    engine = create(db_url)
    trace = Trace(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: _listen(connection, trace))
    else:
        trace.new_statements = _ServerLog(db_url).new
    yield trace
    engine.dispose()


def _listen(connection: sqlite3.Connection, trace: Trace) -> None:
    connection.set_trace_callback(trace.statement)


class _ServerLog:
    """What the server was asked by those who came after this, however it was sent."""

    def __init__(self, url: str) -> None:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(
                psycopg.sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(
                    psycopg.sql.Identifier(connection.info.dbname)
                )
            )
            [folder] = connection.execute("SHOW data_directory").fetchone() or ("",)
        self._file = Path(folder, "log")
        self._read = self._file.stat().st_size

    def new(self) -> Iterator[str]:
        """The statements that have begun since this was asked last."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            text = file.read().decode()
            self._read = file.tell()
        yield from _LOGGED.findall(text)


def _modelled(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(step for step in steps if step not in (d.BEGIN, d.ACKNOWLEDGE))


def test_an_operators_act_takes_the_steps_of_the_model_in_their_order(
    trace: Trace, db_url: str
) -> None:
    _incident(trace)
    trace.restart()
    log = Envelope(site=SITE, command=c.Log(by="operator-1"), key="k1")
    [answer] = trace.desk.submit([log])
    design = DESIGNS[db_url.partition(":")[0]]
    assert trace.seen(answer.incident_document["recorded_at"]) == _modelled(design.operator)


def test_a_daemons_act_takes_the_steps_of_the_model_in_their_order(
    trace: Trace, db_url: str
) -> None:
    _incident(trace)
    trace.restart(later=timedelta(hours=2))
    [answer] = trace.desk.elapse()
    design = DESIGNS[db_url.partition(":")[0]]
    assert trace.seen(answer.document["events"][0]["recorded_at"]) == _modelled(design.daemon)


def test_on_sqlite_a_daemon_that_finds_nothing_due_takes_no_lock(sqlite_url: str) -> None:
    engine = create(sqlite_url)
    trace = Trace(engine)
    event.listen(engine, "connect", lambda connection, _: _listen(connection, trace))
    assert trace.desk.elapse() == []
    engine.dispose()
    assert d.PEEK in trace.steps
    assert d.LOCK not in trace.steps


def _incident(trace: Trace) -> None:
    for command in (c.AddSite(by="operator-1"), c.Log(by="operator-1")):
        trace.desk.submit([Envelope(site=SITE, command=command)])
