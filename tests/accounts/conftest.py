"""What the tests of accounts share."""

import pytest
from argon2 import PasswordHasher

from incidents.accounts import secrets
from tests.cli.conftest import _frozen, cli, clock

__all__ = ["_frozen", "cli", "clock"]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as it is, but quick: what is slow on purpose proves nothing here."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(secrets, "_hasher", lambda: hasher)
    secrets._nobodys.cache_clear()
