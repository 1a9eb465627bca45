"""The standing of reporters on record: who was marked, and what that does to their reports."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from incidents.desk.inbox import intake_rules
from incidents.desk.inbox import reporters as desk_reporters
from incidents.desk.inbox.intake_rules import RulesActivation
from incidents.intake import rules_file
from incidents.store.database.engine import reading
from incidents.store.inbox import reporters, reports
from incidents.store.schema.desk_tables import entries
from incidents.views.inbox import reporters as views
from incidents.views.inbox.reports import ReportFilter, page
from tests.desk.rehearsal import Rehearsal
from tests.desk.report_acts import dismiss, incoming, log, receive

ZHAO, QIAN = "zhao@user.example", "qian@user.example"


def mark(day: Rehearsal, reporter: str, standing: str, reason: str = "known") -> None:
    day.desk.on_record(
        partial(
            desk_reporters.mark, reporter=reporter, standing=standing, reason=reason, by="li",
            login="desk1", clock=lambda: day.now,
        )
    )  # fmt: skip


def waiting(day: Rehearsal, limit: int = 10) -> list[str]:
    """The reports that wait, in the order of the list, read in pages of `limit`."""
    found: list[str] = []
    cursor = None
    with reading(day.engine) as connection:
        while True:
            some = page(connection, ReportFilter(waiting=True), limit=limit, cursor=cursor)
            found += [each["id"] for each in some["items"]]
            cursor = some["next"]
            if cursor is None:
                return found


def standing(day: Rehearsal, reporter: str) -> str:
    with reading(day.engine) as connection:
        return reporters.standing(connection, reports.reporter_key(connection, reporter))


@pytest.mark.both_databases
def test_a_standing_is_on_record_without_the_address(day: Rehearsal) -> None:
    assert standing(day, ZHAO) == "none"
    mark(day, ZHAO, "trusted")
    mark(day, ZHAO, "blocked", "sends what is not there")
    assert standing(day, ZHAO) == "blocked"
    with reading(day.engine) as connection:
        bodies = list(connection.scalars(select(entries.c.body).where(entries.c.site_id == 0)))
        found = views.reporter(connection, ZHAO)
    assert sum('"kind":"reporter_marked"' in body for body in bodies) == 2
    assert not any("zhao" in body or "not there" in body for body in bodies)
    assert (found["standing"], found["reason"]) == ("blocked", "sends what is not there")
    assert day.findings() == []


def test_a_reporter_without_a_standing_leaves_the_list_but_not_the_record(day: Rehearsal) -> None:
    mark(day, ZHAO, "muted")
    mark(day, QIAN, "trusted")
    mark(day, ZHAO, "none", "asked for mail again")
    with reading(day.engine) as connection:
        assert [each["reporter"] for each in views.with_standing(connection)] == [QIAN]
    assert day.findings() == []


def test_a_report_of_a_trusted_reporter_comes_first_and_of_a_blocked_one_last(
    day: Rehearsal,
) -> None:
    mark(day, ZHAO, "blocked")
    receive(
        day, incoming("1" * 64, reporter=ZHAO), incoming("2" * 64),
        incoming("3" * 64, reporter=QIAN),
        incoming("4" * 64, category="child_abuse"),
        incoming("5" * 64, reporter=ZHAO, category="child_abuse"),
    )  # fmt: skip
    assert waiting(day) == ["r4", "r2", "r3", "r1", "r5"]
    mark(day, QIAN, "trusted")
    assert waiting(day) == waiting(day, limit=1) == ["r4", "r3", "r2", "r1", "r5"]
    mark(day, ZHAO, "none")
    assert waiting(day) == ["r4", "r5", "r3", "r1", "r2"]
    assert day.findings() == []


def test_the_record_of_a_trusted_reporter_is_beside_each_of_their_reports(day: Rehearsal) -> None:
    receive(day, *(incoming(f"{n}" * 64, reporter=ZHAO) for n in range(1, 5)), incoming("9" * 64))
    log(day, 1)
    dismiss(day, 2)
    mark(day, ZHAO, "trusted")
    with reading(day.engine) as connection:
        found = page(connection, ReportFilter(waiting=True), limit=10)["items"]
    assert [(each["standing"], each["record"]) for each in found] == [
        ("trusted", {"right": 1, "wrong": 1, "waiting": 2}),
        ("trusted", {"right": 1, "wrong": 1, "waiting": 2}),
        ("none", None),
    ]


RULES = """
[[rule]]
name = "feed"
owner = "sup-1"
channel = "command"
act = "dismiss"
reason = "noise"
"""


def test_no_intake_rule_matches_a_blocked_reporter(day: Rehearsal) -> None:
    wanted = RulesActivation(rules=rules_file.read(RULES), by="li", login="desk1", reason="a feed")
    day.desk.on_record(partial(intake_rules.activate, wanted=wanted, clock=lambda: day.now))
    mark(day, ZHAO, "blocked")
    receive(day, incoming("1" * 64, reporter=ZHAO), incoming("2" * 64, reporter=QIAN))
    assert day.rows("SELECT rule FROM reports ORDER BY id") == [(None,), ("feed",)]
    assert day.findings() == []
