"""The migration to which sites were compared after a loss (0018), there and back."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.store.database.engine import reading, writing
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import desk
from tests.desk.rehearsal import rehearsal
from tests.store.migrations import there_and_back

BEFORE = "0017"


@pytest.mark.both_databases
@pytest.mark.parametrize(("later", "is_compared"), [(0, False), (1, True), (None, True)])
def test_all_sites_were_compared_where_the_world_agreed_or_was_doubted_later(
    db_url: str, later: int | None, *, is_compared: bool
) -> None:
    """Before, the end of a comparison was kept as one microsecond after its epoch began."""
    with rehearsal(db_url) as day:
        with writing(day.engine) as connection:
            resumption.resume(connection, Resumption(cause=ENTRIES_LOST), lambda: day.now)
            since = None if later is None else day.now + timedelta(microseconds=later)
            connection.execute(update(desk).values(unproved_since=since))

        there_and_back(day, BEFORE)

        with reading(day.engine) as connection:
            found = lineage.standing(connection)
        assert (found.unproved_since, found.is_compared) == (since, is_compared)
