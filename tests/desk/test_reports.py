"""Reports on record: received once, settled once, and an incident only if somebody says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest
from freezegun import freeze_time
from sqlalchemy import text

from incidents.desk import Envelope
from incidents.desk.erasure import Erasure, erase
from incidents.desk.inbox.receiving import Received
from incidents.desk.inbox.reports import (
    ReportLedSomewhereError,
    ReportLedThereError,
    ReportSettledError,
)
from incidents.errors import NoSuchReportError, RefusedError
from incidents.machine import commands as c
from incidents.record.report_events import ReportJoined, ReportLogged
from incidents.store.database.engine import reading
from incidents.store.erasable import Scope
from incidents.store.inbox import reports as stored
from incidents.views.inbox import sealed_files
from tests.desk.rehearsal import Rehearsal
from tests.desk.report_acts import ONE, THREE, TWO, dismiss, incoming, lead, log, receive


def states(day: Rehearsal) -> list[object]:
    return [state for (state,) in day.rows("SELECT state FROM reports ORDER BY id")]


@pytest.mark.both_databases
def test_the_same_bytes_are_the_same_report(day: Rehearsal) -> None:
    assert receive(day, incoming(ONE), incoming(TWO), incoming(ONE)) == [
        Received(1, True), Received(2, True), Received(1, False),
    ]  # fmt: skip
    assert receive(day, incoming(TWO), incoming(THREE)) == [Received(2, False), Received(3, True)]
    assert day.rows("SELECT COUNT(*) FROM entries WHERE site_id = 0") == [(3,)]
    assert day.findings() == []


def test_the_same_message_id_with_other_bytes_is_a_report_of_its_own_linked_to_the_first(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE, message_id="<a@b>"), incoming(TWO, message_id="<a@b>"))
    receive(day, incoming(THREE, message_id="<a@b>"))
    linked = day.rows("SELECT id, same_id_as FROM reports ORDER BY id")
    assert linked == [(1, None), (2, 1), (3, 1)]
    assert day.findings() == []


def test_what_was_read_is_sealed(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    [(body,)] = day.rows("SELECT body FROM entries WHERE site_id = 0")
    assert "5555" not in str(body)
    assert "5555" in str(day.rows("SELECT value FROM sealed"))


@pytest.mark.both_databases
def test_a_report_that_is_logged_is_evidence_of_its_incident(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    logged, attached = log(day, 1)
    assert logged.incident_document["id"] == "1-1"
    assert [each["digest"] for each in attached.incident_document["evidence"]] == [ONE]
    settled = day.rows("SELECT state, site_id, incident, settled_by FROM reports")
    assert settled == [("logged", 1, 1, "li")]
    assert day.findings() == []


@pytest.mark.both_databases
def test_a_report_joins_an_incident_and_moves_neither_state_nor_clock(day: Rehearsal) -> None:
    receive(day, incoming(ONE), incoming(TWO))
    [logged, _] = log(day, 1)
    due = logged.incident_document["contact_due"]
    day.later(minutes=5)
    attach = c.Attach(by="li", incident=1, digest=TWO, size=10)
    [joined] = day.desk.submit(
        [Envelope(site=1, command=attach)], sequel=lead(day, ReportJoined, 2)
    )
    assert joined.incident_document["contact_due"] == due
    assert states(day) == ["logged", "joined"]
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    assert day.findings() == []


_SITES = ("a.example", "b.example", "c.example")


@pytest.mark.both_databases
def test_a_report_about_several_sites_waits_until_it_was_logged_on_each(day: Rehearsal) -> None:
    day.add("c.example")
    receive(day, incoming(ONE))
    log(day, 1, "b.example", names=_SITES)
    assert states(day) == ["new"]
    with pytest.raises(ReportLedThereError, match="has led to 2-1 on"):
        log(day, 1, "b.example", names=_SITES)
    log(day, 1, "a.example", names=_SITES)
    assert states(day) == ["new"]
    log(day, 1, "c.example", names=_SITES)
    assert states(day) == ["logged"]
    with pytest.raises(ReportSettledError):
        log(day, 1, "c.example", names=_SITES)
    led = day.rows("SELECT report, n, state, site_id, incident FROM report_incidents ORDER BY n")
    assert led == [(1, 1, "logged", 2, 1), (1, 2, "logged", 1, 1)]
    assert day.rows("SELECT site_id, incident FROM reports") == [(3, 1)]
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(3,)]
    with reading(day.engine) as connection:
        assert [stored.led_to(connection, site, 1, 9) for site in (1, 2, 3)] == [[1], [1], [1]]
        assert stored.of_incidents(connection, 2, [1], 2) == [(1, day.now)]
    assert day.findings() == []


def test_a_site_whose_incident_was_voided_can_be_logged_again(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    log(day, 1, "b.example", names=_SITES)
    void = c.VoidIncident(by="li", incident=1, reason="another row")
    day.desk.submit([Envelope(site="b.example", command=void)])
    log(day, 1, "b.example", names=_SITES)
    assert day.rows("SELECT state FROM incidents ORDER BY n") == [("voided",), ("open",)]
    assert states(day) == ["new"]


def test_a_report_of_which_not_all_was_read_stays_open_if_asked_to(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    day.desk.submit(
        [Envelope(site="a.example", command=c.Log(by="li"))],
        sequel=replace(lead(day, ReportLogged, 1, ()), others=lambda _: [], is_cut=True),
    )
    assert states(day) == ["new"]


@pytest.mark.both_databases
def test_a_report_joins_an_incident_on_one_site_and_waits_for_the_others(day: Rehearsal) -> None:
    receive(day, incoming(ONE), incoming(TWO))
    log(day, 1)
    attach = c.Attach(by="li", incident=1, digest=TWO, size=10)
    joined = [Envelope(site=1, command=attach)]
    day.desk.submit(joined, sequel=lead(day, ReportJoined, 2, _SITES))
    assert states(day) == ["logged", "new"]
    day.later(minutes=1)
    other = replace(attach, name="again")
    with pytest.raises(ReportLedThereError):
        day.desk.submit([replace(joined[0], command=other)], sequel=lead(day, ReportJoined, 2))
    assert day.findings() == []


@pytest.mark.both_databases
def test_of_a_report_that_has_led_to_an_incident_only_the_rest_is_dismissed(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    log(day, 1, "b.example", names=_SITES)
    with pytest.raises(ReportLedSomewhereError, match="r1 has led to 2-1"):
        dismiss(day, 1, tell_reporter=True)
    dismiss(day, 1, not_ours=True)
    ended = day.rows("SELECT state, site_id, incident FROM reports WHERE reason IS NOT NULL")
    assert ended == [("logged", 2, 1)]
    with reading(day.engine) as connection:
        assert stored.led_to(connection, 2, 1, 9) == [1]
    assert day.findings() == []


@pytest.mark.both_databases
def test_a_report_and_its_evidence_are_sealed_by_the_category_of_any_of_its_incidents(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE))
    log(day, 1, "a.example", names=_SITES, category="csam")
    log(day, 1, "b.example", names=_SITES)
    with reading(day.engine) as connection:
        row = stored.named(connection, [1])[1]
        assert sealed_files.is_report_sealed(connection, row)
        assert sealed_files.sealed_evidence(connection, (2, 1), [ONE]) == {ONE}


def test_a_report_is_dismissed_with_a_reason_or_as_not_ours(day: Rehearsal) -> None:
    receive(day, incoming(ONE), incoming(TWO))
    dismiss(day, 1)
    dismiss(day, 2, not_ours=True)
    assert states(day) == ["dismissed", "not_ours"]
    assert ("nothing there",) in day.rows("SELECT value FROM sealed")
    assert day.findings() == []


def test_a_report_that_cannot_be_read_is_kept_as_such_and_ends_like_any_other(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE, unread="archive", format="zip"))
    assert states(day) == ["unreadable"]
    log(day, 1)
    assert states(day) == ["logged"]


def test_a_report_ends_once(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    dismiss(day, 1)
    before = day.rows("SELECT COUNT(*) FROM entries")
    with pytest.raises(ReportSettledError):
        dismiss(day, 1)
    with pytest.raises(ReportSettledError):
        log(day, 1)
    assert day.rows("SELECT COUNT(*) FROM entries") == before
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(0,)]


def test_a_report_that_nobody_sent_cannot_end(day: Rehearsal) -> None:
    with pytest.raises(NoSuchReportError, match="there is no report r7"):
        dismiss(day, 7)
    with pytest.raises(NoSuchReportError):
        log(day, 7)


def test_what_is_refused_leaves_the_report_waiting(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    [answer] = log(day, 1, site="nobody.example")
    assert answer.refusal is not None
    assert states(day) == ["new"]


def test_a_dry_run_leaves_the_report_waiting(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    envelope = Envelope(site="a.example", command=c.Log(by="li"))
    answers = day.desk.submit([envelope], dry_run=True, sequel=lead(day, ReportLogged, 1))
    assert [answer.refusal for answer in answers] == [None, None]
    assert states(day) == ["new"]
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(0,)]


def test_a_repeated_command_is_answered_as_before(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    log(day, 1, key="K")
    [again] = log(day, 1, key="K")
    assert again.repeated
    assert again.incident_document["id"] == "1-1"
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(1,)]


@pytest.mark.both_databases
def test_of_two_people_who_log_a_report_at_once_one_does(day: Rehearsal) -> None:
    receive(day, incoming(ONE))
    together, done = Barrier(2), []

    def act(site: str) -> None:
        together.wait()
        try:
            done.append(log(day, 1, site=site)[0].site)
        except RefusedError as error:
            done.append(error.name)

    threads = [Thread(target=act, args=(site,)) for site in ("a.example", "b.example")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "report_settled" in done
    assert day.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    assert day.findings() == []


@pytest.mark.parametrize(
    "changed", ["state = 'dismissed'", "digest = 'x'", "incident = 2", "reason = 'x'", "size = 11"]
)
def test_a_replay_finds_a_row_that_somebody_changed(day: Rehearsal, changed: str) -> None:
    receive(day, incoming(ONE))
    with day.engine.begin() as connection:
        connection.execute(text(f"UPDATE reports SET {changed}"))
    assert len(day.findings()) == 1


def test_what_may_be_erased_is_in_no_entry(day: Rehearsal) -> None:
    receive(day, incoming(ONE, reporter="a@user.example", category="spam"))
    with day.engine.begin() as connection:
        connection.execute(text("UPDATE reports SET reporter = NULL, category = NULL"))
    assert day.findings() == []
    [(body,)] = day.rows("SELECT body FROM entries WHERE site_id = 0")
    assert "user.example" not in str(body)


def test_what_was_read_of_a_settled_report_is_erased_with_age_and_of_a_waiting_one_is_not(
    day: Rehearsal, tmp_path: Path
) -> None:
    receive(day, incoming(ONE, reporter="a@user.example", hosts=["a.example"]),
            incoming(TWO, reporter="b@user.example", hosts=["b.example"]))  # fmt: skip
    dismiss(day, 1)
    day.later(days=200)
    scope = Scope(before=day.now)
    with freeze_time(day.now):
        erased = erase(day.desk, day.engine, Erasure(scope=scope, by="wang"), tmp_path)
    # The reading of the first one, and the reason for its dismissal.
    assert erased.words == 2
    [gone, kept] = day.rows("SELECT reporter FROM reports ORDER BY id")
    assert (gone, kept == (None,)) == ((None,), False)
    assert day.rows("SELECT report_id FROM report_hosts") == [(2,)]
    assert day.findings() == []
