"""The way of a report: from a mail in the Maildir to a record that proves what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from incidents.audit.replay import Replay
from incidents.daemon.inbox.inbox_duty import Intake
from incidents.machine import commands as c
from incidents.record import evidence
from incidents.settings import sources
from tests.inbox.test_samples import FOLDER
from tests.served_desk import ConsoleDesk, Visitor


@pytest.fixture
def maildir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "mail" / part).mkdir(parents=True)
    section = sources.section

    def with_inbox(name: str, *more: Any) -> Any:
        return {"maildir": str(tmp_path / "mail")} if name == "inbox" else section(name, *more)

    monkeypatch.setattr(sources, "section", with_inbox)
    return tmp_path / "mail"


def test_a_mail_leads_to_an_act_and_the_record_proves_which(
    desk: ConsoleDesk, maildir: Path
) -> None:
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    mail = (FOLDER / "arf-abuse.eml").read_bytes()
    (maildir / "new" / "1.host").write_bytes(mail)
    Intake(desk.app).run()
    li = Visitor(desk, "li")
    assert 'href="/reports/r1"' in li.get("/reports").text
    li.post("/reports/r1/log", {"site": "shop.example"})
    li.post("/incidents/1-1/contact", {"outcome": "reached"})
    li.post("/incidents/1-1/removed", {})
    assert "removed" in li.get("/incidents/1-1").text

    entries = [json.loads(body) for body in desk.bodies()]
    kinds = [entry["kind"] for entry in entries if not entry["kind"].startswith("account")]
    [received] = [entry for entry in entries if entry["kind"] == "report_received"]
    [logged] = [entry for entry in entries if entry["kind"] == "report_logged"]
    [attached] = [entry for entry in entries if entry["kind"] == "evidence_attached"]
    assert received["data"]["digest"] == attached["data"]["digest"]
    assert (logged["data"]["report"], logged["data"]["about"]) == (1, "1-1")
    assert kinds.index("report_received") < kinds.index("incident_logged")
    kept = evidence.kept(desk.app.settings.evidence, received["data"]["digest"])
    assert kept is not None
    assert kept.read_bytes() == mail
    with desk.app.reading() as connection:
        assert list(Replay(connection).findings()) == []
