"""The replay of what goes out: orders, what waits of them, and what is in force, are what the
entries say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from incidents.audit.replay import OUTSIDE
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.store.database.engine import reading
from incidents.store.schema import log_tables, tables
from tests.audit import tampering
from tests.audit.tampering import findings, only_finding, unrecorded_changes
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal

fill = tampering.fill


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_nothing_gives_rise_to_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        row = connection.execute(select(log_tables.orders).limit(1)).mappings().one()
        connection.execute(insert(log_tables.orders).values({**row, "n": 2, "kind": "close"}))
        [finding] = findings(connection)
    assert (finding.table, finding.problem) == ("orders", "added")


@pytest.mark.parametrize("kind", ["suspend", "reopen", "close", "notify", "call"])
def test_an_order_that_is_gone_is_found(day: Rehearsal, kind: str) -> None:
    with unrecorded_changes(day.engine) as connection:
        connection.execute(delete(log_tables.orders).where(log_tables.orders.c.kind == kind))
        found = findings(connection)
    assert found
    assert {(f.table, f.problem, f.expected) for f in found} == {("orders", "deleted", kind)}


def test_an_order_that_is_gone_is_missed_and_what_waits_of_it_is_as_it_should_be(
    day: Rehearsal,
) -> None:
    """One thing is wrong, and one is told."""
    with unrecorded_changes(day.engine) as connection:
        connection.execute(delete(log_tables.orders).where(log_tables.orders.c.kind == "close"))
        waits = log_tables.deliveries.c.kind == "close"
        assert connection.execute(select(log_tables.deliveries).where(waits)).all()
        [finding] = findings(connection)
    assert (finding.table, finding.problem) == ("orders", "deleted")


def test_an_order_that_is_gone_with_what_waits_of_it_is_missed_everywhere(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        for table in (log_tables.orders, log_tables.deliveries):
            connection.execute(delete(table).where(table.c.kind == "close"))
        found = [(f.table, f.problem) for f in findings(connection)]
    assert found == [("orders", "deleted"), ("deliveries", "deleted"), ("deliveries", "deleted")]


def test_orders_that_cancelled_each_other_are_no_finding(db_url: str) -> None:
    """An hour lapses and the late truth about it comes in one transaction: nothing is ordered."""
    with rehearsal(db_url) as day:
        day.add()
        day.give(c.Log(by="li"))
        called = day.now
        day.later(hours=2)
        day.give(c.RecordContact(by="li", incident=1, outcome="reached", at=called))
        assert day.rows("SELECT kind FROM orders") == [("notify",)]
        with reading(day.engine) as connection:
            assert findings(connection) == []


@contextmanager
def _cancelled_day(url: str) -> Iterator[Rehearsal]:
    """A suspension, what repeats it and the reopening, in one transaction."""
    with rehearsal(url) as day:
        day.add()
        commands = (
            c.SetHold(by="li", reason="r"), c.RepeatOrder(by="li"), c.LiftHold(by="li", reason="r")
        )  # fmt: skip
        day.desk.submit([Envelope(site="a.example", command=each) for each in commands])
        yield day


def test_a_suspension_that_was_repeated_and_lifted_in_one_transaction_is_no_finding(
    db_url: str,
) -> None:
    with _cancelled_day(db_url) as day:
        assert day.rows("SELECT count(*) FROM orders") == [(0,)]
        with reading(day.engine) as connection:
            assert findings(connection) == []


def test_what_waits_of_an_order_that_cancelled_out_was_added_by_somebody(db_url: str) -> None:
    with _cancelled_day(db_url) as day:
        with unrecorded_changes(day.engine) as connection:
            connection.execute(
                insert(log_tables.deliveries).values(_waiting(1, "act", 4, "reopen"))
            )
            [finding] = findings(connection)
        assert (finding.table, finding.row, finding.problem) == (
            "deliveries", "1-act-4-1", "added",
        )  # fmt: skip


def test_a_repetition_that_is_gone_does_not_cancel_with_a_reopening_of_the_same_moment(
    db_url: str,
) -> None:
    with rehearsal(db_url) as day:
        day.add()
        day.give(c.SetHold(by="li", reason="r"))
        day.later(minutes=5)
        for command in (c.RepeatOrder(by="li"), c.LiftHold(by="li", reason="r")):
            day.give(command)
        with unrecorded_changes(day.engine) as connection:
            late = log_tables.orders.c.site_seq > 2
            assert connection.execute(delete(log_tables.orders).where(late)).rowcount == 2
            found = [(f.table, f.row, f.problem) for f in findings(connection)]
    assert found == [("orders", "1-3-1", "deleted"), ("orders", "1-4-1", "deleted")]


# ── what waits ───────────────────────────────────────────────────────────────────────────────────


def _waiting(site: int, lane: str, seq: int, kind: str) -> dict[str, Any]:
    return {
        "site_id": site, "lane": lane, "site_seq": seq, "n": 1, "kind": kind, "dead": False,
        "since": TEN, "attempts": 0, "next_at": TEN,
    }  # fmt: skip


_OF = log_tables.deliveries.c


def test_what_waits_and_was_taken_away_is_found(day: Rehearsal) -> None:
    finding = only_finding(
        day, delete(log_tables.deliveries).where(_OF.site_id == 3, _OF.lane == "act")
    )
    assert (finding.site, finding.table, finding.problem) == ("c.example", "deliveries", "deleted")
    assert finding.row.startswith("3-act-")


def test_a_dead_letter_that_was_taken_away_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        assert connection.execute(delete(log_tables.deliveries).where(_OF.dead)).rowcount == 1
        [finding] = findings(connection)
    assert (finding.site, finding.table, finding.problem) == ("d.example", "deliveries", "deleted")


def test_an_order_that_was_carried_out_and_waits_again_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        done = log_tables.orders.c
        seq = connection.scalar(
            select(func.min(done.site_seq)).where(done.site_id == 1, done.kind == "suspend")
        )
        assert seq is not None
        connection.execute(insert(log_tables.deliveries).values(_waiting(1, "act", seq, "suspend")))
        [finding] = findings(connection)
    assert (finding.row, finding.problem) == (f"1-act-{seq}-1", "added")


@pytest.mark.parametrize("site", [1, 99])
def test_something_that_nobody_has_ordered_and_that_waits_is_found(
    day: Rehearsal, site: int
) -> None:
    finding = only_finding(
        day, insert(log_tables.deliveries).values(_waiting(site, "act", 1, "close"))
    )
    assert (finding.table, finding.row, finding.problem) == (
        "deliveries", f"{site}-act-1-1", "added",
    )  # fmt: skip


@pytest.mark.parametrize("dead", [True, False])
def test_a_dead_letter_that_is_made_to_wait_and_what_waits_made_dead_are_found(
    day: Rehearsal, dead: bool
) -> None:
    with unrecorded_changes(day.engine) as connection:
        changed = connection.execute(
            update(log_tables.deliveries).where(_OF.dead.is_(dead)).values(dead=not dead)
        ).rowcount
        found = findings(connection)
    assert len(found) == changed > 0
    assert {(f.problem, f.column, bool(f.expected), bool(f.found)) for f in found} == {
        ("changed", "dead", dead, not dead)
    }


def test_an_order_that_waits_as_another_kind_is_found(day: Rehearsal) -> None:
    held = (_OF.site_id == 3, _OF.lane == "act")
    finding = only_finding(day, update(log_tables.deliveries).where(*held).values(kind="reopen"))
    assert (finding.column, finding.expected, finding.found) == ("kind", "suspend", "reopen")


def test_an_order_that_waits_in_another_lane_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        held = (_OF.site_id == 3, _OF.lane == "act")
        connection.execute(update(log_tables.deliveries).where(*held).values(lane="desk"))
        found = {(f.row.split("-")[1], f.problem) for f in findings(connection)}
    assert found == {("act", "deleted"), ("desk", "added")}


@pytest.mark.parametrize(
    ("column", "value"), [("in_force", "suspended"), ("in_force", "closed"), ("last_act", 1)]
)
def test_what_is_in_force_and_was_carried_out_last_is_what_the_record_says(
    day: Rehearsal, column: str, value: Any
) -> None:
    with unrecorded_changes(day.engine) as connection:
        mine = tables.sites.c.id == 4
        before = connection.scalar(select(tables.sites.c[column]).where(mine))
        connection.execute(update(tables.sites).where(mine).values({column: value}))
        [finding] = findings(connection)
    assert (finding.table, finding.column) == ("sites", column)
    assert (finding.expected, finding.found) == (before, value)


def test_how_often_and_by_whom_it_was_tried_is_no_part_of_the_record(day: Rehearsal) -> None:
    marks = {
        "attempts": 7, "next_at": TEN, "held_by": "d1", "tried_at": TEN, "adapter": "panel",
        "problem": "http_503", "detail": "busy", "since": TEN,
    }  # fmt: skip
    assert {f"deliveries.{name}" for name in marks} == {
        name for name in OUTSIDE if name.startswith("deliveries.")
    }
    with unrecorded_changes(day.engine) as connection:
        connection.execute(update(log_tables.deliveries).values(marks))
        assert findings(connection) == []
