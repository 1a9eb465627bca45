"""The migration to the reason of a halt, and to when a loss was noticed (0017), there and back."""

import pytest

from incidents.desk import resumption
from incidents.desk.resumption import ANOTHER_SERVER, ENTRIES_LOST, Resumption
from incidents.store.database.engine import reading, writing
from incidents.store.log import lineage
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

        assert there_and_back(day, BEFORE) == {
            "answers", "archive_parts", "archived_sites", "factors", "holdings", "intake_rules",
            "invitations", "report_hosts", "report_incidents", "report_reopenings",
            "report_snapshots", "reporters",
            "reports", "saved_views", "uncompared", "waiting_answers", "waiting_snapshots",
        }  # fmt: skip

        with reading(day.engine) as connection:
            found = lineage.standing(connection)
        assert (found.halted_since, found.halted_why) == (day.now, None)
        assert day.findings() == []


@pytest.mark.both_databases
@pytest.mark.parametrize("cause", [ENTRIES_LOST, ANOTHER_SERVER])
def test_the_last_loss_was_noticed_when_its_epoch_began(db_url: str, cause: str) -> None:
    with rehearsal(db_url) as day:
        with writing(day.engine) as connection:
            resumption.resume(connection, Resumption(cause=cause), lambda: day.now)

        there_and_back(day, BEFORE)

        with reading(day.engine) as connection:
            found = lineage.standing(connection)
        assert found.noticed_at == (found.resumed_at if cause == ENTRIES_LOST else None)
