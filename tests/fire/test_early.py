"""Nothing is early by the database's clock; `scripts/fire early` sees to ten thousand due times."""

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.acceptance.daemons import engine_of
from tests.databases import compares_clocks
from tests.fire import early


@pytest.mark.long
def test_with_daemons_and_acts_apart_from_the_database_nothing_is_early(
    postgresql_url: str, tmp_path: Path
) -> None:
    figures = early.drawn(compares_clocks(postgresql_url), 1, tmp_path, 40, daemons=2)

    assert figures[early.UNIT] == 80
    assert figures["early"] == 0


@pytest.mark.parametrize(
    ("decided", "given", "is_early"),
    [("00.000001", "00.000001", 0), ("00.000001", "00", 1), ("00", "00.000001", 1)],
)
def test_at_the_due_time_it_is_early_by_either_clock(
    postgresql_url: str, decided: str, given: str, is_early: int
) -> None:
    at = "2026-03-01 10:00:"
    with engine_of(postgresql_url) as engine:
        early.let_the_server_note(engine)
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO noted VALUES ('clock_lapsed', :due, :decided, :given)"),
                {"due": f"{at}00Z", "decided": f"{at}{decided}Z", "given": f"{at}{given}Z"},
            )
        assert len(early.early(engine)) == is_early
