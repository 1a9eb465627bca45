"""The migration to the reason of a halt (0017), there and back: what is halted stays so."""

import pytest

from incidents.store import lineage
from incidents.store.engine import reading, writing
from tests.desk.rehearsal import rehearsal
from tests.store.migrations import there_and_back

BEFORE = "0016"


@pytest.mark.both_databases
def test_a_database_that_is_halted_stays_so_and_tells_no_reason_that_nobody_has_written_down(
    db_url: str,
) -> None:
    with rehearsal(db_url) as day:
        with writing(day.engine) as connection:
            lineage.halt(connection, day.now, lineage.UNKNOWN_SERVER)

        assert there_and_back(day, BEFORE) == set()

        with reading(day.engine) as connection:
            found = lineage.standing(connection)
        assert (found.halted_since, found.halted_why) == (day.now, None)
        assert day.findings() == []
