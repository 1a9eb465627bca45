"""The simulation: the same machine, in simulated time, as the desk runs in real time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from incidents.desk import Desk, Envelope
from incidents.history import reports as history
from incidents.history import simulate
from incidents.history.report import Report
from incidents.history.reports import Draw, group_reports
from incidents.history.simulate import Outcome, Story
from incidents.machine.commands import AddSite
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.store.database.engine import create
from incidents.store.schema import tables

DATA = Path(__file__).parent.parent / "data"
START = datetime(2026, 3, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
STRICT = Policy(
    repeat_count=2,
    unreachable_within=timedelta(minutes=30),
    suspend_for=timedelta(hours=24),
    min_attempts=2,
    run_count=2,
    run="total",
    removal_within=timedelta(hours=8),
)


def report(hours: float, site: str = "a.example", **fields: Any) -> Report:
    return Report(line=0, site=site, occurred_at=START + timedelta(hours=hours), **fields)


def outcome(
    *reports: Report, policy: Policy = DOCUMENTED, reach: float = 1, within: float | None = None
) -> Outcome:
    distance = None if within is None else timedelta(minutes=within)
    stories = simulate.make_stories(group_reports(reports, distance), Draw(reach=reach))
    return simulate.run(stories, policy, "p")


def acts(found: Outcome) -> list[tuple[str, timedelta]]:
    return [(act.what, act.at - START) for act in found.actions]


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


# R1


def test_three_within_exactly_24_hours_close_and_what_follows_is_moot() -> None:
    found = outcome(report(0), report(12), report(24), report(25), report(90))
    assert acts(found) == [("repeat", hours(24))]
    assert (found.sites, found.incidents, found.moot) == (1, 5, 2)
    assert found.closed == {"repeat": 1, "unreachable_run": 0, "refusal": 0, "false_info": 0}


def test_three_within_24_hours_and_a_second_do_not() -> None:
    assert outcome(report(0), report(12), report(24 + 1 / 3600)).actions == []


def test_three_at_one_moment_close_and_are_one_when_grouped() -> None:
    assert outcome(*[report(0)] * 3).closed["repeat"] == 1
    assert outcome(*[report(0)] * 3, within=60).closed["repeat"] == 0


def test_each_kept_report_is_an_incident_also_at_an_address_that_is_known() -> None:
    same = [report(n, url="http://a.example/x") for n in (0, 5, 10)]
    assert outcome(*same).closed["repeat"] == 1


def test_sites_do_not_count_for_each_other() -> None:
    found = outcome(report(0), report(1, "b.example"), report(2), report(3, "b.example"))
    assert (found.sites, found.actions) == (2, [])


# R2, R3: when nobody is reached


def test_who_is_not_reached_is_suspended_when_the_clock_may_first_act() -> None:
    found = outcome(report(0), reach=0)
    assert acts(found) == [("suspension", hours(1) + TICK)]


def test_the_clocks_run_on_after_the_last_report() -> None:
    found = outcome(report(0), report(13.5), report(27.6), reach=0)
    assert acts(found) == [
        ("suspension", hours(1) + TICK),
        ("suspension", hours(14.5) + TICK),
        ("unreachable_run", hours(28.6) + TICK),
    ]


def test_a_clock_that_lapses_while_the_site_is_suspended_starts_no_second_suspension() -> None:
    found = outcome(report(0), report(0.5), reach=0)
    assert acts(found) == [("suspension", hours(1) + TICK)]


def test_a_call_of_the_history_counts_at_its_time_and_nothing_is_drawn_for_it() -> None:
    in_time: dict[str, Any] = {"contact": "reached", "contact_at": START + hours(1)}
    too_late: dict[str, Any] = {"contact": "reached", "contact_at": START + hours(1) + TICK}
    assert outcome(report(0, **in_time), reach=0).actions == []
    assert outcome(report(0, **too_late), reach=1).suspensions == 1
    assert outcome(report(0, contact="no-answer"), reach=1).suspensions == 1
    assert outcome(report(0, contact="reached"), reach=0).actions == []


def test_content_that_is_removed_within_the_hour_stops_the_clock() -> None:
    assert outcome(report(0, removed_at=START + hours(1)), reach=0).actions == []
    assert outcome(report(0, removed_at=START + hours(1.1)), reach=0).suspensions == 1


def test_who_was_drawn_unreached_was_called_as_often_as_the_policy_demands() -> None:
    demanding = replace(DOCUMENTED, min_attempts=2)
    assert outcome(report(0), policy=demanding, reach=0).suspensions == 1
    known = report(0, contact="no-answer")
    assert outcome(known, policy=demanding, reach=0).suspensions == 0


# R5


def test_under_a_removal_deadline_what_is_not_known_to_be_gone_is_refused() -> None:
    policy = replace(DOCUMENTED, removal_within=hours(8))
    gone = report(0, "b.example", removed_at=START + hours(8))
    found = outcome(report(0), gone, policy=policy)
    assert acts(found) == [("refusal", hours(8) + TICK)]


def test_a_removal_after_that_comes_too_late() -> None:
    policy = replace(DOCUMENTED, removal_within=hours(8))
    late = report(0, removed_at=START + hours(9))
    assert outcome(late, policy=policy).closed["refusal"] == 1


# What is drawn


def test_a_reach_of_1_reaches_everybody_and_of_0_nobody() -> None:
    for n in range(200):
        assert Draw(reach=1, seed=n).call(report(0), n).outcome == "reached"
        assert Draw(reach=0, seed=n).call(report(0), n).outcome is None


def test_a_greater_reach_reaches_all_that_a_smaller_one_does() -> None:
    for n in range(200):
        if Draw(reach=0.3).call(report(0), n).outcome is not None:
            assert Draw(reach=0.5).call(report(0), n).outcome is not None


def test_about_as_many_are_reached_as_asked_and_another_seed_reaches_others() -> None:
    one, other = (
        [Draw(reach=0.7, seed=seed).call(report(0), n).outcome for n in range(2_000)]
        for seed in (1, 2)
    )
    assert 1_330 < sum(outcome is not None for outcome in one) < 1_470
    assert one != other


def test_the_draw_is_the_same_on_every_machine() -> None:
    drawn = [Draw(reach=0.5, seed=7).call(report(0), n).outcome is not None for n in range(1, 9)]
    assert drawn == [False, True, True, False, False, True, True, True]


def test_policies_side_by_side_see_the_same_calls() -> None:
    stories = feed_stories(reach=0.5)
    facts = [
        [fact for story in stories for fact in simulate.facts(story, policy)]
        for policy in (DOCUMENTED, replace(DOCUMENTED, repeat_count=2, run_count=2))
    ]
    assert facts[0] == facts[1]
    again = [simulate.run(stories, DOCUMENTED, "p") for _ in range(2)]
    assert again[0] == again[1]


# Against the figures of the feed


def feed_stories(
    within: float | None = None, reach: float = 1, seed: int = 1, file: str = "feed.csv"
) -> list[Story]:
    reports = history.load_history(str(DATA / file)).reports
    distance = None if within is None else timedelta(minutes=within)
    return simulate.make_stories(group_reports(reports, distance), Draw(reach=reach, seed=seed))


@pytest.mark.parametrize(("within", "closed"), [(None, 14), (10, 7), (60, 5)])
def test_a_burst_of_reports_closes_sites_only_without_grouping(
    within: float | None, closed: int
) -> None:
    stories = feed_stories(within)
    assert simulate.run(stories, DOCUMENTED, "p").closed["repeat"] == closed
    assert closed == sum(map(three_within_24_hours, stories))


def three_within_24_hours(story: Story) -> bool:
    times = [finding.report.occurred_at for finding in story.findings]
    return any(last - first <= hours(24) for first, last in zip(times, times[2:], strict=False))


# A long history costs what it must


@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), max_size=60),
    st.sampled_from([DOCUMENTED, STRICT, replace(DOCUMENTED, run="total", run_count=5)]),
)
def test_what_is_forgotten_of_a_long_case_changes_nothing(
    steps: list[tuple[int, bool, bool]], policy: Policy
) -> None:
    at, reports = 0, []
    for gap, reached, removed in steps:
        at += gap
        gone = START + hours(at + 100) if removed else None
        contact = "reached" if reached else "no-answer"
        reports.append(report(at, contact=contact, removed_at=gone))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "_SLICE_INCIDENTS", 0)
        forgetful = outcome(*reports, policy=policy)
        patch.setattr(simulate, "_prune", lambda *_: None)
        assert outcome(*reports, policy=policy) == forgetful


# Against the desk


@pytest.fixture
def engine(db_url: str) -> Iterator[Engine]:
    engine = create(db_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("policy", [DOCUMENTED, STRICT], ids=["documented", "strict"])
@pytest.mark.parametrize("file", ["feed.csv", "history.jsonl"])
def test_the_simulation_ends_as_the_desk_does_when_it_is_given_the_same_commands(
    engine: Engine, file: str, policy: Policy
) -> None:
    # A third of the sites has all kinds of them, and takes a third of the time.
    stories = feed_stories(within=10, reach=0.5, file=file)[:: 3 if file == "feed.csv" else 1]
    simulated = simulate.run(stories, policy, "p")
    lived = live(engine, stories, policy)
    assert lived.policy().digest == policy.digest
    with engine.connect() as connection:
        rows = connection.execute(select(tables.sites)).mappings().all()
        found = Counter(connection.scalars(select(tables.incidents.c.state)))
        suspensions = connection.scalar(
            select(func.count()).select_from(tables.suspensions).where(~tables.suspensions.c.closed)
        )
    closed = {row["name"]: (row["rule"], row["closed_at"]) for row in rows if row["closed_at"]}
    assert closed == {act.site: (act.what, act.at) for act in simulated.closures}
    assert (len(rows), found.total()) == (simulated.sites, simulated.incidents)
    assert (found["moot"], suspensions) == (simulated.moot, simulated.suspensions)
    assert simulated.closures


def live(engine: Engine, stories: list[Story], policy: Policy) -> Desk:
    """Give the desk all facts of the stories at their times, and let it elapse in between."""
    now = START - timedelta(days=100)
    desk = Desk(engine, clock=lambda: now)
    if policy != DOCUMENTED:
        desk.activate(policy.toml(), by="chief", login=None, reason="to compare")
    desk.submit([Envelope(site=story.site, command=AddSite(by="li")) for story in stories])
    facts = [
        (f.at, story.site, f.command) for story in stories for f in simulate.facts(story, policy)
    ]
    for at, together in groupby(sorted(facts, key=itemgetter(0)), key=itemgetter(0)):
        while (due := next_due(engine)) is not None and due < at:
            now = due + TICK
            desk.elapse()
        now = at
        desk.submit([Envelope(site=site, command=command) for _, site, command in together])
    while (due := next_due(engine)) is not None:
        now = due + TICK
        desk.elapse()
    return desk


def next_due(engine: Engine) -> datetime | None:
    with engine.connect() as connection:
        due: datetime | None = connection.scalar(select(func.min(tables.sites.c.next_due)))
        return due
