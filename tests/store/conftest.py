"""Engines that are closed when their test ends, and a desk."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from incidents.store.engine import create
from tests.desk.conftest import day

__all__ = ["day"]

Opener = Callable[..., Engine]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """`create`, whose engines are closed at the end of the test."""
    engines: list[Engine] = []

    def open_(url: str | None = None, *, make: bool = False) -> Engine:
        engines.append(create(url, make=make))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.dispose()
