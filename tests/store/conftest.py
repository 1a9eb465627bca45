"""Engines that are closed when their test ends, a desk, and migrations that are loaded once."""

from collections.abc import Callable, Iterator

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from incidents.store.database import migration
from incidents.store.database.engine import create
from tests.desk.conftest import day

__all__ = ["day"]

Opener = Callable[..., Engine]


@pytest.fixture(scope="session", autouse=True)
def _migrations_loaded_once() -> Iterator[None]:
    """Load all migrations once: Alembic loads them again each time that one is asked for."""
    loaded = ScriptDirectory.from_config(migration.config())

    def from_config(_: Config) -> ScriptDirectory:
        return loaded

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ScriptDirectory, "from_config", from_config)
        yield


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
