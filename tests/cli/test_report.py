"""Reports at the command line: received from files and pipes, then logged, joined or dismissed."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli.reports import report
from incidents.contract.documents.reports import ReportInFull
from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.children.parser import Parcel
from incidents.inbox.readers import read
from incidents.inbox.reading import Reading
from incidents.inbox.snapshots.taking import Snapshots
from incidents.inbox.source import Source
from incidents.record import evidence, streams
from tests.cli.conftest import Cli, Result
from tests.conftest import WriteSettings
from tests.inbox.test_samples import FOLDER

ARF, XARF, NONSENSE = (
    FOLDER / name for name in ("arf-abuse.eml", "xarf-v3.json", "json-other.json")
)


class _ParserHere:
    """Reads reports in this process: a child has no frozen clock to start under."""

    def __init__(self, options: Any) -> None:
        self._options = options

    def read(self, parcels: list[Parcel]) -> list[Reading]:
        return [
            read(Source(*each[:2], self._options, received_at=each.received_at)) for each in parcels
        ]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "kept"))
    monkeypatch.setattr(
        "incidents.inbox.receiving.PARSERS.taken",
        lambda options, _: nullcontext(_ParserHere(options)),
    )
    return tmp_path / "kept"


def receive(cli: Cli, *files: Path) -> Result:
    return cli("report", "receive", *map(str, files), "--json")


def test_a_report_is_received_with_what_was_read_out_of_it(desk: Cli, folder: Path) -> None:
    answer = receive(desk, ARF)
    assert answer.status == 0
    [found] = answer.json
    expected = {
        "id": "r1", "format": "arf", "state": "new", "reporter": "fbl@mail.example",
        "category": "spam", "urls": ["http://shop.example/win.html"], "hosts": ["shop.example"],
        "addresses": ["192.0.2.1"], "seen_at": "2026-02-28T19:00:00Z",
        "candidates": ["shop.example"], "reason": None, "channel": "command",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    kept = evidence.kept(folder, found["digest"])
    assert kept is not None
    assert kept.read_bytes() == ARF.read_bytes()


def test_standard_input_is_one_report(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bytes(io.StringIO):
        buffer = io.BytesIO(ARF.read_bytes())

    monkeypatch.setattr("io.StringIO", Bytes)
    assert [each["format"] for each in cli("report", "receive", "--json").json] == ["arf"]


def test_a_report_that_cannot_be_read_is_kept_and_says_why(desk: Cli) -> None:
    answer = receive(desk, NONSENSE, ARF)
    assert answer.status == 0
    assert [(each["state"], each["reason"]) for each in answer.json] == [
        ("unreadable", "it is JSON, but not XARF"), ("new", None),
    ]  # fmt: skip
    assert "r1: kept, but unreadable: it is JSON" in desk("report", "receive", str(NONSENSE)).out


def test_the_same_bytes_again_are_the_same_report(desk: Cli) -> None:
    receive(desk, ARF)
    again = desk("report", "receive", str(ARF), str(XARF))
    assert again.out.splitlines() == [
        "r1: ARF, about shop.example", "r2: XARF, about shop.example",
    ]  # fmt: skip
    assert again.err == "r1 was received before: the bytes are the same\n"


def test_what_was_not_kept_is_to_be_brought_again(
    desk: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receive(desk, tmp_path / "none").status == 75
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/none.db")
    answer = receive(desk, ARF)
    assert answer.status == 75
    assert "Traceback" not in answer.err


def test_a_long_report_is_kept_in_part_and_says_so(
    desk: Cli, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_EVIDENCE_LIMIT", "1KiB")
    long = tmp_path / "long.eml"
    long.write_bytes(ARF.read_bytes() + b"x" * 5_000)
    [found] = receive(desk, long).json
    assert (found["size"], found["more"]) == (long.stat().st_size, False)
    [kept] = [path for path in folder.rglob("*") if path.is_file()]
    assert kept.stat().st_size == 1_024
    assert evidence.kept(folder, found["digest"]) is None


def test_reports_that_wait_are_listed_oldest_first(desk: Cli) -> None:
    receive(desk, ARF, XARF, NONSENSE)
    desk("report", "dismiss", "r1", "--reason", "nothing there")
    assert desk("report", "list", "-q").out.split() == ["r2", "r3"]
    assert desk("report", "list", "--all", "-q").out.split() == ["r3", "r2", "r1"]
    assert desk("report", "list", "--host", "shop.example", "-q").out.split() == ["r2"]
    assert "xarf@watch.example" in desk("report", "list").out


def test_a_report_is_shown_with_its_text(desk: Cli) -> None:
    receive(desk, ARF)
    shown = desk("report", "show", "r1")
    assert "from: fbl@mail.example" in shown.out
    assert "> This is an email abuse report." in shown.out
    found = desk("report", "show", "r1", "--json").json
    assert [each["address"] for each in found["endpoints"]] == ["192.0.2.1"]


def test_a_mail_server_brings_a_report_again_that_no_database_or_settings_could_take(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INCIDENTS_DB", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another"))
    answer = receive(cli, ARF)
    assert (answer.status, "db upgrade" in answer.err) == (75, True)
    assert not (tmp_path / "another").exists()

    settings = tmp_path / "config.toml"
    settings.write_text("[inbox\n")
    monkeypatch.setenv("INCIDENTS_CONFIG", str(settings))
    assert receive(cli, ARF).status == 75


def test_a_report_of_a_violation_on_record_is_to_be_joined_and_not_logged_again(
    desk: Cli, tmp_path: Path
) -> None:
    another = tmp_path / "another.eml"
    another.write_bytes(ARF.read_bytes() + b"\n")
    receive(desk, ARF, another)
    desk("report", "log", "r1")

    refused = desk("report", "log", "r2")

    assert refused.status == 3
    assert "on record: 1-2" in desk("report", "show", "r2").out
    assert "on record" not in desk("report", "show", "r1").out
    assert "incidents report join r2 1-2" in refused.err
    assert "--again" not in refused.err


def test_logging_a_report_says_what_it_is_about_and_when_it_was_seen(desk: Cli) -> None:
    receive(desk, ARF)
    answer = desk("report", "log", "r1", "--json").json
    incident = answer["incident"]
    assert (incident["id"], incident["category"]) == ("1-2", "spam")
    assert incident["urls"] == ["http://shop.example/win.html"]
    assert incident["occurred_at"] == "2026-02-28T19:00:00Z"
    assert [each["digest"] for each in incident["evidence"]] == [answer["report"]["digest"]]
    assert (answer["report"]["state"], answer["report"]["incident"]) == ("logged", "1-2")
    kinds = [event["kind"] for event in answer["events"]]
    assert kinds == ["incident_logged", "evidence_attached"]


def test_the_time_that_is_taken_from_the_report_is_said(desk: Cli) -> None:
    receive(desk, ARF, FOLDER / "plain-angle.eml")
    tried = desk("report", "log", "r1", "--dry-run")
    assert "time taken from r1: 2026-03-01 03:00 Asia/Shanghai (1 d 9 h ago)" in tried.err
    in_chinese = desk("report", "log", "r1", "--dry-run", "--lang", "zh")
    assert "时间取自 r1：2026-03-01 03:00" in in_chinese.err
    typed = desk("report", "log", "r1", "--at", "10m ago")
    assert "time taken" not in typed.err
    assert "time read as" in typed.err
    assert "time taken" not in desk("report", "log", "r2", "shop.example").err


def test_the_person_may_say_more_than_the_report(desk: Cli) -> None:
    receive(desk, ARF)
    incident = desk(
        "report", "log", "r1", "--category", "fraud", "--at", "10m ago", "--note", "seen", "--json"
    ).json["incident"]
    assert incident["category"] == "fraud"
    assert incident["occurred_at"] == "2026-03-02T03:50:00Z"


def test_a_report_about_several_sites_or_none_needs_the_name_of_one(desk: Cli) -> None:
    receive(desk, FOLDER / "xarf-list.json", FOLDER / "plain-nothing.eml")
    desk("site", "add", "two.example")
    answer = desk("report", "log", "r1", "--json")
    assert answer.status == 2
    assert "r1 may be about shop.example, two.example: name the site" in answer.err
    assert "names no site of this desk" in desk("report", "log", "r2").err
    incident = desk("report", "log", "r1", "two.example", "--json").json["incident"]
    assert incident["urls"] == ["https://two.example/"]


def test_a_report_about_several_sites_is_logged_with_what_its_rows_say_of_the_site(
    desk: Cli,
) -> None:
    desk("site", "add", "two.example")
    [found] = receive(desk, FOLDER / "several-customers.csv").json
    assert [each["candidates"] for each in found["findings"]] == [
        ["shop.example"], ["two.example"], [],
    ]  # fmt: skip
    shown = desk("report", "show", "r1").out
    assert "shop.example  phishing  2026-03-01 17:00" in shown
    assert "two.example  malware  2026-03-01 16:00" in shown
    answer = desk("report", "log", "r1", "two.example", "--json").json
    incident = answer["incident"]
    assert (incident["category"], incident["occurred_at"]) == ("malware", "2026-03-01T08:00:00Z")
    remark = answer["remarks"][-1]
    assert (remark["name"], remark["facts"]["sites"]) == ("report_names_others", ["shop.example"])


def test_a_report_about_several_sites_is_logged_on_each_and_then_settled(desk: Cli) -> None:
    desk("site", "add", "two.example")
    receive(desk, FOLDER / "several-customers.csv")
    logged = desk("report", "log", "r1", "two.example", "--keep-open")
    assert "r1 stays open for shop.example" in logged.out + logged.err
    assert "nothing was logged there" not in logged.out + logged.err
    assert "incident: 2-1\n" in desk("report", "show", "r1").out
    again = desk("report", "log", "r1", "two.example", "--keep-open")
    assert again.status == 3
    assert "r1 has led to 2-1 on two.example already" in again.err
    answer = desk("report", "join", "r1", "1-1", "--keep-open", "--json").json
    assert answer["report"]["state"] == "joined"
    assert answer["report"]["incidents"] == ["2-1", "1-1"]
    assert desk("audit", "replay").status == 0


def test_the_rows_of_the_category_that_a_person_names_are_logged(desk: Cli, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text(
        "timestamp,url,category\n2026-02-26 09:00:00Z,https://shop.example/a,phishing\n"
        "2026-02-28 09:00:00Z,https://shop.example/b,malware\n"
        "2026-02-28 10:00:00Z,https://shop.example/c,child abuse\n",
        encoding="ascii",
    )
    receive(desk, table)
    answer = desk("report", "log", "r1", "--category", "malware", "--dry-run", "--json").json
    assert answer["incident"]["occurred_at"] == "2026-02-28T09:00:00Z"
    assert answer["incident"]["urls"] == ["https://shop.example/b"]
    # What cannot wait is not lost behind the first row.
    answer = desk("report", "log", "r1", "--dry-run", "--json").json
    assert answer["incident"]["category"] == "child_abuse"


def test_a_mail_with_addresses_on_several_sites_is_logged_with_those_of_the_site(
    desk: Cli, tmp_path: Path
) -> None:
    desk("site", "add", "two.example")
    mail = tmp_path / "mail.eml"
    mail.write_text(
        "From: zhao@user.example\nSubject: phishing\n\nhttps://shop.example/a\n"
        "https://two.example/b\nhttps://m.two.example/c\n",
        encoding="ascii",
    )
    receive(desk, mail)
    logged = desk("report", "log", "r1", "two.example")
    assert "r1 also names shop.example: nothing was logged there" in logged.out + logged.err
    incident = desk("show", "2-1", "--json").json
    assert incident["urls"] == ["https://two.example/b", "https://m.two.example/c"]


def test_a_report_joins_the_incident_that_it_is_about(desk: Cli) -> None:
    receive(desk, ARF)
    answer = desk("report", "join", "r1", "1-1", "--json").json
    assert answer["report"]["state"] == "joined"
    assert answer["incident"]["state"] == "open"
    assert len(answer["incident"]["evidence"]) == 1
    assert desk("report", "join", "r1", "1-9").status == 3


def test_an_act_that_leads_a_report_to_a_site_that_it_does_not_name_says_so(desk: Cli) -> None:
    receive(desk, ARF, XARF, FOLDER / "plain-nothing.eml")
    desk("site", "add", "two.example")
    other = desk("report", "join", "r1", "1-1")
    assert "does not name" not in other.out + other.err
    desk("log", "two.example")
    done = desk("report", "join", "r2", "2-1")
    assert done.status == 0
    assert "r2 does not name two.example, but may be about shop.example" in done.out + done.err
    answer = desk("report", "log", "r3", "two.example", "--json").json
    assert [each["name"] for each in answer["remarks"]][-1] == "report_not_about"


def test_a_report_is_dismissed_with_a_reason(desk: Cli) -> None:
    receive(desk, ARF, XARF)
    assert desk("report", "dismiss", "r1", "--reason", "gone").out == "Dismissed r1\n"
    answer = desk("report", "dismiss", "r2", "--reason", "moved", "--not-ours", "--json").json
    assert answer["report"]["state"] == "not_ours"
    assert answer["report"]["reason"] == "moved"
    assert (answer["site"], answer["incidents"]) == (None, [])


def test_a_settled_report_is_refused_with_how_it_ended(desk: Cli) -> None:
    receive(desk, ARF)
    desk("report", "log", "r1")
    again = desk("report", "dismiss", "r1", "--reason", "late")
    assert again.status == 3
    said = "report r1 is settled already: logged, by li at 2026-03-02 12:00"
    assert said in again.err
    assert desk("report", "show", "r9").status == 3
    assert "an ID looks like r17" in desk("report", "show", "1-1").err


def test_one_that_is_dismissed_as_not_ours_though_it_names_a_site_of_the_desk_is_remarked(
    desk: Cli,
) -> None:
    receive(desk, ARF, FOLDER / "plain-nothing.eml")
    words = ("--reason", "elsewhere", "--not-ours")
    tried = desk("report", "dismiss", "r1", *words, "--dry-run")
    assert "r1 may be about shop.example on this desk" in tried.err
    done = desk("report", "dismiss", "r1", *words)
    assert "r1 may be about shop.example on this desk" in done.err
    assert done.out.splitlines() == [
        "Dismissed r1 as not ours", "next: incidents report reopen r1 --reason R",
    ]  # fmt: skip
    assert desk("report", "dismiss", "r2", *words).err == ""
    again = desk("report", "dismiss", "r1", *words)
    assert "report r1 is settled already: not ours, by li" in again.err

    desk("report", "reopen", "r1", "--reason", "ours")
    in_chinese = desk("report", "dismiss", "r1", *words, "--lang", "zh")
    assert "r1 可能涉及本方网站 shop.example；如处理有误，请恢复待处理" in in_chinese.err
    desk("report", "reopen", "r1", "--reason", "ours")
    assert desk("report", "dismiss", "r1", "--reason", "gone").err == ""


def test_of_one_that_has_led_to_an_incident_the_remark_names_the_sites_of_the_rest(
    desk: Cli,
) -> None:
    desk("site", "add", "two.example")
    receive(desk, FOLDER / "several-customers.csv")
    assert desk("report", "log", "r1", "two.example", "--keep-open").status == 0
    why = ("--reason", "elsewhere", "--tell-reporter")
    assert desk("report", "dismiss", "r1", *why, "--dry-run").status == 3
    done = desk("report", "dismiss", "r1", "--reason", "elsewhere", "--not-ours")
    assert "r1 may be about shop.example on this desk" in done.err


def test_one_that_is_received_again_says_how_it_has_ended_and_what_can_follow(desk: Cli) -> None:
    receive(desk, ARF, XARF)
    desk("report", "dismiss", "r1", "--reason", "elsewhere", "--not-ours")
    desk("report", "join", "r2", "1-1")
    again = desk("report", "receive", str(ARF), str(XARF))
    assert again.err.splitlines() == [
        "r1 was received before, and is settled: not ours (elsewhere), by li at 2026-03-02 12:00",
        "next: incidents report reopen r1 --reason R",
        "r2 was received before, and is settled: joined (1-1), by li at 2026-03-02 12:00",
        "next: incidents show 1-1",
    ]
    in_chinese = desk("report", "receive", str(ARF), "--lang", "zh").err
    assert "r1 此前已收到，并已处理：非本方网站（elsewhere），li 于" in in_chinese


def test_a_report_that_was_joined_wrongly_is_opened_again(desk: Cli) -> None:
    receive(desk, ARF)
    desk("report", "join", "r1", "1-1")
    refused = desk("report", "dismiss", "r1", "--reason", "late")
    assert "incidents report reopen r1 --reason R" in refused.err

    again = desk("report", "reopen", "r1", "--reason", "another page")

    assert again.out.splitlines() == [
        "r1 waits for the desk again.", "next: incidents show 1-1",
    ]  # fmt: skip
    assert again.err == "1-1 keeps r1 as evidence\n"
    assert desk("report", "list", "-q").out.split() == ["r1"]
    shown = desk("report", "show", "r1").out
    assert "earlier: joined (1-1) by li" in shown
    assert "another page" in shown
    twice = desk("report", "reopen", "r1", "--reason", "another page")
    assert (twice.status, "report r1 waits for the desk already" in twice.err) == (3, True)
    assert desk("report", "log", "r1", "--json").json["report"]["state"] == "logged"


def test_an_incident_that_was_logged_from_a_report_stands_until_it_is_voided(desk: Cli) -> None:
    receive(desk, ARF)
    desk("report", "log", "r1")
    dry = desk("report", "reopen", "r1", "--reason", "the wrong site", "--dry-run")
    assert "nothing was changed" in dry.err
    assert "incidents void 1-2 --reason" in dry.out
    answer = desk("report", "reopen", "r1", "--reason", "the wrong site", "--json").json
    assert (answer["report"]["state"], answer["site"], answer["events"]) == ("new", None, [])
    assert answer["remarks"] == [
        {"name": "incident_stays", "facts": {"cause": "logged", "report": "r1", "incident": "1-2"}}
    ]
    assert desk("show", "1-2", "--json").json["state"] == "open"
    desk("void", "1-2", "--reason", "the wrong site")
    desk("report", "join", "r1", "1-2")
    void = desk("report", "reopen", "r1", "--reason", "void", "--json").json
    assert void["remarks"] == []


def test_each_incident_that_stays_of_a_report_about_several_sites_is_named(desk: Cli) -> None:
    desk("site", "add", "two.example")
    receive(desk, FOLDER / "several-customers.csv")
    desk("report", "log", "r1", "two.example", "--keep-open")
    desk("report", "join", "r1", "1-1")
    answer = desk("report", "reopen", "r1", "--reason", "two sites", "--json", "--dry-run").json
    stays = [(each["facts"]["cause"], each["facts"]["incident"]) for each in answer["remarks"]]
    assert stays == [("logged", "2-1"), ("joined", "1-1")]
    desk("void", "2-1", "--reason", "the wrong site")
    answer = desk("report", "reopen", "r1", "--reason", "the wrong site", "--json").json
    assert [each["facts"]["incident"] for each in answer["remarks"]] == ["1-1"]


def test_a_dry_run_changes_nothing(desk: Cli) -> None:
    receive(desk, ARF)
    for act in (("log",), ("join",), ("dismiss", "--reason", "x")):
        verb, *more = act
        where = ["1-1"] if verb == "join" else []
        answer = desk("report", verb, "r1", *where, *more, "--dry-run")
        assert (answer.status, "nothing was changed" in answer.err) == (0, True), verb
    assert desk("report", "list", "-q").out.split() == ["r1"]


def test_a_burst_of_reports_on_one_finding_closes_no_site(desk: Cli, tmp_path: Path) -> None:
    files = []
    for n in range(40):
        files.append(tmp_path / f"{n}.eml")
        files[-1].write_bytes(ARF.read_bytes().replace(b"Abuse report", b"Abuse report %d" % n))
    assert len(receive(desk, *files).json) == 40
    assert desk("site", "show", "shop.example", "--json").json["state"] == "active"
    desk("report", "log", "r1")
    for n in range(2, 41):
        desk("report", "join", f"r{n}", "1-2")
    assert desk("site", "show", "shop.example", "--json").json["state"] == "active"
    assert len(desk("show", "1-2", "--json").json["evidence"]) == 40


def test_in_chinese(desk: Cli) -> None:
    answer = desk("report", "receive", str(NONSENSE), "--lang", "zh")
    assert answer.out == "r1：已留存，但无法读取：是 JSON，但不是 XARF 格式\n"
    assert "待处理" not in desk("report", "list", "--lang", "zh").out
    assert desk("report", "dismiss", "r1", "--reason", "x", "--lang", "zh").out == "r1 不予处理\n"
    assert "已由 li" in desk("report", "dismiss", "r1", "--reason", "x", "--lang", "zh").err
    again = desk("report", "reopen", "r1", "--reason", "x", "--lang", "zh")
    assert again.out == "r1 已恢复待处理。\n"
    assert "此前处理：不予处理（x），li 于" in desk("report", "show", "r1", "--lang", "zh").out


def test_the_bytes_of_a_report_are_written_to_a_file_and_that_is_on_record(
    desk: Cli, tmp_path: Path
) -> None:
    receive(desk, ARF)
    file = tmp_path / "r1.bin"
    assert desk("report", "source", "r1", "-o", str(file)).status == 0
    assert file.read_bytes() == ARF.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    [entry] = _entries(desk, "details_revealed")
    assert entry["data"]["about"] == "r1"
    assert desk("report", "source", "r9", "-o", str(file)).status == 3
    assert desk("report", "source", "r1", "--attachment", "9", "-o", str(file)).status == 3
    assert desk("report", "source", "r1", "--screenshot", "1", "-o", str(file)).status == 3
    both = desk("report", "source", "r1", "--screenshot", "1", "--attachment", "1", "-o", "x")
    assert (both.status, "not both" in both.err) == (2, True)
    assert len(_entries(desk, "details_revealed")) == 1


def test_bytes_are_not_written_to_a_terminal(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(desk, ARF)
    monkeypatch.setattr("incidents.cli.reports.source.is_terminal", lambda _: True)
    answer = desk("report", "source", "r1")
    assert (answer.status, "add -o FILE" in answer.err) == (2, True)
    assert _entries(desk, "details_revealed") == []


def test_what_may_show_child_abuse_is_written_for_a_reason_alone(desk: Cli, tmp_path: Path) -> None:
    mail, file = tmp_path / "mail", tmp_path / "r1.bin"
    mail.write_bytes(b"From: a@user.example\nSubject: CSAM found\n\nhttp://shop.example/x\n")
    [found] = receive(desk, mail).json
    assert (found["sealed"], found["text"]) == (True, "")
    assert "sealed: may show child abuse" in desk("report", "show", "r1").out
    refused = desk("report", "source", "r1", "-o", str(file))
    assert (refused.status, "give the reason for opening it" in refused.err) == (3, True)
    assert not file.exists()
    opened = desk("report", "source", "r1", "-o", str(file), "--reason", "asked for by the police")
    assert opened.status == 0
    assert file.read_bytes() == mail.read_bytes()
    [entry] = _entries(desk, "sealed_opened")
    assert (entry["data"]["about"], entry["data"]["digest"]) == ("r1", found["digest"])
    assert _entries(desk, "details_revealed") == []


def test_a_bundle_has_the_digest_of_sealed_evidence_and_not_its_bytes(
    desk: Cli, tmp_path: Path
) -> None:
    mail, bundle = tmp_path / "mail", tmp_path / "bundle"
    mail.write_bytes(b"From: a@user.example\nSubject: CSAM found\n\nhttp://shop.example/x\n")
    [found] = receive(desk, mail).json
    desk("report", "log", "r1", "shop.example")
    exported = desk("audit", "export", "-o", str(bundle))
    assert exported.status == 0, exported.err
    assert found["digest"].encode() in bundle.read_bytes()
    assert b"CSAM found" not in bundle.read_bytes()


def _entries(desk: Cli, kind: str) -> list[Any]:
    lines = desk("audit", "export").out.splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def test_the_picture_of_a_page_is_written_to_a_file_as_it_was_taken(
    desk: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = streams.keep(BytesIO(b"\x89PNG"), tmp_path / "evidence", limit=100, first=0)

    def take(_: Snapshots, report: ReportInFull) -> list[Taken]:
        [url] = report["urls"]
        return [Taken(url=url, final=url, status=200, screenshot=kept.digest)]

    monkeypatch.setattr(Snapshots, "take", take)
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    receive(desk, ARF)
    desk("report", "retest", "r1")
    file = tmp_path / "r1.png"
    assert desk("report", "source", "r1", "--screenshot", "1", "-o", str(file)).status == 0
    assert file.read_bytes() == b"\x89PNG"
    [entry] = _entries(desk, "details_revealed")
    assert entry["data"]["about"] == "r1/screenshot-1"


def test_a_person_looks_at_the_page_again(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = iter([(200, "a" * 64), (404, None)])

    def take(_: Snapshots, report: ReportInFull) -> list[Taken]:
        status, digest = next(pages)
        [url] = report["urls"]
        return [Taken(url=url, final=url, status=status, digest=digest, title="Win")]

    monkeypatch.setattr(Snapshots, "take", take)
    receive(desk, ARF)
    first = desk("report", "retest", "r1")
    assert (first.status, first.out.count("\n")) == (0, 2)
    again = desk("report", "retest", "r1")
    assert "404  Win" in again.out
    assert again.out.endswith("the page has changed\n")
    [one, other] = desk("report", "show", "r1", "--json").json["snapshots"]
    assert (one["status"], other["status"]) == (200, 404)


@pytest.mark.parametrize("seen", [b"Seen: 2026-02-10 09:00:00 UTC", b"I saw this:"])
def test_the_site_that_a_customer_had_when_it_was_seen_is_added_and_logged(
    desk: Cli, tmp_path: Path, seen: bytes
) -> None:
    book = tmp_path / "book.csv"
    book.write_text(
        "customer,site,since,until\nGone Ltd,gone.example,,2026-02-20T00:00:00Z\n", encoding="utf-8"
    )
    assert desk("report", "book", str(book)).status == 0
    mail = tmp_path / "old.eml"
    mail.write_bytes(
        b"From: zhao@user.example\nSubject: Phishing\nDate: Tue, 10 Feb 2026 10:00:00 +0000\n\n"
        + seen + b"\nhttp://gone.example/login\n"
    )  # fmt: skip
    [found] = receive(desk, mail).json
    assert found["candidates"] == ["gone.example"]
    expected = desk("report", "log", "r1", "--dry-run", "--json")
    assert (expected.status, expected.json["site"]["state"]) == (0, "active")
    assert desk("site", "show", "gone.example").status == 3
    done = desk("report", "log", "r1", "--json")
    assert done.status == 0
    assert done.json["incident"]["id"] == expected.json["incident"]["id"]
    kinds = [[each["kind"] for each in answer.json["events"]] for answer in (done, expected)]
    assert kinds[0] == kinds[1]


def test_an_import_of_the_address_book_is_on_record_and_says_what_it_replaced(
    desk: Cli, tmp_path: Path
) -> None:
    book = tmp_path / "book.csv"
    book.write_text("customer,site,since\nGone Ltd,gone.example,2026-02-01\n", encoding="utf-8")
    assert desk("report", "book", str(book)).out == "1 entry of the address book imported\n"
    assert "replaced: 1" in desk("report", "book", str(book)).out
    again = desk("report", "book", str(book), "--json")
    assert again.json == {"entries": 1, "replaced": 1}
    entries = desk("audit", "export").out
    digest = sha256(book.read_bytes()).hexdigest()
    assert entries.count('"kind":"address_book_imported"') == 3
    assert entries.count(digest) == 3


def test_each_row_of_a_table_is_about_whoever_had_the_address_then(
    desk: Cli, tmp_path: Path
) -> None:
    book, table = tmp_path / "book.csv", tmp_path / "seen.csv"
    book.write_text(
        "customer,site,address,since,until\n"
        "green,green.example,192.0.2.7,,2026-02-20T00:00:00Z\n"
        "white,white.example,192.0.2.7,2026-02-20T00:00:00Z,\n",
        encoding="utf-8",
    )
    desk("report", "book", str(book))
    table.write_text(
        "timestamp,ip,port\n2026-02-10 09:00:00Z,192.0.2.7,80\n2026-02-25 09:00:00Z,192.0.2.7,80\n",
        encoding="utf-8",
    )
    [found] = receive(desk, table).json
    assert found["candidates"] == ["green.example", "white.example"]


def test_an_address_that_the_book_gives_to_the_site_is_on_no_other_host(
    desk: Cli, tmp_path: Path
) -> None:
    book, ours, other = tmp_path / "book.csv", tmp_path / "ours.txt", tmp_path / "other.txt"
    book.write_text("customer,site,address\nshop,shop.example,192.0.2.7\n", encoding="utf-8")
    desk("report", "book", str(book))
    ours.write_text("phishing at http://192.0.2.7/login", encoding="utf-8")
    other.write_text("phishing at http://192.0.2.8/login", encoding="utf-8")
    receive(desk, ours, other)
    logged = desk("report", "log", "r1", asked=True, typed="")
    assert logged.status == 0, logged.err
    assert "the URL is on" not in logged.err
    doubted = desk("report", "log", "r2", "shop.example")
    assert "the URL is on 192.0.2.8, not on shop.example" in doubted.err


def test_the_queue_has_the_reports_that_wait_between_its_items(desk: Cli, folder: Path) -> None:
    receive(desk, ARF, XARF)
    call, report = (line.split("\t") for line in desk("queue").out.splitlines())
    assert (call[0], report[0], report[2:4]) == ("1-1", "r1", ["triage 2 reports", "shop.example"])
    assert report[-1] == "incidents report list --host shop.example"
    found = desk("queue", "--json").json
    assert [each["id"] for each in found["items"]] == ["1-1"]
    assert (found["reports"]["waiting"], found["reports"]["items"][0]["reports"]) == (2, 2)
    assert desk("queue", "--kind", "call", "--json").json["reports"] is None
    assert "处理 2 件举报" in desk("--lang", "zh", "queue").out


def test_an_empty_file_is_kept_as_unreadable_and_keeps_back_no_other(
    desk: Cli, tmp_path: Path
) -> None:
    (tmp_path / "cut.eml").touch()
    answer = desk("report", "receive", str(tmp_path / "cut.eml"), str(ARF), "--json")
    assert answer.status == 0
    assert [each["state"] for each in answer.json] == ["unreadable", "new"]
    assert "is empty" in desk("report", "show", "r1").out


def test_a_pipe_that_brings_nothing_is_to_be_tried_again(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report._StandardInput, "__call__", lambda _: nullcontext(io.BytesIO()))
    answer = desk("report", "receive")
    assert (answer.status, answer.out) == (75, "")
    assert "standard input is empty, so no report was kept" in answer.err
    assert desk("report", "list", "--all", "--json").json == []


def test_a_reason_that_nobody_sends_to_the_reporter_is_said_with_the_way_out(
    desk: Cli, write_settings: WriteSettings, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("https://shop.example/a", encoding="utf-8")
    receive(desk, ARF, XARF, FOLDER / "plain-angle.eml", tmp_path / "a.txt")
    words = ("--reason", "gone", "--tell-reporter")
    off = desk("report", "dismiss", "r1", *words)
    assert "[inbox] outcomes is off" in off.err
    assert desk("report", "dismiss", "r2", "--reason", "gone").err == ""

    write_settings("[inbox]\noutcomes = true\n")
    assert desk("report", "dismiss", "r3", *words).err == ""
    answer = desk("report", "dismiss", "r4", *words, "--json").json
    [remark] = answer["remarks"]
    assert (remark["name"], remark["facts"]["cause"]) == ("reason_not_told", "no_address")


def test_who_had_what_a_report_names_is_shown_with_since_when(desk: Cli, tmp_path: Path) -> None:
    book, mail = tmp_path / "book.csv", tmp_path / "a.txt"
    book.write_text(
        "customer,site,address,since,until\n"
        "Green Ltd,old.example,198.51.100.7,,2026-03-01T00:00:00Z\n"
        "White Ltd,new.example,198.51.100.0/28,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z\n",
        encoding="utf-8",
    )
    mail.write_text("Malware at 198.51.100.7, and http://shop.example/x", encoding="utf-8")
    desk("report", "book", str(book))
    [report_] = receive(desk, mail).json
    assert report_["held"] == [
        {
            "site": "new.example", "customer": "White Ltd", "what": "network",
            "value": "198.51.100.0/28", "since": "2026-03-01T00:00:00Z",
            "until": "2026-04-01T00:00:00Z",
        }
    ]  # fmt: skip
    told = desk("report", "show", "r1").out
    assert "holders: new.example White Ltd (198.51.100.0/28) since 2026-03-01" in told
    assert "客户：new.example White Ltd" in desk("report", "show", "r1", "--lang", "zh").out


def test_when_the_first_report_came_in_is_shown_beside_the_later_clocks(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    receive(desk, ARF)
    clock.tick(timedelta(minutes=3))
    receive(desk, XARF)
    clock.tick(timedelta(minutes=7))
    desk("report", "log", "r1", "--again")
    desk("report", "join", "r2", "1-2")
    incident = desk("show", "1-2", "--json").json
    [came] = [each for each in desk("report", "list", "--all", "--json").json if each["id"] == "r1"]
    assert incident["first_report"] == {"id": "r1", "received_at": came["received_at"]}
    assert "report received: " in desk("show", "1-2").out
    assert "(r1)" in desk("show", "1-2").out
    items = {each["id"]: each for each in desk("queue", "--json").json["items"] if "kind" in each}
    assert items["1-2"]["report_received_at"] == came["received_at"]
    assert items["1-1"]["report_received_at"] is None
    assert "first_report" in desk("show", "1-1", "--json").json
