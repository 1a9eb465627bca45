"""Reports over a server: the command line sends their bytes, and decides there."""

from __future__ import annotations

from pathlib import Path

import pytest

from incidents.api.endpoints.reports import Joined, Logged
from tests.api.rig import Rig
from tests.client.conftest import RemoteCli
from tests.inbox.test_samples import FOLDER

ARF, XARF = (FOLDER / name for name in ("arf-abuse.eml", "xarf-v3.json"))


@pytest.fixture
def over(api: Rig, over: RemoteCli, tmp_path: Path) -> RemoteCli:
    api.keep_evidence_in(tmp_path / "kept", limit=1 << 20)
    over.account("wang", "operator")
    over("site", "add", "shop.example", as_="wang")
    return over


def test_a_report_is_received_logged_and_another_one_joins(over: RemoteCli) -> None:
    received = over("report", "receive", str(ARF), str(XARF), as_="wang")
    assert received.out.splitlines() == [
        "r1: ARF, about shop.example", "r2: XARF, about shop.example",
    ]  # fmt: skip
    again = over("report", "receive", str(ARF), as_="wang")
    assert "r1 was received before" in again.err
    logged = over("report", "log", "r1", "--json", as_="wang").json
    assert (logged["incident"]["id"], logged["report"]["state"]) == ("1-1", "logged")
    joined = over("report", "join", "r2", "1-1", "--json", as_="wang").json
    assert len(joined["incident"]["evidence"]) == 2
    assert over("report", "list", "-q", as_="wang").out == ""
    assert "incident: 1-1" in over("report", "show", "r2", as_="wang").out


def test_an_older_server_that_keeps_no_report_open_takes_the_report_all_the_same(
    over: RemoteCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in (Logged, Joined):
        monkeypatch.delitem(form.model_fields, "keep_open")
    over("report", "receive", str(ARF), str(XARF), as_="wang")
    refused = over("report", "log", "r1", "--keep-open", as_="wang")
    assert (refused.status, "unknown key" in refused.err) == (3, True)
    assert over("report", "log", "r1", as_="wang").status == 0
    assert over("report", "join", "r2", "1-1", as_="wang").status == 0


def test_a_report_is_dismissed_once(over: RemoteCli) -> None:
    over("report", "receive", str(ARF), as_="wang")
    assert over("report", "dismiss", "r1", "--reason", "gone", as_="wang").out == "Dismissed r1\n"
    again = over("report", "dismiss", "r1", "--reason", "gone", as_="wang")
    assert again.status == 3
    assert over("report", "show", "r9", as_="wang").status == 3


def test_what_the_server_does_not_keep_is_to_be_brought_again(over: RemoteCli) -> None:
    over.account("vera", "viewer")
    assert over("report", "receive", str(ARF), as_="vera").status == 75


def test_a_report_and_an_attachment_are_fetched_as_they_came(
    over: RemoteCli, tmp_path: Path
) -> None:
    mail, file = tmp_path / "mail", tmp_path / "out"
    mail.write_bytes(b"From: a@user.example\nSubject: x\nContent-Type: application/pdf\n\n%PDF\n")
    over("report", "receive", str(mail), as_="wang")
    assert over("report", "source", "r1", "-o", str(file), as_="wang").status == 0
    assert file.read_bytes() == mail.read_bytes()
    taken = over("report", "source", "r1", "--attachment", "1", "-o", str(file), as_="wang")
    assert (taken.status, file.read_bytes()) == (0, b"%PDF\n")
    missing = over("report", "source", "r1", "--attachment", "2", "-o", str(file), as_="wang")
    assert (missing.status, "no attachment 2" in missing.err) == (3, True)
    assert file.read_bytes() == b"%PDF\n"


def test_a_sealed_report_is_opened_with_a_password_and_a_reason(
    over: RemoteCli, tmp_path: Path
) -> None:
    over.account("zhao", "supervisor")
    mail, file = tmp_path / "mail", tmp_path / "out"
    mail.write_bytes(b"From: a@user.example\nSubject: CSAM\n\nhttp://shop.example/x\n")
    over("report", "receive", str(mail), as_="wang")
    refused = over("report", "source", "r1", "-o", str(file), as_="zhao")
    assert (refused.status, "it is sealed" in refused.err) == (3, True)
    line = (
        "report", "source", "r1", "--reason", "for the police", "--password-file", str(over.right),
        "-o", str(file),
    )  # fmt: skip
    assert over(*line, as_="wang").status == 3
    assert not file.exists()
    assert over(*line, as_="zhao").status == 0
    assert file.read_bytes() == mail.read_bytes()
    [entry] = over.api.entries("sealed_opened")
    assert entry["actor"] == "zhao"
