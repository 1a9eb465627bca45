"""The duty to report, from the words that are typed: what is owed, and that it is done."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli
from tests.conftest import WriteSettings


@pytest.fixture
def desk(cli: Cli, clock: FrozenDateTimeFactory) -> Cli:
    """Two incidents, logged at 12:00 and 13:00 of 2 March."""
    cli("site", "add", "a.example")
    cli("site", "add", "b.example")
    cli("log", "a.example")
    clock.tick(timedelta(hours=1))
    cli("log", "b.example")
    return cli


def test_what_is_owed_is_listed_by_its_deadlines(desk: Cli) -> None:
    answer = desk("duty")

    assert answer.status == 0
    first, second = (line.split("\t") for line in answer.out.splitlines())
    assert first == [
        "1-1", "in 23 h", "a.example", "open", "2026-03-03 12:00",
        "incidents police done 1-1 --ref R",
    ]  # fmt: skip
    assert second[:2] == ["2-1", "in 1 d"]
    assert "0 overdue, 2 still in time" in answer.err
    assert "within 24h of recording" in answer.err
    assert "公安部令第33号" in answer.err


def test_what_is_overdue_is_told_first(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    clock.tick(timedelta(hours=23, seconds=1))

    answer = desk("duty")

    assert answer.out.splitlines()[0].split("\t")[:2] == ["1-1", "1 s overdue"]
    assert "1 overdue, 1 still in time" in answer.err


def test_programs_get_documents_and_pipes_get_ids(desk: Cli) -> None:
    assert [each["incident"] for each in desk("duty", "--json").json] == ["1-1", "2-1"]
    assert desk("duty", "-q").out.split() == ["1-1", "2-1"]
    assert desk("duty", "-q", "--limit", "1").out.split() == ["1-1"]
    assert "the first 1" in desk("duty", "--limit", "1").err
    lines = desk("duty", "--format", "csv").out.splitlines()
    assert lines[0].startswith("incident,site,state,")
    assert lines[1].startswith("1-1,a.example,open,")
    assert len(desk("duty", "--format", "jsonl").out.splitlines()) == 2


def test_an_incident_is_reported_once(desk: Cli) -> None:
    answer = desk("reported", "1-1", "--ref", "receipt 110-7")

    assert answer.status == 0
    assert "1-1: reported to the police" in answer.out
    assert desk("duty", "-q").out.split() == ["2-1"]
    again = desk("reported", "1-1")
    assert again.status == 3
    assert "1-1 was already reported to the police at 2026-03-02 13:00" in again.err


def test_the_time_of_the_report_can_be_said(desk: Cli) -> None:
    early = desk("reported", "1-1", "--at", "11:00")
    assert early.status == 3
    assert desk("reported", "1-1", "--at", "12:30", "--json").json["incident"]["reported_at"] == (
        "2026-03-02T04:30:00Z"
    )


def test_the_reference_is_sealed_and_told_in_the_story(desk: Cli) -> None:
    desk("reported", "1-1", "--ref", "Officer Zhang, 110-7")

    assert "Officer Zhang, 110-7" in desk("show", "1-1").out
    exported = desk("audit", "export", "--format", "jsonl").out
    assert "incident_reported" in exported
    assert "Zhang" not in exported


def test_trying_it_out_reports_nothing_and_a_pipe_gets_the_id(desk: Cli) -> None:
    desk("reported", "1-1", "--dry-run")
    assert desk("duty", "-q").out.split() == ["1-1", "2-1"]

    assert desk("reported", "1-1", "-q").out == "1-1\n"


def test_show_tells_by_when_it_is_to_be_reported_and_that_it_was(desk: Cli) -> None:
    assert (
        "report: to the police by 2026-03-03 12:00 Asia/Shanghai (in 23 h)"
        in desk("show", "1-1").out
    )
    assert desk("show", "1-1", "--json").json["report_due"] == "2026-03-03T04:00:00Z"

    desk("reported", "1-1")

    assert "report: reported to the police 2026-03-02 13:00" in desk("show", "1-1").out
    found = desk("show", "1-1", "--json").json
    assert (found["report_due"], found["reported_at"]) == (None, "2026-03-02T05:00:00Z")


def test_of_what_is_void_show_tells_nothing(desk: Cli) -> None:
    desk("void", "1-1", "--reason", "slip")

    assert "police" not in desk("show", "1-1").out
    assert desk("reported", "1-1").status == 3


def test_a_desk_that_is_not_reminded_owes_nothing_and_may_report_all_the_same(
    desk: Cli, write_settings: WriteSettings
) -> None:
    write_settings('[report]\nwithin = ""\n')

    assert desk("duty", "--json").json == []
    told = desk("duty")
    assert (told.status, told.out) == (0, "")
    assert "[report] within" in told.err
    assert "police" not in desk("show", "1-1").out
    assert desk("reported", "1-1").status == 0
    assert "reported to the police" in desk("show", "1-1").out


def test_another_time_is_a_setting(desk: Cli, write_settings: WriteSettings) -> None:
    write_settings('[report]\nwithin = "30m"\nremind = ["10m"]\n')

    assert desk("duty").out.splitlines()[0].split("\t")[1] == "30 min overdue"


@pytest.mark.parametrize("command", [("duty",), ("show", "1-1"), ("alarms",)])
def test_a_setting_that_makes_no_sense_is_named(
    desk: Cli, write_settings: WriteSettings, command: tuple[str, ...]
) -> None:
    write_settings('[report]\nwithin = "soon"\n')

    answer = desk(*command)

    assert answer.status == 1
    assert "[report]" in answer.err
    assert "'soon'" in answer.err


def test_with_nothing_to_report_it_says_so(cli: Cli) -> None:
    answer = cli("duty")

    assert (answer.status, answer.out) == (0, "")
    assert "nothing to report to the police" in answer.err
