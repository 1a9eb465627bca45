"""Fixtures of the tests of the outbound room."""

import pytest

from tests.outbound.rig import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that no machine trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))
