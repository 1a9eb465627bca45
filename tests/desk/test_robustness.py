"""Faults that must not stop the desk: a damaged site, a wrong clock, text that it cannot record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.desk.text import refused_text
from incidents.errors import RefusedError
from incidents.machine import commands as c
from incidents.machine.command import Command, Short
from tests.databases import compares_clocks
from tests.desk.rehearsal import Rehearsal, rehearsal

SECRET = "010 5555 0142"
FOUR = "[repeat]\ncount = 4\n"


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[Rehearsal]:
    """A desk on PostgreSQL at the true time, where a clock can be compared with the database's."""
    with rehearsal(compares_clocks(postgresql_url), clock.now()) as day:
        day.add("a.example", "b.example")
        yield day


def test_one_spoilt_site_does_not_stop_the_clock_of_the_others(day: Rehearsal) -> None:
    for site in ("a.example", "b.example"):
        day.give(c.Log(by="li"), site)
    with day.engine.begin() as connection:
        connection.execute(text("UPDATE sites SET seq = 0 WHERE name = 'a.example'"))
    day.later(hours=2)
    assert [answer.site for answer in day.elapse()] == ["b.example"]
    assert day.rows("SELECT name FROM sites WHERE state = 'suspended'") == [("b.example",)]


def test_what_is_due_is_done_also_when_the_words_of_a_command_are_refused(day: Rehearsal) -> None:
    day.give(c.Log(by="li"), key="k")
    day.later(hours=2)
    refused = day.give(c.Log(by="li", category=SECRET))
    assert refused.refusal is not None
    assert refused.refusal.name == "personal_code"
    assert [event["kind"] for event in refused.document["events"]] == [
        "clock_lapsed", "site_suspended",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Command):
    """An act that nobody has thought of yet, with words that are not sealed."""

    via: Short


def test_words_that_are_not_sealed_hold_no_number_whatever_the_act_and_its_field_are() -> None:
    refusal = refused_text(Remark(by="li", via="+86 138 0013 8000"))
    assert refusal is not None
    assert (refusal.name, refusal.facts) == ("personal_code", {"what": "via"})
    assert refused_text(Remark(by="li", via="by mail")) is None


def test_what_is_due_is_done_also_when_a_key_was_used_for_another_command(day: Rehearsal) -> None:
    day.give(c.Log(by="li"), key="k")
    day.later(hours=2)
    refused = day.give(c.SetHold(by="li", reason="by order"), key="k")
    assert refused.refusal is not None
    assert refused.refusal.name == "key_reused"
    assert refused.site_document["state"] == "suspended"


@pytest.mark.both_databases(long="postgresql")
def test_a_refused_code_is_kept_nowhere(day: Rehearsal) -> None:
    day.give(c.Log(by="li", category=SECRET), key="k")
    assert SECRET not in repr(day.rows("SELECT * FROM keys"))


@pytest.mark.both_databases(long="postgresql")
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (c.ImportIncident(by="li", at=clock.read_rfc3339("2026-02-01T00:00:00Z"),
                          contact=f"{SECRET} Wang"), "unknown_outcome"),
        (c.Attach(by="li", incident=1, digest=SECRET, size=1), "bad_digest"),
        (c.AddNote(by="li", incident=1, audience=SECRET, text="seen"), "unknown_audience"),
        (c.AddNote(by="li", incident=1, audience="desk", text=" \n"), "empty_text"),
        (c.ChangeFiling(by="li", details=(("level", "2"), (SECRET, "x"))), "personal_code"),
        (c.ChangeFiling(by="li", details=(("level", "2"), ("colour", "x"))), "unknown_detail"),
        (c.ChangeFiling(by="li", details=(("level", SECRET),)), "unfit_detail"),
        (c.ChangeFiling(by="li", details=(("document.a", "x" * 401),)), "text_too_long"),
        (c.RaiseSuspicion(field=SECRET, finding="doubtful"), "personal_code"),
        (c.RaiseSuspicion(field="level", finding="wang＠mail.example"), "personal_code"),
        (c.RaiseSuspicion(field="level", finding=SECRET), "personal_code"),
        (c.RecordFooter(problems=("no_icon", SECRET)), "personal_code"),
        (c.Remind(on=SECRET), "bad_day"),
    ],
)  # fmt: skip
def test_the_desk_trusts_nobody_with_what_it_writes_as_it_is(
    day: Rehearsal, command: c.Command, name: str
) -> None:
    day.give(c.Log(by="li"))
    assert day.refused(command) == name


@pytest.mark.both_databases(long="postgresql")
def test_an_act_that_changes_nothing_keeps_no_words(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    evidence = c.Attach(by="li", incident=1, digest="0" * 64, size=1, name="Wang Wu.png")
    for _ in range(3):
        day.give(evidence)
    assert day.rows("SELECT count(*) FROM sealed") == [(1,)]


@pytest.mark.both_databases(long="postgresql")
def test_nothing_is_removed_before_it_was_there(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    early = c.StateRemoved(by="li", incident=1, at=day.now - timedelta(days=1))
    assert day.refused(early) == "before_incident"


def test_a_site_with_very_many_unsettled_incidents_can_be_reinstated(day: Rehearsal) -> None:
    _can_be_reinstated(day, thousands=1)


@pytest.mark.long
def test_as_many_as_need_more_parameters_than_one_statement_of_postgresql_may_have(
    postgresql_url: str,
) -> None:
    with rehearsal(postgresql_url) as day:
        day.add("a.example")
        _can_be_reinstated(day, thousands=6)


def _can_be_reinstated(day: Rehearsal, thousands: int) -> None:
    past = day.now - timedelta(days=400)
    rows = [
        Envelope(site="a.example", command=c.ImportIncident(by="li", at=past)) for _ in range(1_000)
    ]
    for _ in range(thousands):
        day.desk.submit(rows)
    day.give(c.StateFalse(by="li", field="phone", evidence="rang"))
    day.give(c.AskReinstatement(by="li", reason="settled"))
    answer = day.give(c.Approve(by="wang"))
    assert answer.refusal is None
    assert day.rows("SELECT count(*) FROM tasks WHERE done_at IS NULL") == [(2 * thousands,)]


def test_nothing_that_is_due_is_done_by_a_clock_that_is_ahead(shared: Rehearsal) -> None:
    shared.give(c.Log(by="li"))
    ahead = Desk(shared.engine, clock=lambda: clock.now() + timedelta(days=2))
    assert ahead.elapse() == []
    assert shared.rows("SELECT count(*) FROM sites WHERE state <> 'active'") == [(0,)]


@pytest.mark.parametrize(("days", "way"), [(2, "ahead of"), (-2, "behind")])
def test_a_policy_is_not_activated_by_a_clock_that_is_wrong(
    shared: Rehearsal, days: int, way: str
) -> None:
    """One ahead would make everything due that has not been for anybody else."""
    shared.give(c.Log(by="li"))
    wrong = Desk(shared.engine, clock=lambda: clock.now() + timedelta(days=days))
    with pytest.raises(RefusedError, match=f"five minutes {way} the database's"):
        wrong.activate(FOUR, by="li", login=None, reason="agreed")
    assert shared.rows("SELECT count(*) FROM sites WHERE state <> 'active'") == [(0,)]
