"""Intake rules at work: each report that matched one is settled once, or left to the desk."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory, StepTickTimeFactory, TickingDateTimeFactory

from incidents.app import App
from incidents.daemon.inbox.rules_duty import RuleRounds
from incidents.desk import Envelope, accounts
from incidents.desk.inbox import intake_rules, receiving, reports
from incidents.desk.inbox.intake_rules import RuleOwnerError, RulesActivation, RulesInForceError
from incidents.desk.inbox.receiving import Incoming
from incidents.desk.inbox.reports import LeadToIncident
from incidents.desk.own_stream import Actor
from incidents.errors import RefusedError
from incidents.inbox.rules.acting import RuleDesk
from incidents.inbox.rules.trial import try_rules
from incidents.intake import rules_file
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED
from incidents.record.report_events import ReportLogged
from incidents.settings import sources
from incidents.store.database.engine import reading, writing
from incidents.store.inbox import address_book
from incidents.store.inbox import reports as store
from incidents.store.inbox.address_book import Holding
from incidents.values.person_name import check_person
from incidents.views.inbox import reports as views
from incidents.views.inbox.intake_rules import in_force
from tests import forked
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal

pytestmark = pytest.mark.both_databases

SITE, URL = "shop.example", "https://shop.example/a"
ACTS = {
    "log": 'act = "log"',
    "join": 'act = "join"',
    "dismiss": 'act = "dismiss"\nreason = "a known scanner"',
    "ask": 'act = "ask"',
}

_Clock = FrozenDateTimeFactory | StepTickTimeFactory | TickingDateTimeFactory


class RuledDesk:
    """A desk whose clock stands still, with rules at work."""

    def __init__(self, day: Rehearsal, clock: _Clock, app: App) -> None:
        self.day, self.desk, self._clock, self._app = day, day.desk, clock, app
        self.rules: RuleDesk = app.rules
        self._n = 0

    def later(self, **by: float) -> None:
        self._clock.tick(timedelta(**by))
        self.day.later(**by)

    def activate(self, text: str, **how: Any) -> Any:
        wanted = RulesActivation(
            rules=rules_file.read(text),
            **{"by": "sup", "login": "desk1", "reason": "a feed", **how},
        )
        return self.desk.on_record(
            partial(intake_rules.activate, wanted=wanted, clock=lambda: self.day.now)
        )

    def rule(self, act: str = "log", more: str = "", name: str = "feed", limit: int = 20) -> None:
        self.activate(
            f"logs_per_hour = {limit}\n[[rule]]\n"
            f'name = "{name}"\nowner = "op-1"\n{ACTS[act]}\n{more}'
        )

    def receive(self, *urls: str, hosts: tuple[str, ...] = (SITE,), **facts: Any) -> int:
        """A report comes in."""
        self._n += 1
        reading = {"urls": list(urls), "hosts": list(hosts), "subject": "a report"}
        new = Incoming(
            digest=f"{self._n:064}", size=10, reading=reading, hosts=list(hosts),
            **{"channel": "api", "format": "xarf", "category": "phishing", **facts},
        )  # fmt: skip
        [received] = self.desk.on_record(
            partial(
                receiving.receive, incoming=[new], by="feed-1", login=None,
                clock=lambda: self.day.now,
            )
        )  # fmt: skip
        return received.id

    def states(self) -> list[tuple[object, ...]]:
        """Of each report its state, its incident, and why the rule left it to the desk."""
        return self.day.rows("SELECT state, incident, asks FROM reports ORDER BY id")


@pytest.fixture
def desk(db_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RuledDesk]:
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with freeze_time(TEN, ignore=["_pytest"]) as clock, rehearsal(db_url) as day:
        day.add(SITE, "other.example")
        app = App(sources.load(db=db_url))
        yield RuledDesk(day, clock, app)
        assert day.findings() == []
        app.close()


# ── what a rule does ─────────────────────────────────────────────────────────────────────────────


def test_a_rule_logs_a_report_and_its_owner_is_named_wherever_the_act_is_shown(
    desk: RuledDesk,
) -> None:
    desk.rule("log")
    desk.receive(URL)
    assert desk.rules.act() == {"log": 1}
    assert desk.states() == [("logged", 1, None)]
    with desk.rules.reading() as connection:
        [report] = views.reports(connection, [1])
    signed = "rule:feed (op-1)"
    assert (report["settled_by"], report["rule"], report["incident"]) == (signed, "feed", "2-1")
    assert desk.day.rows('SELECT "by" FROM incidents') == [(signed,)]
    bodies = [str(body) for (body,) in desk.day.rows("SELECT body FROM entries ORDER BY id")]
    [logged] = [body for body in bodies if '"report_logged"' in body]
    digest = desk.day.rows("SELECT digest FROM intake_rules")[0][0]
    assert f'"actor":"{signed}","data":{{"about":"2-1","by_rule":"feed","report":1' in logged
    assert f'"rules":"{digest}"' in logged
    assert desk.rules.act() == {}


def test_a_rule_dismisses_with_its_reason(desk: RuledDesk) -> None:
    desk.rule("dismiss")
    desk.receive()
    assert desk.rules.act() == {"dismiss": 1}
    with desk.rules.reading() as connection:
        [report] = views.reports(connection, [1])
    assert (report["state"], report["reason"]) == ("dismissed", "a known scanner")


def test_a_rule_that_asks_leaves_the_report_to_the_desk(desk: RuledDesk) -> None:
    desk.rule("ask")
    desk.receive(URL)
    assert desk.rules.act() == {}
    assert desk.states() == [("new", None, "asks")]


@pytest.mark.parametrize(
    ("facts", "asks"),
    [
        ({"category": "child_abuse"}, "child_abuse"),
        ({"message_id": "<1@example.net>"}, "same_message_id"),
    ],
)
@pytest.mark.parametrize("act", ["log", "dismiss"])
def test_no_rule_settles_what_only_people_may_judge(
    desk: RuledDesk, facts: dict[str, Any], asks: str, act: str
) -> None:
    desk.receive(URL, message_id="<1@example.net>")
    desk.rule(act)
    desk.receive(URL, **facts)
    assert desk.rules.act() == {}
    assert desk.states()[1] == ("new", None, asks)


def test_no_rule_matches_what_cannot_be_read(desk: RuledDesk) -> None:
    desk.rule("dismiss")
    desk.receive(unread="deep")
    assert desk.rules.act() == {}
    assert desk.day.rows("SELECT state, rule FROM reports") == [("unreadable", None)]


@pytest.mark.parametrize(
    ("hosts", "asks"), [((SITE, "other.example"), "several_sites"), (("no.example",), "no_site")]
)
def test_a_rule_logs_only_what_is_about_one_site(
    desk: RuledDesk, hosts: tuple[str, ...], asks: str
) -> None:
    desk.rule("log")
    desk.receive(hosts=hosts)
    assert desk.rules.act() == {"ask": 1}
    assert desk.states() == [("new", None, asks)]


@pytest.mark.parametrize("act", ["log", "join"])
def test_a_rule_logs_nothing_on_a_site_that_changed_hands_since_the_report_saw_it(
    desk: RuledDesk, act: str
) -> None:
    desk.rule(act)
    moved = desk.day.now - timedelta(hours=1)
    held = [Holding("domain", SITE, "old", until=moved), Holding("domain", SITE, "new", moved)]
    with writing(desk.day.engine) as connection:
        address_book.save(connection, held)
    desk.receive(URL, seen_at=moved - timedelta(hours=1))
    with reading(desk.day.engine) as connection:
        [tried] = try_rules(
            connection, rules_file.read(in_force(connection)["toml"]), DOCUMENTED,
            since=moved, until=desk.day.now + timedelta(hours=1),
        )["by_rule"]  # fmt: skip
    desk.receive(URL, seen_at=moved + timedelta(minutes=1), category="spam")

    desk.rules.act()

    asks = {"log": ["changed_hands", None], "join": ["no_incident", "no_incident"]}[act]
    assert [each[2] for each in desk.states()] == asks
    assert tried["ask"] == 1


def test_the_owner_of_a_rule_that_left_a_report_can_still_be_overruled(desk: RuledDesk) -> None:
    desk.rule("ask")
    desk.receive(URL)
    desk.desk.on_record(
        partial(
            reports.dismiss, report=1, reason="nothing", not_ours=False, by="li", login=None,
            clock=lambda: desk.day.now,
        )
    )  # fmt: skip
    assert desk.states() == [("dismissed", None, "asks")]


# ── no rule closes a site ────────────────────────────────────────────────────────────────────────


def test_a_rule_never_logs_what_would_close_the_site(desk: RuledDesk) -> None:
    desk.rule("log")
    for n in range(3):
        desk.receive(f"{URL}/{n}")
        desk.rules.act()
        desk.later(hours=2)
    assert desk.states() == [("logged", 1, None), ("logged", 2, None), ("new", None, "would_close")]
    assert desk.day.rows(f"SELECT state FROM sites WHERE name = '{SITE}'") == [("suspended",)]


def test_a_burst_of_reports_on_one_finding_is_one_incident(desk: RuledDesk) -> None:
    desk.rule("log")
    for n in range(6):
        desk.receive(f"{URL}/{n}")
        desk.rules.act()
        desk.later(minutes=50)
    joined = [("joined", 1, None)] * 5
    assert desk.states() == [("logged", 1, None), *joined]


def test_reports_that_waited_for_the_rules_are_a_burst_by_when_they_came_in(
    desk: RuledDesk,
) -> None:
    desk.rule("log")
    for n in range(3):
        desk.receive(f"{URL}/{n}")
        desk.later(minutes=10)
    desk.later(hours=5)
    assert desk.rules.act() == {"log": 1, "join": 2}


@pytest.mark.parametrize("seed", range(3))
def test_no_rule_closes_a_site_whatever_comes_in(desk: RuledDesk, seed: int) -> None:
    draw = Random(seed)
    desk.rule("log", 'format = "xarf"\n')
    for _ in range(40):
        desk.receive(
            f"{URL}/{draw.randrange(6)}", format=draw.choice(["xarf", "arf"]),
            category=draw.choice(["phishing", "malware", None]),
        )  # fmt: skip
        if draw.random() < 0.5:
            desk.rules.act()
        desk.later(minutes=draw.choice([1, 20, 70, 400]))
    desk.rules.act()
    assert desk.day.rows("SELECT COUNT(*) FROM incidents")[0] > (1,)
    assert desk.day.rows("SELECT COUNT(*) FROM reports WHERE asks = 'would_close'")[0] > (0,)
    # Nobody called, so that R2 and R3 act by the clock; the reports alone close nothing (R1).
    bodies = {str(body) for (body,) in desk.day.rows("SELECT body FROM entries")}
    closed = [body for body in bodies if '"kind":"site_closed"' in body]
    assert not [body for body in closed if '"rule":"repeat"' in body]


def test_another_category_is_another_finding(desk: RuledDesk) -> None:
    desk.rule("log")
    desk.receive(URL), desk.receive(f"{URL}/b", category="malware")
    assert desk.rules.act() == {"log": 2}


def test_the_same_address_is_the_same_finding_as_long_as_the_desk_works_on_it(
    desk: RuledDesk,
) -> None:
    desk.rule("log")
    desk.receive(URL), desk.rules.act()
    desk.later(minutes=30)
    desk.day.give(c.RecordContact(by="li", incident=1, outcome="reached"), SITE)
    desk.later(hours=30)
    desk.receive(URL), desk.rules.act()
    assert desk.states()[1] == ("joined", 1, None)


def test_a_report_just_after_its_incident_was_settled_is_left_to_the_desk(desk: RuledDesk) -> None:
    desk.rule("log")
    desk.receive(URL), desk.rules.act()
    desk.day.give(c.StateRemoved(by="li", incident=1), SITE)
    desk.later(minutes=59)
    desk.receive(URL), desk.rules.act()
    assert desk.states()[1] == ("new", None, "just_settled")
    desk.later(minutes=61)
    desk.receive(f"{URL}/b"), desk.rules.act()
    assert desk.states()[2] == ("logged", 2, None)


# ── joining ──────────────────────────────────────────────────────────────────────────────────────


def _log_by_hand(desk: RuledDesk, *urls: str, category: str = "phishing") -> None:
    desk.day.give(c.Log(by="li", urls=urls, category=category), SITE)


def test_a_rule_joins_a_report_to_the_one_incident_that_it_is_about(desk: RuledDesk) -> None:
    desk.rule("join")
    _log_by_hand(desk, f"{URL}/b", category="malware")
    _log_by_hand(desk, URL)
    desk.receive(URL)
    assert desk.rules.act() == {"join": 1}
    assert desk.states() == [("joined", 2, None)]
    assert desk.day.rows("SELECT incident, digest FROM evidence") == [(2, f"{1:064}")]


@pytest.mark.parametrize(("incidents", "asks"), [(0, "no_incident"), (2, "several_incidents")])
def test_a_rule_joins_nothing_where_there_is_doubt(
    desk: RuledDesk, incidents: int, asks: str
) -> None:
    desk.rule("join")
    for n in range(incidents):
        _log_by_hand(desk, f"{URL}/{n}")
    desk.receive(f"{URL}/none")
    assert desk.rules.act() == {"ask": 1}
    assert desk.states() == [("new", None, asks)]


# ── whose rules, and since when ──────────────────────────────────────────────────────────────────


def test_rules_are_for_reports_that_come_in_after_them(desk: RuledDesk) -> None:
    desk.receive(URL)
    desk.rule("log")
    desk.receive("https://other.example/b", hosts=("other.example",))
    desk.rule("dismiss", name="scanner")
    assert desk.rules.act() == {"log": 1}
    assert [state for state, *_ in desk.states()] == ["new", "logged"]


def test_what_a_person_has_settled_meanwhile_stays_so(desk: RuledDesk) -> None:
    desk.rule("log")
    desk.receive(URL)
    lead = LeadToIncident(
        report=1, kind=ReportLogged, by="li", login=None, clock=lambda: desk.day.now
    )
    desk.desk.submit([Envelope(site=SITE, command=c.Log(by="li"))], sequel=lead)
    assert desk.rules.act() == {}
    assert desk.day.rows("SELECT settled_by FROM reports") == [("li",)]


def test_the_same_rules_are_not_activated_twice(desk: RuledDesk) -> None:
    desk.rule("log")
    with pytest.raises(RulesInForceError):
        desk.rule("log")


def test_a_repeated_activation_gets_the_same_answer(desk: RuledDesk) -> None:
    first = desk.activate("", key="k")
    assert desk.activate("", key="k") == first
    assert desk.day.rows("SELECT COUNT(*) FROM intake_rules") == [(1,)]


def _make(desk: RuledDesk, handle: str, role: str) -> None:
    by = Actor(person="admin", login=None)
    desk.desk.on_record(lambda each: accounts.make(each, by, handle, role, lambda: desk.day.now))


@pytest.mark.parametrize("role", [None, "viewer"])
def test_an_owner_must_be_an_account_that_may_settle_reports(
    desk: RuledDesk, role: str | None
) -> None:
    _make(desk, "sup", "supervisor")
    if role is not None:
        _make(desk, "op-1", role)
    with pytest.raises(RuleOwnerError) as refused:
        desk.rule("log")
    assert "the rule feed is owned by op-1" in str(refused.value)


def test_a_rule_whose_owner_is_disabled_asks(desk: RuledDesk) -> None:
    _make(desk, "op-1", "operator")
    desk.rule("log")
    desk.receive(URL)
    by = Actor(person="admin", login=None)
    desk.desk.on_record(lambda each: accounts.disable(each, by, "op-1", lambda: desk.day.now))
    assert desk.rules.act() == {"ask": 1}
    assert desk.states() == [("new", None, "owner")]


def test_a_rule_that_may_not_act_adds_no_site_either(desk: RuledDesk) -> None:
    _make(desk, "op-1", "operator")
    desk.rule("log")
    with writing(desk.day.engine) as connection:
        address_book.save(connection, [Holding("site", "new.example", "White Ltd")])
    desk.receive("https://new.example/a", hosts=("new.example",))
    by = Actor(person="admin", login=None)
    desk.desk.on_record(lambda each: accounts.disable(each, by, "op-1", lambda: desk.day.now))
    assert desk.rules.act() == {"ask": 1}
    assert desk.day.rows("SELECT name FROM sites WHERE name = 'new.example'") == []


# ── the brake ────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_that_logged_too_many_stops_until_an_hour_has_passed(desk: RuledDesk) -> None:
    desk.rule("log", limit=2)
    names = [f"s{n}.example" for n in range(4)]
    desk.day.add(*names)
    for name in names[:3]:
        desk.receive(hosts=(name,))
    assert desk.rules.act() == {"log": 2, "ask": 1}
    assert desk.states()[2] == ("new", None, "brake")
    desk.later(hours=1, seconds=1)
    desk.receive(hosts=(names[3],))
    assert desk.rules.act() == {"log": 1}
    # What was left to the desk stays there.
    assert desk.states()[2] == ("new", None, "brake")


def test_the_brake_stops_whatever_the_rule_does(desk: RuledDesk) -> None:
    desk.rule("dismiss", limit=0)
    desk.receive()
    assert desk.rules.act() == {"ask": 1}


# ── exactly once ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_left_is_found_again_after_a_stop(desk: RuledDesk) -> None:
    desk.rule("dismiss")
    for _ in range(3):
        desk.receive()
    asked = iter([False, True])
    assert desk.rules.act(stopped=lambda: next(asked)) == {"dismiss": 1}
    assert desk.rules.act() == {"dismiss": 2}


def _kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("place", "settled"),
    [
        ("incidents.inbox.report_desk.ReportDesk.ensure_site", False),
        ("incidents.desk.inbox.reports.LeadToIncident.write", False),
        ("incidents.store.inbox.reports.settle", False),
        ("incidents.desk.batch.Batch.write", False),
        ("incidents.daemon.journal.info", True),
    ],
)
def test_a_daemon_that_is_killed_leaves_each_report_settled_once_or_still_to_settle(
    desk: RuledDesk, db_url: str, monkeypatch: pytest.MonkeyPatch, place: str, settled: bool
) -> None:
    desk.rule("log")
    desk.receive(URL)
    desk.day.engine.dispose()

    def work() -> None:
        # A connection must not be shared with the copy.
        own = App(sources.load(db=db_url))
        RuleRounds(own).act()

    with monkeypatch.context() as patch:
        patch.setattr(place, _kill)
        assert forked.done(work) == -signal.SIGKILL
    assert desk.states() == [("logged", 1, None) if settled else ("new", None, None)]
    assert desk.rules.act() == ({} if settled else {"log": 1})
    assert desk.states() == [("logged", 1, None)]
    assert desk.day.rows("SELECT COUNT(*) FROM incidents") == [(1,)]


def test_an_incident_logged_between_the_decision_and_the_act_is_joined(desk: RuledDesk) -> None:
    desk.rule("log")
    desk.receive(URL)

    def meanwhile(*_: object, **__: object) -> None:
        if desk.day.rows("SELECT COUNT(*) FROM incidents") == [(0,)]:
            _log_by_hand(desk, f"{URL}/b")

    assert replace(desk.rules, ensure_site=meanwhile).act() == {"join": 1}
    assert desk.states() == [("joined", 1, None)]


def test_a_report_on_which_a_rule_is_to_act_is_found(desk: RuledDesk) -> None:
    desk.rule("log")
    desk.receive(URL)
    with desk.rules.reading() as connection:
        assert store.due(connection, 0, 10) == [1]
        assert store.due(connection, 1, 10) == []


def test_a_name_that_signs_for_rules_is_nobody_s() -> None:
    with pytest.raises(RefusedError, match="reserved for the system"):
        check_person("Rule:feed (op-1)")
