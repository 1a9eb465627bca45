"""A database is upgraded beneath the version before, which goes on, or steps aside at once."""

from pathlib import Path

import pytest

from tests.fire import upgrades

SEED = 20_261_130

pytestmark = pytest.mark.long


@pytest.mark.parametrize("on_sqlite", [True, False])
def test_nobody_is_refused_while_a_database_is_upgraded(tmp_path: Path, on_sqlite: bool) -> None:
    figures = upgrades.run(SEED, tmp_path, on_sqlite=on_sqlite, again=1)

    assert figures["upgrades"] == 2
    assert figures["processes that were stopped"] == 1 + upgrades.DAEMONS


@pytest.mark.parametrize("on_sqlite", [True, False])
def test_the_version_before_a_contracting_migration_writes_nothing_more(
    tmp_path: Path, on_sqlite: bool
) -> None:
    figures = upgrades.run(SEED, tmp_path, on_sqlite=on_sqlite, contracts=True)

    assert figures["acts that the version before refused"] >= 1
