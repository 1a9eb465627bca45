"""Reports that are opened again: they wait like new ones, and how they had ended is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from freezegun import freeze_time

from incidents.audit.report_record import ReportRecord
from incidents.desk import Envelope
from incidents.desk.erasure import Erasure, erase
from incidents.desk.inbox.reopening import ReportErasedError, ReportWaitsError
from incidents.desk.inbox.reports import ReportLedThereError, ReportSettledError
from incidents.errors import NoSuchReportError, RefusedError
from incidents.machine import commands as c
from incidents.record.report_events import (
    ReportDismissed,
    ReportJoined,
    ReportReceived,
    ReportReopened,
)
from incidents.store import entries
from incidents.store.database.engine import reading, writing
from incidents.store.erasable import Scope
from incidents.store.inbox import erasable_reports
from incidents.store.inbox import reports as store
from incidents.values.parsing import MisreadError
from incidents.views.inbox import reports as views
from incidents.views.inbox import sealed_files
from tests.desk.rehearsal import Rehearsal
from tests.desk.report_acts import ONE, TWO, dismiss, incoming, lead, log, receive, reopen


def join(day: Rehearsal, report: int, digest: str = ONE, site: int = 1) -> None:
    attach = c.Attach(by="li", incident=1, digest=digest, size=10)
    envelope = Envelope(site=site, command=attach)
    day.desk.submit([envelope], sequel=lead(day, ReportJoined, report))


def states(day: Rehearsal) -> list[object]:
    return [state for (state,) in day.rows("SELECT state FROM reports ORDER BY id")]


@pytest.mark.both_databases
def test_a_report_that_was_settled_waits_again_and_how_it_had_ended_is_kept(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE), incoming(TWO, unread="archive", format="zip"))
    log(day, 1)
    dismiss(day, 2, not_ours=True)
    day.later(minutes=5)
    reopen(day, 1, "another site", by="wang")
    reopen(day, 2)
    assert states(day) == ["new", "unreadable"]
    with reading(day.engine) as connection:
        first, second = (views.report(connection, each) for each in (1, 2))
    assert (first["settled_at"], first["incident"], first["reason"]) == (None, None, None)
    [ended] = first["reopenings"]
    assert (ended["state"], ended["incident"], ended["settled_by"]) == ("logged", "1-1", "li")
    assert (ended["reopened_by"], ended["why"]) == ("wang", "another site")
    assert ended["settled_at"] < ended["reopened_at"] == first["reopened_at"]
    [ended] = second["reopenings"]
    assert (ended["state"], ended["reason"]) == ("not_ours", "nothing there")
    # The incident that was logged stands, with its evidence.
    assert day.rows("SELECT state FROM incidents") == [("open",)]
    assert day.rows("SELECT digest FROM evidence") == [(ONE,)]
    assert day.findings() == []


@pytest.mark.both_databases
def test_a_report_can_be_opened_again_each_time_that_it_has_ended(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    dismiss(day, 1)
    reopen(day, 1)
    log(day, 1)
    reopen(day, 1)
    join(day, 1)
    reopen(day, 1)
    dismiss(day, 1, not_ours=True)
    with reading(day.engine) as connection:
        found = views.report(connection, 1)
    assert [each["state"] for each in found["reopenings"]] == ["dismissed", "logged", "joined"]
    assert found["state"] == "not_ours"
    assert day.findings() == []


@pytest.mark.both_databases
def test_what_a_report_led_to_before_it_was_opened_again_does_not_count_any_more(
    day: Rehearsal,
) -> None:
    names = ("a.example", "b.example")
    receive(day, incoming(ONE), incoming(TWO))
    for report in (1, 2):
        for site in names:
            log(day, report, site, names=names, again=True)
        for site in names:
            void = c.VoidIncident(by="li", incident=report, reason="no violation")
            assert day.give(void, site).refusal is None
        reopen(day, report)
    dismiss(day, 1, not_ours=True, tell_reporter=True)
    assert states(day) == ["not_ours", "new"]
    assert day.findings() == []
    # The same site as before, and without being asked whether it is meant.
    log(day, 2, "a.example", names=names)
    led = day.rows("SELECT report, n, state, site_id, incident FROM report_incidents")
    assert led == [(2, 1, "logged", 1, 3)]
    dismiss(day, 2, not_ours=True)
    assert states(day) == ["not_ours", "logged"]
    assert day.findings() == []


def test_a_finding_that_was_logged_is_not_counted_once_more_after_a_reopening(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE))
    log(day, 1)
    reopen(day, 1)
    with pytest.raises(ReportLedThereError, match=r"r1 has led to 1-1 on a\.example"):
        log(day, 1)
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    # What was voided counts no more, and what a person logs on another site is another matter.
    void = c.VoidIncident(by="li", incident=1, reason="another site")
    day.desk.submit([Envelope(site="a.example", command=void)])
    log(day, 1)
    assert day.rows("SELECT state FROM incidents ORDER BY n") == [("voided",), ("open",)]
    assert day.findings() == []


def test_only_what_has_ended_can_be_opened_again(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    with pytest.raises(ReportWaitsError, match="report r1 waits for the desk already"):
        reopen(day, 1)
    with pytest.raises(NoSuchReportError):
        reopen(day, 7)
    dismiss(day, 1)
    reopen(day, 1)
    with pytest.raises(ReportWaitsError):
        reopen(day, 1)


def test_what_was_erased_cannot_be_opened_again(day: Rehearsal, tmp_path: Path) -> None:
    receive(day, incoming(ONE))
    dismiss(day, 1)
    day.later(days=200)
    with freeze_time(day.now):
        erase(day.desk, day.engine, Erasure(scope=Scope(before=day.now), by="wang"), tmp_path)
    with pytest.raises(ReportErasedError, match="report r1 was erased"):
        reopen(day, 1)
    assert states(day) == ["dismissed"]


def test_what_was_read_of_a_report_that_waits_again_is_not_erased_with_age(
    day: Rehearsal, tmp_path: Path
) -> None:
    receive(day, incoming(ONE))
    dismiss(day, 1)
    reopen(day, 1)
    day.later(days=200)
    with freeze_time(day.now):
        erase(day.desk, day.engine, Erasure(scope=Scope(before=day.now), by="wang"), tmp_path)
    with reading(day.engine) as connection:
        found = views.report(connection, 1)
    assert found["text"] == "call +86 10 5555"
    # The reasons go.
    assert [(each["reason"], each["why"]) for each in found["reopenings"]] == [(None, None)]
    assert day.findings() == []


@pytest.mark.both_databases
def test_of_two_people_who_settle_and_reopen_at_once_one_does_what_is_possible(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE))
    dismiss(day, 1)
    together, done = Barrier(2), []

    def act() -> None:
        together.wait()
        try:
            reopen(day, 1)
            done.append("reopened")
        except RefusedError as error:
            done.append(error.name)

    threads = [Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["reopened", "report_waits"]
    dismiss(day, 1)
    with pytest.raises(ReportSettledError):
        dismiss(day, 1)
    assert day.rows("SELECT COUNT(*) FROM report_reopenings") == [(1,)]
    assert day.findings() == []


def test_an_erasure_of_the_reporter_takes_the_reasons_of_what_was_opened_again(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE, reporter="zhao@user.example"))
    dismiss(day, 1, reason="Zhao again")
    reopen(day, 1, "Zhao was right")
    dismiss(day, 1, reason="not Zhao")
    day.later(days=200)
    with reading(day.engine) as connection:
        key = store.reporter_key(connection, "zhao@user.example")
        refs = erasable_reports.of_reporter(connection, key, day.now).refs
        texts = entries.values(connection, refs).values()
    assert {"Zhao again", "Zhao was right", "not Zhao"} < {*texts}


def test_a_replay_finds_a_reopening_of_what_had_not_ended_so() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    signed: dict[str, Any] = {
        "occurred_at": day, "recorded_at": day, "by": "li", "policy": "p", "report": 1,
    }  # fmt: skip
    record = ReportRecord()
    record.take(
        ReportReceived(**signed, digest=ONE, size=1, channel="api", format="mail", text="a")
    )
    with pytest.raises(MisreadError, match="the report 1 was new, but it says new"):
        record.take(ReportReopened(**signed, was="new", text="b"))
    record.take(ReportDismissed(**signed, text="c"))
    with pytest.raises(MisreadError, match="the report 1 was dismissed, but it says joined"):
        record.take(ReportReopened(**signed, was="joined", text="b"))
    record.take(ReportReopened(**signed, was="dismissed", text="b"))


def test_no_rule_acts_on_a_report_that_a_person_opened_again(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    with writing(day.engine) as connection:
        connection.exec_driver_sql("UPDATE reports SET rule = 'feed', rules = 'x'")
        assert store.due(connection, 0, 10) == [1]
    dismiss(day, 1)
    reopen(day, 1)
    with reading(day.engine) as connection:
        assert store.due(connection, 0, 10) == []
        assert views.report(connection, 1)["asks"] == "reopened"


def test_what_cannot_wait_comes_first_again(day: Rehearsal) -> None:
    receive(day, incoming(ONE), incoming(TWO, category="terrorism"))
    dismiss(day, 2)
    reopen(day, 2)
    with reading(day.engine) as connection:
        page = views.page(connection, views.ReportFilter(waiting=True), limit=10)
    assert [each["id"] for each in page["items"]] == ["r2", "r1"]


def test_a_report_that_its_incident_sealed_stays_sealed(day: Rehearsal) -> None:
    receive(day, incoming(ONE), incoming(TWO))
    for site, category in (("a.example", "csam"), ("b.example", "spam")):
        day.desk.submit([Envelope(site=site, command=c.Log(by="li", category=category))])
    join(day, 1)
    reopen(day, 1)
    join(day, 1, site=2)
    with reading(day.engine) as connection:
        assert views.report(connection, 1)["sealed"]
        assert sealed_files.sealed_evidence(connection, (2, 1), [ONE, TWO]) == {ONE}
        assert not views.report(connection, 2)["sealed"]
