"""Intake rules tried on the reports on record, beside what people did with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from incidents.app import App
from incidents.desk import Envelope
from incidents.desk.inbox.reports import LeadToIncident
from incidents.inbox import triage
from incidents.inbox.receiving import Delivery
from incidents.record.report_events import ReportLogged
from incidents.settings import sources
from incidents.views.inbox import reports as views
from tests.desk.rehearsal import TEN, rehearsal

# Empty files are not received.
SAMPLES = [
    each for each in sorted((Path(__file__).parent / "reports").glob("*.eml"))
    if each.stat().st_size
]  # fmt: skip
RULES = """
[[rule]]
name = "arf"
owner = "op-1"
format = "arf"
act = "log"

[[rule]]
name = "scans"
owner = "op-1"
category = ["attack", "vulnerability"]
act = "dismiss"
reason = "for the customer's own desk"

[[rule]]
name = "rest"
owner = "op-1"
channel = "command"
act = "ask"
"""


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A desk with all samples on record, of which people settled some."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    with freeze_time(TEN, ignore=["_pytest"]), rehearsal(db_url) as day:
        day.add("shop.example")
        found = App(sources.load(db=db_url))
        brought = [Delivery(each.open_binary, each.name) for each in map(_Sample, SAMPLES)]
        list(found.reports.receive(brought, channel="command", by="li", login=None))
        yield found
        found.close()


class _Sample:
    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name

    def open_binary(self):  # type: ignore[no-untyped-def]  # of a file
        return self.path.open("rb")


def _by_rule(app: App, toml: str = RULES, days: int = 30) -> dict[str, tuple[int, ...]]:
    found = app.reports.try_rules(toml, days=days)
    return {
        each["rule"]: (each["log"], each["join"], each["dismiss"], each["ask"])
        for each in found["by_rule"]
    }


def _waiting(app: App, format_: str) -> list[int]:
    with app.reading() as connection:
        page = views.page(connection, views.ReportFilter(waiting=True, format=format_), limit=100)[
            "items"
        ]
    return [int(each["id"][1:]) for each in page if each["candidates"]]


@pytest.mark.both_databases
def test_the_samples_are_counted_by_the_rule_that_matches_them(app: App) -> None:
    found = app.reports.try_rules(RULES, days=30)
    assert found["reports"] == len(SAMPLES)
    counted = _by_rule(app)
    assert counted["arf"] == (2, 5, 0, 4)
    assert counted["scans"][2] > 0
    assert sum(sum(row[:4]) for row in counted.values()) + found["unmatched"] == found["reports"]


def test_nothing_is_changed_by_a_trial(app: App) -> None:
    with app.reading() as connection:
        before = views.page(connection, views.ReportFilter(), limit=100)
    _by_rule(app)
    with app.reading() as connection:
        assert views.page(connection, views.ReportFilter(), limit=100) == before


def test_where_people_decided_otherwise_is_shown(app: App) -> None:
    first, second = _waiting(app, "arf")[:2]
    app.reports.dismiss(first, "no violation", not_ours=False, by="wang", login=None)
    with app.reading() as connection:
        report = views.report(connection, second)
    command = triage.log_command(report, "shop.example", "wang", TEN)
    lead = LeadToIncident(
        report=second, kind=ReportLogged, by="wang", login=None, clock=lambda: TEN
    )
    app.desk.submit([Envelope(site="shop.example", command=command)], sequel=lead)
    found = app.reports.try_rules(RULES, days=30)
    [arf] = [each for each in found["by_rule"] if each["rule"] == "arf"]
    assert (arf["agree"], arf["differ"]) == (1, 1)
    [example] = found["examples"]
    assert (example["report"], example["would"], example["did"], example["by"]) == (
        f"r{first}", "log", "dismissed", "wang",
    )  # fmt: skip


def test_a_trial_closes_no_site_and_counts_what_people_logged(app: App) -> None:
    every = RULES.replace('format = "arf"\n', "")
    counted = _by_rule(app, "logs_per_hour = 1000\n" + every)
    assert counted["arf"][0] < 6
    assert counted["arf"][3] > 0


def test_the_brake_holds_in_a_trial_too(app: App) -> None:
    assert _by_rule(app, "logs_per_hour = 0\n" + RULES)["arf"] == (0, 0, 0, 11)


def test_only_reports_of_the_period_are_tried(app: App) -> None:
    with freeze_time("2026-03-09T10:00:00Z", ignore=["_pytest"]):
        assert app.reports.try_rules(RULES, days=7)["reports"] == 0
        assert app.reports.try_rules(RULES, days=8)["reports"] > 0
