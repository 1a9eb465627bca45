"""The redecision: what the desk has decided follows from what stands before it, entry by entry."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from incidents.audit import redecide
from incidents.audit.archive import Archive
from incidents.audit.fold import Periods
from incidents.audit.redecide import Redecision
from incidents.audit.rows import Finding
from incidents.desk import Envelope
from incidents.history import reports as history
from incidents.history.importing import Import
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine import policy
from incidents.machine.case import Case
from incidents.machine.decide import Decision, decide
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.machine.rules import deadlines
from incidents.record.entry import Header, decode, encode
from incidents.scenario import file, trial
from incidents.store.schema import desk_tables
from incidents.store.schema.desk_tables import DESK_STREAM
from tests.audit.decided import TEN, Decided, added, decided_again, everything
from tests.audit.histories import Histories
from tests.audit.tampering import fill
from tests.desk.rehearsal import Outside, Rehearsal, random_command, rehearsal
from tests.machine import random_histories
from tests.machine.random_histories import RandomHistory, histories, play

ROOT = Path(__file__).parents[2]
SCENARIOS = file.read((ROOT / "docs/examples/scenarios.toml").read_text(encoding="utf-8"))
POLICIES = (
    '[repeat]\ncount = 2\nwithin = "10h"\n',
    '[repeat]\ncount = 9\n[unreachable_run]\nrun = "total"\n',
    '[unreachable]\nmin_attempts = 1\n[refusal]\nremoval_within = "20h"\n',
    DOCUMENTED.toml(),
)


LONG = pytest.mark.long
FEW = (1_000_000, -1)
"""So small a case is decided whole."""


def _findings(engine: Engine) -> list[Finding]:
    """What is wrong in a database; an entry's id is its place."""
    periods, sites = Periods(), dict[int, Redecision]()
    found = []
    table = desk_tables.entries.c
    with engine.connect() as connection:
        rows = connection.execute(
            select(table.id, table.site_id, table.body).order_by(table.site_id, table.site_seq)
        ).all()
    for place, site_id, body in rows:
        header, event = decode(body)
        if site_id == DESK_STREAM:
            found.append(periods.take(header, event, place))
            continue
        site = sites.setdefault(site_id, Redecision(site_id, periods.policies, periods))
        found.append(site.take(header, event, place))
    found += [site.end() for site in sites.values()]
    assert rows, "nothing was looked at"
    return [finding for finding in found if finding is not None]


Decisions = list[tuple[Decision, Policy]]


def _events(decisions: Decisions) -> list[tuple[e.Event, bool]]:
    """Each event, and whether the clock brought it about."""
    return [
        (event, n < decision.due)
        for decision, _ in decisions
        for n, event in enumerate(decision.events)
    ]


def _redecision(decisions: Decisions) -> Redecision:
    return Redecision(decisions[0][0].case.site_id, {each.digest: each for _, each in decisions})


def _redecided(decisions: Decisions) -> Redecision:
    """Each decision's events taken again, as they are written and read."""
    case, redecision = decisions[0][0].case, _redecision(decisions)
    for seq, (event, due) in enumerate(_events(decisions), 1):
        login = None if due else "desk1"
        header, read = decode(encode(event, case.site, case.site_id, seq, login))
        assert redecision.take(header, read) is None
    assert redecision.end() is None
    return redecision


def _wrong_without(left_out: int, decisions: Decisions) -> list[int]:
    """The numbers of the entries that are wrong, and of the one behind the last if it is missed,
    when that event is not there."""
    case, redecision = decisions[0][0].case, _redecision(decisions)
    events = _events(decisions)
    del events[left_out - 1]
    found = [
        redecision.take(
            Header(
                site=case.site, site_id=case.site_id, site_seq=seq, login=None if due else "desk1"
            ),
            event,
        )
        for seq, (event, due) in enumerate(events, 1)
    ]
    return [n for n, wrong in enumerate([*found, redecision.end()], 1) if wrong is not None]


# ── what is in order ─────────────────────────────────────────────────────────────────────────────


def test_a_history_of_every_kind_is_decided_again_as_it_was(how: None) -> None:
    site = everything()
    assert {entry.event.kind for entry in site.entries} == set(e.KINDS)
    redecision = decided_again(site)
    assert redecision.case == site.case


@given(history=histories(), data=st.data())
def test_any_history_is_decided_again_as_it_was_and_what_follows_in_it_is_missed_where_it_stood(
    history: RandomHistory, data: st.DataObject
) -> None:
    moments = list(play(history))
    last = moments[-1].decision.case
    decisions = [(moment.decision, moment.policy) for moment in moments]
    events = _events(decisions)
    derived = [n for n, (_, due) in enumerate(events, 1) if due and n < len(events)]
    left_out = data.draw(st.sampled_from(derived)) if derived else None
    for few in FEW:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(redecide, "MAX_WHOLE", few)
            redecision = _redecided(decisions)
            assert redecision.case == last
            assert redecision.next_due() == deadlines.next_due(last)
            if left_out is not None:
                assert _wrong_without(left_out, decisions) == [left_out]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_is_decided_again_as_it_was(
    scenario: file.Scenario, how: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions: list[tuple[Decision, Policy]] = []

    def decide_and_tell(case: Case, command: c.Command, under: Policy, now: Any) -> Decision:
        decisions.append((decide(case, command, under, now), under))
        return decisions[-1][0]

    monkeypatch.setattr(trial, "decide", decide_and_tell)
    assert trial.run(scenario, DOCUMENTED).passed
    assert _redecided(decisions).case == decisions[-1][0].case


def test_a_day_at_the_desk_is_decided_again_as_it_was(histories: Histories) -> None:
    with histories.after(fill) as day:
        assert _findings(day.engine) == []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=LONG) for seed in (1, 2, 3))])
