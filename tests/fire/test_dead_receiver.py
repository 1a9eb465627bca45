"""Beside very many orders for a receiver that never answers, the others are carried out."""

from pathlib import Path

import pytest

from tests.fire import dead_receiver


def _assert_passed_by(found: dead_receiver.Figures, waiting: int) -> None:
    """The healthy adapter got its orders, and the others were not claimed for that."""
    assert len(found.holds_s) == dead_receiver.HOLDS
    assert 0 < found.claimed < waiting / 4


def test_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    found = dead_receiver.measure(sqlite_url, tmp_path, waiting=2_000, ordinary=20)

    _assert_passed_by(found, 2_000)


@pytest.mark.long
def test_four_dead_receivers_and_two_daemons_on_postgresql(
    postgresql_url: str, tmp_path: Path
) -> None:
    found = dead_receiver.measure(
        postgresql_url, tmp_path, waiting=63_000, dead=4, ordinary=100, daemons=2
    )

    _assert_passed_by(found, 63_000)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2], ids=["postgresql", "sqlite"])
def test_an_urgent_hold_behind_very_many_orders_is_carried_out_in_time(
    seed: int, tmp_path: Path
) -> None:
    figures = dead_receiver.chunk(seed, tmp_path)

    assert figures["urgent holds"] == dead_receiver.HOLDS
