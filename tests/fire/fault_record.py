"""The record of a database under faults: what its entries say, and what must be true of them."""

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from incidents.audit.replay import Replay
from incidents.store.database.engine import reading
from incidents.store.schema.desk_tables import entries
from tests.fire.fault_actions import Act
from tests.fire.record import DISPATCHER
from tests.nursery import Outcome

Step = tuple[str, str, str, str]


@dataclass(frozen=True, slots=False)
class Record:
    """The entries as they were exported, in their order."""

    lines: tuple[str, ...]

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """The entries, read."""
        return [json.loads(line) for line in self.lines]

    def since(self, before: "Record") -> list[Step]:
        """The entries after `before`, which must be unchanged: site, number, kind, actor."""
        n = len(before.lines)
        assert self.lines[:n] == before.lines, "what was on record has changed"
        return [
            (entry["site"], entry["site_seq"], entry["kind"], entry["actor"])
            for entry in self.entries[n:]
        ]

    def assert_dense(self) -> None:
        """The entries of each site are numbered from 1 without a gap."""
        last: dict[str, int] = {}
        for entry in self.entries:
            number = int(entry["site_seq"])
            assert number == last.get(entry["site_id"], 0) + 1, ("a gap", entry)
            last[entry["site_id"]] = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """An act without a fault: what it answered and put on record, and what was there before."""

    ended: Outcome
    steps: Sequence[Step]
    before: Record


def is_acknowledged(act: Act, ended: Outcome, *, as_json: bool) -> bool:
    """Whether the operator has the answer that the act is done (or refused, if it is to be)."""
    answered = as_json and act.answers_in_json and answer_in(ended.stdout) is not None
    return ended.status == act.status or (answered and act.status == 0)


def whole_or_not_at_all(
    act: Act, clean: Clean, ended: Outcome, record: Record, *, as_json: bool
) -> bool:
    """Whether the act is on record.

    Raises:
        AssertionError: if half of it is, or it is not although it was acknowledged, or with
            another answer.
    """
    done, outcomes = apart(record.since(clean.before))
    steps, all_outcomes = apart(clean.steps)
    assert done == steps[: len(done)], ("something else was done", done)
    assert len(done) in {0, *act.parts, len(steps)}, ("half of it was done", done)
    whole = len(done) == len(steps)
    # Only outcomes of orders are recorded after that, some of them, as they come.
    assert not outcomes or whole, ("carried out before it was decided", outcomes)
    assert set(outcomes) <= set(all_outcomes), ("something else was carried out", outcomes)
    if is_acknowledged(act, ended, as_json=as_json):
        assert whole, ("acknowledged and lost", ended)
    answer = answer_in(ended.stdout) if as_json and act.answers_in_json else None
    if answer is not None and act.status == 0:
        # An activation's answer is itself what became of it: its events are what was due before.
        told = events_of(answer)
        kinds = [kind for _, _, kind, _ in done if kind != "policy_activated"]
        assert not told or told == kinds, ("the answer is not the record", told, kinds)
    return whole


def assert_done_once(clean: Clean, record: Record) -> None:
    """Check that after a repetition the whole act is on record, each part once.

    What the daemon had in hand when it was killed comes back by and by, and is not waited for.
    """
    done, outcomes = apart(record.since(clean.before))
    steps, all_outcomes = apart(clean.steps)
    assert done == steps, ("not exactly once", done)
    assert len(set(outcomes)) == len(outcomes), ("carried out twice", outcomes)
    assert set(outcomes) <= set(all_outcomes), ("something else was carried out", outcomes)


def apart(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """Split decisions from outcomes of orders, which come in any order of the sites."""
    of_orders = [step for step in steps if step[3] == DISPATCHER]
    return [step for step in steps if step[3] != DISPATCHER], of_orders


def assert_sound(file: Path) -> None:
    """SQLite finds the file whole, with every reference and constraint as it should be."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def lines_in(file: Path) -> tuple[str, ...]:
    """The entries in a SQLite file, as an export has them."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT body FROM entries ORDER BY id").fetchall()
    return tuple(body for (body,) in rows)


def recorded(engine: Engine) -> Record:
    """The record, checked: dense, and equal to the tables when replayed."""
    with reading(engine) as connection:
        findings = list(Replay(connection).findings())
        bodies = connection.scalars(select(entries.c.body).order_by(entries.c.id))
        record = Record(tuple(bodies))
    engine.dispose()
    assert not findings, ("the tables are not what the record says", findings)
    record.assert_dense()
    return record


def events_of(answer: Any) -> list[str]:
    """The kinds of the events in an act's JSON answer."""
    documents = answer if isinstance(answer, list) else [answer]
    return [event["kind"] for document in documents for event in document.get("events", ())]


def answer_in(stdout: str) -> Any:
    """The JSON answer, None if it is not there whole."""
    try:
        return json.loads(stdout)
    except ValueError:
        return None


_UNCLEAR = re.compile(
    r"Traceback|unexpected error|Exception ignored|Error\(|sqlalchemy|sqlite3|psycopg|\[SQL"
)


def assert_clear(stderr: str, *, sentences: Sequence[str] = ()) -> None:
    """One sentence of the error, for people or as JSON, with one of those words in it."""
    assert not _UNCLEAR.search(stderr), ("not clear", stderr)
    told = [line for line in stderr.splitlines() if line.startswith(("incidents: ", '{"error"'))]
    assert len(told) == 1, ("not one sentence", stderr)
    assert not sentences or any(words in told[0] for words in sentences), (
        "does not say what is the matter",
        told[0],
    )
