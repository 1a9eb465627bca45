"""What the tests of the pages of figures share."""

from collections.abc import Iterator

import pytest

from tests.api.rig import Rig, rig


@pytest.fixture
def desk(db_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A desk with its console, on both databases in turn."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with rig(db_url) as found:
        yield found
