"""The preview: what it takes from the record, and what it makes up, on both databases."""

from __future__ import annotations

import pytest

from incidents.enforcement.port import Order
from incidents.errors import UnknownIncidentError
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from incidents.notices import preview, samples
from incidents.notices.facts import AlarmFacts, Facts, ReporterFacts
from incidents.notices.notice_types import NOTICES
from tests.views.day import SITE, Day, utc


def _link(order: Order, _revoked: int) -> str | None:
    return None if order.incident is None else f"https://desk.example/c/{order.incident}"


def _shown(day: Day, name: str, incident: int | None = None) -> tuple[Facts, bool]:
    with day.reading() as connection:
        if incident is None:
            subject = preview.of_site(connection, SITE)
        else:
            subject = preview.of_incident((1, incident))
        facts, made_up = preview.of(connection, name, subject, day.now, _link)
    assert isinstance(facts, Facts)
    return facts, made_up


def test_a_suspension_is_told_with_its_times_and_its_incident(day: Day) -> None:
    day.miss().after("1m").log()
    told, made_up = _shown(day, "suspended")
    assert (told.at, told.until, made_up) == (utc("11:00:01"), utc("23:00:01"), False)
    assert [finding.id for finding in told.findings] == ["1-1"]
    assert told.link == "https://desk.example/c/1-1"


def test_of_an_incident_that_suspended_nothing_a_suspension_is_made_up(day: Day) -> None:
    day.miss().after("1m").log()
    told, made_up = _shown(day, "suspended", 2)
    assert (told.site, told.reference, made_up) == (SITE, "1-2", True)
    assert told.until == samples.of("suspended").until  # type: ignore[union-attr]
    assert told.link == "https://desk.example/c/1-2"
    assert not _shown(day, "suspended", 1)[1]


def test_a_site_that_is_held_is_told_of_no_suspension(day: Day) -> None:
    day.do(c.SetHold(by="li", reason="ordered"))
    told, made_up = _shown(day, "suspended_held")
    assert (told.at, told.until, told.reference) == (utc("10:00"), None, "1-o2")
    assert (told.link, made_up) == (None, False)
    assert _shown(day, "suspended") == (samples.of("suspended"), True)


def test_a_reopening_is_told_with_its_cause_and_without_a_page(day: Day) -> None:
    day.miss().after("13h").elapse()
    told, made_up = _shown(day, "reopened")
    assert (told.at, told.cause, made_up) == (utc("03-02 00:00:01"), "ended", False)
    assert told.link is None


def test_a_closure_by_false_information_needs_no_incident(day: Day) -> None:
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    for name in ("closed", "call_script"):
        told, made_up = _shown(day, name)
        assert (told.rule, told.false_field, told.findings) == ("false_info", "phone", ())
        assert (told.site, told.link, made_up) == (SITE, None, False)


def test_a_call_is_told_with_its_task(day: Day) -> None:
    for _ in range(3):
        day.log()
    told, made_up = _shown(day, "call_task")
    assert (told.task, told.rule, made_up) == ("1-t1", "repeat", False)


def test_a_closure_that_was_taken_back_is_made_up_again(day: Day) -> None:
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    day.do(c.AskReinstatement(by="li", reason="slip")).do(c.Approve(by="wang"))
    assert _shown(day, "closed")[1]
    assert _shown(day, "reopened")[0].cause == "other"


def test_each_violation_is_told_as_its_own_order_was(day: Day) -> None:
    day.log().after("1m").log(at=utc("09:00"))
    first, second = _shown(day, "violation_found", 1)[0], _shown(day, "violation_found")[0]
    assert (first.at, first.reference) == (utc("10:00"), "1-1")
    assert (second.at, second.reference) == (utc("10:01"), "1-2")
    assert second.link == "https://desk.example/c/1-2"


def test_a_violation_that_was_told_to_nobody_has_no_page(day: Day) -> None:
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere")).log()
    told, made_up = _shown(day, "violation_found")
    assert (told.state, told.at, told.link, made_up) == ("moot", utc("10:00"), None, False)


def test_a_clock_that_lapsed_with_too_few_attempts_is_told_as_it_was(day: Day) -> None:
    day.desk.activate(Policy(min_attempts=2).toml(), by="li", login="desk1", reason="agreed")
    day.log()
    assert _shown(day, "alarm")[1]
    day.after("1h1s").elapse()
    told, made_up = _shown(day, "alarm")
    assert (told.state, told.contact_due, made_up) == ("unreached", utc("11:00"), False)
    assert told.link is None


def test_what_reconciliation_has_ordered_once_more_was_told_to_nobody(day: Day) -> None:
    day.miss().after("1h")
    day.do(c.RepeatOrder(by="li"))
    told, made_up = _shown(day, "suspended")
    assert (told.at, made_up) == (utc("11:00:01"), False)
    assert _shown(day, "suspended_held")[1]


def test_every_notice_of_a_site_s_incident_names_that_site(day: Day) -> None:
    day.log()
    with day.reading() as connection:
        subject = preview.of_incident((1, 1))
        for name in NOTICES:
            told, _ = preview.of(connection, name, subject, day.now)
            if isinstance(told, ReporterFacts):
                continue
            assert told.site in ((SITE, None) if isinstance(told, AlarmFacts) else (SITE,))


def test_an_incident_that_is_not_there_is_refused(day: Day) -> None:
    with day.reading() as connection:
        for name in NOTICES:
            with pytest.raises(UnknownIncidentError):
                preview.of(connection, name, preview.of_incident((1, 9)), day.now)


def test_a_preview_costs_the_same_however_long_the_history_is(day: Day) -> None:
    day.desk.activate(Policy(repeat_count=900).toml(), by="li", login="desk1", reason="agreed")
    day.log()
    few = len(day.statements(lambda: _shown(day, "violation_found")))
    for _ in range(20):
        day.log().after("1s")
    assert len(day.statements(lambda: _shown(day, "violation_found"))) == few
