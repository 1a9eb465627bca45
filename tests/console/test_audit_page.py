"""The audit's page: the record by what people ask, taken away, proved, and seen by witnesses."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text

from incidents import clock
from incidents.audit import export
from incidents.audit.log import sequencer, signing, status
from incidents.audit.log.signing_key import KeyRing
from incidents.machine import commands as c
from tests.log_key import make_key
from tests.patience import PATIENCE_S, until
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor


@pytest.fixture
def record(desk: ConsoleDesk) -> ConsoleDesk:
    """Two sites, a violation on either, and a clock that has lapsed."""
    for site in ("a.example", "b.example"):
        desk.do(site, c.AddSite(by="li"), ago=timedelta(hours=3))
        desk.do(site, c.Log(by="wang"), ago=timedelta(hours=3))
    desk.elapse(ago=timedelta(hours=1))
    return desk


def kinds(page: Any) -> list[str]:
    return re.findall(r'"kind":"(\w+)"', page.text.replace("&#34;", '"'))


def verified(by: Visitor) -> str:
    """The verdict's words, once it is there."""
    answer = by.post("/audit/verify")
    assert answer.status_code == 303, answer.text
    until(lambda: "every 1s" not in by.get("/audit/verdict").text, "the log is verified")
    return str(by.get("/audit/verdict").text)


def test_the_latest_entries_come_first(record: ConsoleDesk) -> None:
    page = Visitor(record, "auditor").get("/audit")
    assert page.status_code == 200
    assert kinds(page)[-1] == "site_added"
    assert kinds(page).index("clock_lapsed") < kinds(page).index("incident_logged")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"site": "b.example", "kind": "incident_logged"}, ["incident_logged"]),
        ({"kind": "clock_lapsed"}, ["clock_lapsed"] * 2),
        ({"person": "wang"}, ["incident_logged"] * 2),
        ({"person": "WANG"}, []),
        ({"since": "2999-01-01 00:00"}, []),
    ],
)
def test_the_record_is_filtered(
    record: ConsoleDesk, asked: dict[str, str], expected: list[str]
) -> None:
    assert kinds(Visitor(record, "auditor").get("/audit", **asked)) == expected


def test_what_nobody_can_look_for_is_said_and_what_was_typed_stays(record: ConsoleDesk) -> None:
    by = Visitor(record, "auditor")
    for asked in (
        {"site": "c.example"}, {"since": "some day"},
        {"since": "2026-03-02 00:00", "until": "2026-03-01 00:00"},
    ):  # fmt: skip
        page = by.get("/audit", **asked)
        assert page.status_code == 422
        assert 'role="alert" id="wrong"' in page.text
        assert f'value="{next(iter(asked.values()))}"' in page.text


def test_a_hostile_filter_stays_text(record: ConsoleDesk) -> None:
    by = Visitor(record, "auditor")
    for field in ("site", "person", "since", "kind", "after"):
        assert HOSTILE not in by.get("/audit", **{field: HOSTILE}).text


