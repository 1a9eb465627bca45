"""What goes on record is counted once, whoever decides it, and in whatever order it commits."""

import json
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, update

from incidents.audit.log import sequencer
from incidents.clock import rfc3339
from incidents.machine import commands as c
from incidents.metrics import samples
from incidents.metrics.catalogue import MAX_COUNTED
from incidents.metrics.samples import MAX_FORMATS, Histogram, Samples
from incidents.metrics.tail import EntryCounters
from incidents.store.database.engine import reading, writing
from incidents.store.schema import log_tables
from incidents.store.schema.desk_tables import entries
from incidents.values.report_formats import FORMATS
from tests.databases import Databases
from tests.desk.rehearsal import TEN, Rehearsal, random_command, rehearsal
from tests.desk.report_acts import ONE, THREE, TWO, dismiss, incoming, log, receive
from tests.metrics.rows import add_entries

Counts = dict[tuple[str, ...], int]


def counted(tail: EntryCounters) -> Counts:
    """What the tail tells, without the noughts."""
    found = samples_of(tail).of("incidents_decisions_total")
    return {of: int(n) for of, n in found.items() if not isinstance(n, Histogram) and n}


def samples_of(tail: EntryCounters) -> Samples:
    found = Samples()
    tail.add_to(found)
    return found


def late(tail: EntryCounters) -> Histogram:
    found = samples_of(tail).of("incidents_enforcement_lateness_seconds")[()]
    assert isinstance(found, Histogram)
    return found


def advance(day: Rehearsal, tail: EntryCounters) -> None:
    """One scrape, with a daemon that has numbered all there is."""
    sequencer.number_all(day.engine)
    with reading(day.engine) as connection:
        tail.advance(connection)


@pytest.fixture
def tail(day: Rehearsal) -> EntryCounters:
    """One that has begun, after a site was added."""
    day.add("a.example")
    begun = EntryCounters()
    advance(day, begun)
    return begun


def test_what_was_on_record_before_is_not_counted(tail: EntryCounters) -> None:
    assert counted(tail) == {}


def test_what_an_operator_and_what_the_clock_decide_is_counted_by_its_rule(
    day: Rehearsal, tail: EntryCounters
) -> None:
    day.add("b.example")
    for _ in range(3):
        day.give(c.Log(by="li", again=True), "b.example")
    day.give(c.Log(by="li"), "a.example")
    day.later(hours=1, seconds=2)
    day.elapse()

    advance(day, tail)

    assert counted(tail) == {
        ("site_added", "none"): 1,
        ("incident_logged", "none"): 4,
        ("site_closed", "repeat"): 1,
        ("task_opened", "none"): 1,
        ("clock_lapsed", "unreachable"): 1,
        ("site_suspended", "unreachable"): 1,
    }


def test_nothing_is_counted_twice(day: Rehearsal, tail: EntryCounters) -> None:
    day.add("b.example")
    for _ in range(3):
        advance(day, tail)
    assert counted(tail) == {("site_added", "none"): 1}


def test_an_entry_that_is_committed_after_one_with_a_higher_id_is_counted(
    day: Rehearsal, tail: EntryCounters
) -> None:
    with writing(day.engine) as connection:
        add_entries(connection, 1, at=TEN, numbered=False, kind="hold_set")
        add_entries(connection, 1, at=TEN, numbered=False, kind="hold_lifted")
    first, second = 2, 3
    for entry in (second, first):
        with writing(day.engine) as connection:
            _append(connection, entry)
        with reading(day.engine) as connection:
            tail.advance(connection)

    assert counted(tail) == {("hold_set", "none"): 1, ("hold_lifted", "none"): 1}


def _append(connection: Connection, entry: int) -> None:
    size = connection.scalar(select(log_tables.log_head.c.size)) or 0
    connection.execute(insert(log_tables.leaves), [{"leaf_index": size, "entry_id": entry}])
    connection.execute(update(log_tables.log_head).values(size=size + 1))


def test_two_processes_count_the_same(day: Rehearsal, tail: EntryCounters) -> None:
    other = EntryCounters()
    advance(day, other)
    day.give(c.Log(by="li"))
    day.later(hours=2)
    day.elapse()
    for each in (tail, other):
        advance(day, each)
    assert counted(tail) == counted(other)
    assert late(tail).sum_s == late(other).sum_s == 3600


def test_after_an_hour_without_a_scrape_it_catches_up_a_part_at_a_time(
    day: Rehearsal, tail: EntryCounters
) -> None:
    with writing(day.engine) as connection:
        add_entries(connection, MAX_COUNTED + 7, at=TEN)
    uncounted = []
    for _ in range(3):
        with reading(day.engine) as connection:
            tail.advance(connection)
        uncounted.append(samples_of(tail).of("incidents_decisions_uncounted")[()])
    assert uncounted == [7, 0, 0]
    assert counted(tail) == {("site_edited", "none"): MAX_COUNTED + 7}


def test_a_database_that_was_brought_back_from_a_backup_is_followed_from_there(
    day: Rehearsal, tail: EntryCounters
) -> None:
    with writing(day.engine) as connection:
        add_entries(connection, 5, at=TEN)
    with reading(day.engine) as connection:
        tail.advance(connection)
    with writing(day.engine) as connection:
        connection.exec_driver_sql("DELETE FROM leaves WHERE leaf_index > 1")
        connection.exec_driver_sql("DELETE FROM entries WHERE id > 2")
        connection.execute(update(log_tables.log_head).values(size=2))
    with reading(day.engine) as connection:
        tail.advance(connection)
    with writing(day.engine) as connection:
        add_entries(connection, 1, at=TEN, kind="hold_set")
    with reading(day.engine) as connection:
        tail.advance(connection)

    assert counted(tail) == {("site_edited", "none"): 5, ("hold_set", "none"): 1}


