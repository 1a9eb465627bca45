"""Fixtures of the tests of both ends: a running witness, with a log for each."""

from collections.abc import Iterator

import pytest

from tests.witness import rig
from tests.witness.rig import Log, Running


@pytest.fixture(scope="session")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Witnessed]:
    """A witness that runs for all of these tests, each with a log of its own."""
    with rig.witnessed(tmp_path_factory.mktemp("witness")) as witnessed:
        yield witnessed


@pytest.fixture
def running(witnessed: rig.Witnessed) -> Running:
    return witnessed.running


@pytest.fixture
def log(witnessed: rig.Witnessed) -> Log:
    return next(witnessed.logs)
