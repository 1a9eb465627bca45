"""The page of the reports that wait costs the same however many there are."""

from sqlalchemy import text

from incidents.store.database.engine import reading, writing
from incidents.views.inbox.reports import ReportFilter, page
from tests.desk.report_acts import dismiss, incoming, receive
from tests.statements import sent
from tests.views.day import Day


def test_the_reports_that_wait_are_read_in_their_order_and_never_sorted(day: Day) -> None:
    receive(day, *(incoming(f"{n:064x}") for n in range(40)))
    for n in range(1, 20):
        dismiss(day, n)
    with writing(day.engine) as connection:
        connection.execute(text("ANALYZE"))
    with sent(day.engine) as statements, reading(day.engine) as connection:
        found = page(connection, ReportFilter(waiting=True), limit=10)

    assert [each["id"] for each in found["items"]] == [f"r{n}" for n in range(20, 30)]
    [(sql, given)] = [each for each in statements if "ORDER BY reports.rank" in each[0]]
    with reading(day.engine) as connection:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            # So few rows are sorted faster than they are read in order.
            connection.execute(text("SET LOCAL enable_sort = off"))
            explain = "EXPLAIN"
        plan = connection.exec_driver_sql(f"{explain} {sql}", given).all()
    assert "ix_reports_waiting" in str(plan)