def test_each_kind_is_there_from_the_start_so_that_its_first_is_an_increase() -> None:
    found = samples_of(EntryCounters()).of("incidents_decisions_total")
    assert set(found) == set(samples.DECISIONS)
    assert ("site_closed", "repeat") in found
    assert set(found.values()) == {0}


def test_what_a_newer_program_has_written_is_one_other(day: Rehearsal, tail: EntryCounters) -> None:
    with writing(day.engine) as connection:
        add_entries(connection, 1, at=TEN, kind="site_praised")
        add_entries(connection, 1, at=TEN, kind="site_closed", rule="canary.example")
        add_entries(connection, 1, at=TEN, kind="clock_lapsed")
    with reading(day.engine) as connection:
        tail.advance(connection)
    assert counted(tail) == {("other", "other"): 3}


# Lateness.


def test_only_what_the_clock_does_at_a_deadline_is_late_and_once(
    day: Rehearsal, tail: EntryCounters
) -> None:
    day.give(c.Log(by="li", at=TEN))
    day.later(hours=1, seconds=3)
    day.elapse()
    day.later(hours=12, milliseconds=40)
    day.elapse()

    advance(day, tail)

    assert counted(tail)["site_suspended", "unreachable"] == 1
    assert late(tail).count == 2
    assert late(tail).sum_s == pytest.approx(3.04)
    assert {bound: n for bound, n in late(tail).buckets() if bound in (0.01, 0.05, 1, 5)} == {
        0.01: 0, 0.05: 1, 1: 1, 5: 2,
    }  # fmt: skip


def test_what_fell_due_before_an_operators_act_is_as_late_as_the_operator_was(
    day: Rehearsal, tail: EntryCounters
) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=1, minutes=20)
    day.give(c.Log(by="li", again=True))
    advance(day, tail)
    assert (late(tail).count, late(tail).sum_s) == (1, 1200)


def test_what_a_person_has_recorded_late_is_not_the_clocks_lateness(
    day: Rehearsal, tail: EntryCounters
) -> None:
    with writing(day.engine) as connection:
        due = rfc3339(TEN - timedelta(hours=1))
        add_entries(connection, 1, at=TEN, kind="incident_refused", rule="refusal", occurred_at=due)
    with reading(day.engine) as connection:
        tail.advance(connection)
    assert counted(tail) == {("incident_refused", "refusal"): 1}
    assert late(tail).count == 0


# Whatever happens.


@pytest.mark.both_databases
@settings(max_examples=max(2, settings().max_examples // 16))
@given(seed=st.integers(0, 2**32), scrapes=st.sets(st.integers(0, 24)))
def test_whatever_is_done_and_whenever_it_is_scraped_each_entry_is_counted_once(
    databases: Databases, seed: int, scrapes: set[int]
) -> None:
    draw, tail = Random(seed), EntryCounters()
    with databases.at_head() as url, rehearsal(url) as day:
        with reading(day.engine) as connection:
            tail.advance(connection)
        day.add("a.example")
        for n in range(25):
            day.give(random_command(draw, day.now, n // 2))
            day.later(minutes=draw.choice((1, 30, 200)))
            if n in scrapes:
                advance(day, tail)
        advance(day, tail)
        right = _of_all_entries(day)

    assert counted(tail) == right
    assert set(right) <= set(samples.DECISIONS)


def _of_all_entries(day: Rehearsal) -> Counts:
    with reading(day.engine) as connection:
        bodies = connection.scalars(select(entries.c.body)).all()
    found = [json.loads(body) for body in bodies]
    return dict(Counter((entry["kind"], entry.get("rule", "none")) for entry in found))


# Reports.


def test_reports_are_counted_by_their_format_as_they_come_in_and_as_they_end(
    day: Rehearsal, tail: EntryCounters
) -> None:
    receive(day, incoming(ONE, format="arf"), incoming(TWO, format="arf"), incoming("4" * 64))
    receive(day, incoming(THREE, format="json", unread="json"))
    advance(day, tail)
    dismiss(day, 1, not_ours=True)
    dismiss(day, 2)
    log(day, 3)
    advance(day, tail)

    assert reports_counted(tail) == {
        ("arf", "new"): 2, ("arf", "not_ours"): 1, ("arf", "dismissed"): 1,
        ("mail", "new"): 1, ("mail", "logged"): 1, ("json", "unreadable"): 1,
    }  # fmt: skip


def test_a_report_that_leads_to_several_incidents_is_counted_once(
    day: Rehearsal, tail: EntryCounters
) -> None:
    day.add("b.example")
    receive(day, incoming(ONE, format="csv"), incoming(TWO, format="csv"))
    for report in (1, 2):
        log(day, report, names=("a.example", "b.example"), again=True)
    advance(day, tail)
    log(day, 1, "b.example", names=("a.example", "b.example"))
    dismiss(day, 2)
    advance(day, tail)
    assert reports_counted(tail) == {("csv", "new"): 2, ("csv", "logged"): 2}


def test_formats_beyond_the_limit_are_counted_together(day: Rehearsal, tail: EntryCounters) -> None:
    receive(day, *(incoming(f"{n:064x}", format=f"f{n}") for n in range(MAX_FORMATS + 2)))
    advance(day, tail)

    counts = reports_counted(tail)
    others = MAX_FORMATS - len(FORMATS)
    assert counts.pop(("other", "new")) == MAX_FORMATS + 2 - others
    assert counts == {(f"f{n}", "new"): 1 for n in range(others)}


def reports_counted(tail: EntryCounters) -> Counts:
    found = samples_of(tail).of("incidents_reports_total")
    return {of: int(n) for of, n in found.items() if not isinstance(n, Histogram) and n}
