"""Fixtures of the tests of accounts."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from freezegun import freeze_time

from incidents.accounts import secrets
from incidents.store.database import engine as engines
from tests.accounts.rig import Rig
from tests.cli.conftest import _frozen, cli, clock

__all__ = ["_frozen", "cli", "clock"]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as it is, but quick: what is slow on purpose proves nothing here."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(secrets, "_hasher", lambda: hasher)
    secrets._dummy_hash.cache_clear()


@pytest.fixture
def house(db_url: str) -> Iterator[Rig]:
    engine = engines.create(db_url)
    with freeze_time("2026-03-01 10:00:00") as moved:
        yield Rig(engine, moved)
    engine.dispose()