def test_older_entries_are_a_page_away(
    record: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.console.pages.audit.PAGE", 3)
    by = Visitor(record, "auditor")
    page, seen = by.get("/audit"), []
    while True:
        seen += kinds(page)
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        if found is None:
            break
        assert len(seen) < 50
        page = by.get(found[1].replace("&amp;", "&"))
    assert seen.count("incident_logged") == 2
    assert len(seen) >= 9


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_export_is_the_one_of_the_command_line(record: ConsoleDesk, form: str) -> None:
    answer = Visitor(record, "auditor").get(f"/audit/export.{form}")
    with record.app.reading() as connection:
        stored = export.stored(connection, export.Selection())
        write = {"jsonl": export.jsonl, "csv": export.write_csv}[form]
        assert answer.content == b"".join(write(stored))
    assert answer.headers["content-disposition"] == f'attachment; filename="entries.{form}"'


def test_the_export_of_one_site_has_its_entries_alone(record: ConsoleDesk) -> None:
    answer = Visitor(record, "auditor").get("/audit/export.jsonl", site="b.example")
    assert {line.count(b'"site":"b.example"') for line in answer.content.splitlines()} == {1}


def test_who_may_not_export_sees_no_record_and_is_refused(record: ConsoleDesk) -> None:
    viewer = Visitor(record, "viewer")
    page = viewer.get("/audit").text
    assert "/audit/verify" not in page
    assert 'id="record"' not in page
    assert viewer.get("/audit/export.jsonl").status_code == 403
    assert viewer.post("/audit/verify").status_code == 403
    assert kinds(viewer.get("/audit")) == []
    assert sum(each["count"] for each in record.refusals()) == 2


@pytest.mark.both_databases
def test_a_log_that_is_right_is_verified_in_words(record: ConsoleDesk) -> None:
    by = Visitor(record, "auditor")
    told = verified(by)
    assert "Consistent, but not signed." in told
    assert "signed and verified" not in told
    assert "Whether somebody replaced the whole record: no checkpoint is signed yet." in told
    assert "记录一致，但尚未签署。" in Visitor(record, "auditor", "zh").get("/audit").text


def test_a_log_that_was_changed_is_not_verified_and_names_the_entry(record: ConsoleDesk) -> None:
    sequencer.number_all(record.app.engine)
    with record.app.engine.begin() as connection:
        connection.execute(
            text("UPDATE entries SET body = replace(body, 'wang', 'weng') WHERE body LIKE '%wang%'")
        )
    told = verified(Visitor(record, "auditor"))
    assert "NOT VERIFIED." in told
    assert "entries 2, leaf 1: its leaf hash is not that of its body" in told


def test_a_verification_that_breaks_says_so_and_another_one_can_begin(
    record: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = Visitor(record, "auditor")
    with monkeypatch.context() as broken:
        broken.setattr("incidents.audit.proof.verification.database", lambda *_a, **_o: 1 / 0)
        told = verified(by)
        assert 'Could not verify: <span lang="en">ZeroDivisionError' in told
    assert "Consistent, but not signed." in verified(by)


def test_one_proof_runs_at_a_time_whichever_way_it_was_asked_for(
    record: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, by = Event(), Visitor(record, "auditor")
    monkeypatch.setattr(
        "incidents.audit.proof.verification.database",
        lambda *_a, **_o: go_on.wait(PATIENCE_S) and 1 / 0,
    )
    program = record.holder(record.token("auditor-1"))
    assert program.post("/api/v1/log/verify?wait=0", json={}).json()["ended_at"] is None
    by.post("/audit/verify")
    assert "A verification is already running" in by.get("/audit").text
    go_on.set()
    assert record.asgi_app.state.verifying.wait(PATIENCE_S).failed == "ZeroDivisionError"
    assert "ZeroDivisionError" in by.get("/audit/verdict").text


def test_the_last_checkpoint_is_shown_and_taken_away_to_the_byte(
    record: ConsoleDesk, tmp_path: Path
) -> None:
    by, auditor = Visitor(record, "viewer"), Visitor(record, "auditor")
    assert "No checkpoint is signed yet" in by.get("/audit").text
    assert by.get("/audit/checkpoint").status_code == 422
    note = signed(record, tmp_path / "audit.key")
    assert by.get("/audit/checkpoint").text == note
    told = verified(auditor)
    assert re.search(r'"said done"><b>All \d+ entries are signed and verified', told)
    assert "No outside witness has countersigned" in by.get("/audit").text


def test_a_log_of_which_a_part_is_signed_is_verified_for_that_part_alone(
    record: ConsoleDesk, tmp_path: Path
) -> None:
    english, chinese = Visitor(record, "auditor"), Visitor(record, "auditor", "zh")
    signed(record, tmp_path / "audit.key")
    record.do("late.example", c.AddSite(by="li"))
    sequencer.number_all(record.app.engine)
    record.do("later.example", c.AddSite(by="li"))
    told = verified(english)
    assert re.search(r"The \d+ signed entries are verified; 2 entries are not signed yet", told)
    assert "said done" not in told
    assert "尚未签署的 2 条今后是否会被改动" in chinese.get("/audit").text


def signed(desk: ConsoleDesk, key: Path) -> str:
    """The log's first checkpoint."""
    make_key(desk.app, key)
    sequencer.number_all(desk.app.engine)
    signing.sign(desk.app.engine, KeyRing(key), clock.now(), at_once=True)
    with desk.app.reading() as connection:
        note = status.last_note(connection)
    assert note is not None
    return note
