"""Engines that are closed when their test ends, and a desk."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from incidents.store.engine import create
from tests.desk.rehearsal import Rehearsal, rehearsal

Opener = Callable[..., Engine]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """`create`, whose engines are closed at the end of the test."""
    engines: list[Engine] = []

    def open_(url: str | None = None) -> Engine:
        engines.append(create(url))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.dispose()


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """A desk whose register has a.example and b.example, on both databases."""
    with rehearsal(db_url) as day:
        day.add("a.example", "b.example")
        yield day
