"""Fixtures of the tests of the API."""

from collections.abc import Iterator

import pytest

from tests.accounts.conftest import _cheap_hashes
from tests.api.rig import Rig, rig

__all__ = ["_cheap_hashes"]


@pytest.fixture
def api(db_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A desk behind its API."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with rig(db_url) as found:
        yield found
