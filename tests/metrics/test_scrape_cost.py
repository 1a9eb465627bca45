"""What a scrape costs the database: so many queries, each by an index, whatever is on record."""

import re
from typing import Any

import pytest
from sqlalchemy import Connection

from incidents.machine import commands as c
from incidents.metrics import database as looks
from incidents.metrics.tail import EntryCounters
from incidents.store.database.engine import reading, writing
from incidents.store.schema.catalogue import every_table
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal
from tests.metrics.rows import add_entries, add_sites
from tests.statements import sent

pytestmark = pytest.mark.both_databases

# Of open things alone, of daemons, the desk's one row, and the log's few: these are read as they
# lie.
SMALL = {
    "deliveries", "work", "heartbeats", "log_head", "checkpoints", "log_keys", "rehearsal", "desk",
    "archive_parts",
}  # fmt: skip
GROWING = "|".join(sorted(every_table().tables.keys() - SMALL))
WHOLE = re.compile(rf"(?:SCAN|Seq Scan on) (?:{GROWING})\b")


def scrape(day: Rehearsal, tail: EntryCounters) -> list[tuple[str, Any]]:
    """What is sent to the database for one scrape."""
    with reading(day.engine) as connection, sent(day.engine) as found:
        looks.look(connection, day.now)
        tail.advance(connection)
    return found


def fill(day: Rehearsal, how_many: int) -> None:
    """So many overdue sites, with an entry each that has a number."""
    with writing(day.engine) as connection:
        add_sites(connection, how_many, due=TEN, of=f"of-{how_many}")
        add_entries(connection, how_many, at=TEN)


def test_a_scrape_sends_as_many_queries_with_a_thousand_sites_as_with_ten(
    day: Rehearsal,
) -> None:
    day.later(seconds=1)
    tail = EntryCounters()
    scrape(day, tail)
    fill(day, 10)
    with_ten = scrape(day, tail)
    fill(day, 990)
    with_many = scrape(day, tail)

    assert [sql for sql, _ in with_many] == [sql for sql, _ in with_ten]
    # The sizes of the tables are one more.
    assert len(with_ten) == (21 if day.engine.dialect.name == "sqlite" else 22)


def test_no_query_reads_a_table_that_grows(day: Rehearsal) -> None:
    fill(day, 300)
    day.add("a.example")
    day.give(c.Log(by="li"), "a.example")
    sent = scrape(day, EntryCounters())
    with reading(day.engine) as connection:
        plans = [_plan(connection, sql, parameters) for sql, parameters in sent]

    found = "\n".join(plans)
    assert len(plans) == len(sent) > 8
    assert not WHOLE.search(found), found
    for index in ("ix_sites_due", "uq_leaves_entry_id", "ix_deliveries_waiting"):
        assert index in found, found


def test_a_query_that_reads_all_sites_would_be_noticed(sqlite_url: str) -> None:
    with rehearsal(sqlite_url) as day, reading(day.engine) as connection:
        assert WHOLE.search(_plan(connection, "SELECT count(*) FROM sites WHERE in_force = ''", ()))


def _plan(connection: Connection, sql: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    if connection.dialect.name == "postgresql":
        # Of three hundred rows an index is not worth its pages; whether there is one is asked here.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    found = connection.exec_driver_sql(f"{explain} {sql}", parameters)
    return "\n".join(str(row[-1]) for row in found)