def test_random_days_at_the_desk_are_decided_again_as_they_were(
    sqlite_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several commands in one transaction, clocks that step back, policies that change."""
    draw = Random(seed)
    with rehearsal(sqlite_url) as day:
        day.add("a.example", "b.example")
        for n in range(80):
            day.later(minutes=draw.choice((0, 1, 20, 61, 300, 800, -30)))
            _do_anything(draw, day, n)
        for few in FEW:
            monkeypatch.setattr(redecide, "MAX_WHOLE", few)
            assert _findings(day.engine) == []


def _do_anything(draw: Random, day: Rehearsal, n: int) -> None:
    if draw.random() < 0.1:
        text = draw.choice(POLICIES)
        if day.desk.policy() != policy.read(text):
            day.desk.activate(text, by="li", login="desk1", reason="agreed")
    if draw.random() < 0.2:
        day.elapse()
    batch = []
    for _ in range(draw.choice((1, 1, 2, 6))):
        site = draw.choice(("a.example", "b.example"))
        command = random_command(draw, day.now, n // 3, day.outside(site))
        login = draw.choice(("desk1", "desk2", None))
        batch.append(Envelope(site=site, command=command, login=login))
    day.desk.submit(batch)


def test_an_import_is_decided_again_as_it_was(db_url: str) -> None:
    with rehearsal(db_url) as day:
        day.later(days=90)
        reports = history.load_history(str(ROOT / "tests/data/history.jsonl")).reports
        found = history.group_reports(reports, None)
        tally = Import(desk=day.desk, known=(), by="li", login="desk1").take(found)
        assert tally.incidents_new > 10
        for site in tally.sites:
            day.give(c.Log(by="li"), site)
        day.later(hours=2)
        day.elapse()
        assert _findings(day.engine) == []


# ── a long history ───────────────────────────────────────────────────────────────────────────────


def test_what_one_decision_looks_at_does_not_grow_with_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some are told and not known to be removed, some suspend the site: all is long ago."""
    site = added()
    for n in range(1, 90):
        site.log(minutes=30 * 60)
        if n % 3:
            site.reached(n, minutes=5)
        else:
            site.elapse(61).elapse(721)
    parts = _looked_at(monkeypatch)
    redecision = decided_again(site)
    assert redecision.case == site.case
    assert len(parts) > 100
    assert max(len(part.incidents) for part in parts) <= 8
    assert max(len(part.suspensions) for part in parts) <= 4
    assert max(len(part.tasks) for part in parts) <= 1


@pytest.mark.parametrize("seed", [0, 3, *(pytest.param(seed, marks=LONG) for seed in range(4, 8))])
def test_a_long_history_of_anything_is_decided_in_parts_as_it_was_whole(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The machine has seen the whole history each time; the redecision sees a part."""
    draw, site = Random(seed), Decided()
    site.do(c.AddSite(by="li"))
    for n in range(500):
        if n % 50 == 0:
            site.activate(Policy(**random_histories.POLICIES[2 + (seed + n) % 21]))
        site.later(timedelta(minutes=draw.choice((0, 0, 1, 20, 61, 300, 800))))
        case = site.case
        outside = Outside(
            orders=list(case.deliveries), in_force=case.in_force, last_act=case.last_act
        )
        asked = random_command(draw, site.now, case.last_incident, outside)
        site.do(asked, may_be_refused=True)
    parts = _looked_at(monkeypatch)
    redecision = decided_again(site)
    assert redecision.case == site.case
    assert redecision.next_due() == deadlines.next_due(site.case)
    assert len(parts) > 100
    assert sum(len(part.deliveries) > 0 for part in parts) > 10


def _looked_at(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    parts: list[Case] = []
    part = Archive.part

    def part_and_tell(archive: Archive, *asked: Any) -> Case:
        parts.append(part(archive, *asked))
        return parts[-1]

    monkeypatch.setattr(Archive, "part", part_and_tell)
    return parts


def test_a_correction_that_an_older_program_let_shorten_a_time_is_decided_again_as_it_was() -> None:
    quick = Policy(
        unreachable_within=timedelta(minutes=9), removal_within=timedelta(minutes=8), run_count=9
    )
    slow, soon = Policy(removal_within=timedelta(hours=6)), TEN + timedelta(minutes=12)
    for shortens in (True, False):
        site = added().activate(slow).log().log()
        site.reached(1, minutes=2).reached(2).do(c.StateRemoved(by="li", incident=2))
        site.activate(quick)
        site.do(c.VoidContact(by="li", incident=1, contact=1, reason="sha256:1", shortens=shortens))
        site.do(c.TakeBack(by="li", incident=2, reason="sha256:2", shortens=shortens))
        sooner = [site.case.incidents[1].contact_due, site.case.incidents[2].removal_due]
        assert [due is not None and due < soon for due in sooner] == [shortens] * 2
        decided_again(site)
