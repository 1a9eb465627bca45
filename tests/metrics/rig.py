"""A look at a rehearsal's desk for the tests of the metrics, and its findings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from incidents.metrics import database as looks
from incidents.metrics.samples import Samples, Value
from incidents.store.database.engine import reading
from tests.desk.rehearsal import Rehearsal


def look(day: Rehearsal) -> Samples:
    """Look at the database at the rehearsal's time."""
    with reading(day.engine) as connection:
        return looks.look(connection, day.now)


def value(samples: Samples, name: str, *labels: str) -> Value | None:
    """One sample, None if there is none; the prefix is left out."""
    return samples.of(f"incidents_{name}").get(labels)


def values(samples: Samples, name: str) -> Mapping[str, Value]:
    """The samples of a metric with one label that are not 0."""
    found = samples.of(f"incidents_{name}")
    return {label: value for (label,), value in found.items() if value}


def capped(samples: Samples) -> set[str]:
    """The counts that say that there may be more."""
    return set(values(samples, "count_capped"))


class Place:
    """A rehearsal's database, as a watch is given it."""

    def __init__(self, day: Rehearsal) -> None:
        self.day = day

    @property
    def bare_engine(self) -> Engine:
        return self.day.engine

    def now(self, _connection: Connection) -> datetime:
        return self.day.now


class RecordedLog:
    """The calls to a log."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, sentence: str, **facts: Any) -> None:
        self.lines.append((sentence, facts))

    @property
    def sentences(self) -> list[str]:
        return [sentence for sentence, _ in self.lines]
