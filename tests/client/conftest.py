"""What the tests of the client share."""

from collections.abc import Iterator

import pytest

from tests.api.rig import Rig, rig


@pytest.fixture
def api(db_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A desk behind its API."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with rig(db_url) as found:
        yield found
