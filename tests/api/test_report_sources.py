"""The bytes of reports over HTTP: for whom they are, and what is sealed."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from incidents import clock
from incidents.desk.inbox import snapshots
from incidents.desk.inbox.snapshots import Taken
from incidents.record import streams
from tests.api.rig import Rig

PICTURE = b"\x89PNG\r\n\x1a\n not really"


@pytest.fixture(autouse=True)
def _folder(api: Rig, tmp_path: Path) -> None:
    api.keep_evidence_in(tmp_path / "kept", limit=1 << 20)


def mail(subject: str, name: str = "x.png") -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"] = "a@user.example", subject
    made.set_content("see http://shop.example/x\n")
    made.add_attachment(PICTURE, maintype="image", subtype="png", filename=name)
    return made.as_bytes()


def send(api: Rig, raw: bytes) -> Any:
    headers = {"Content-Type": "message/rfc822"}
    return api.client("integrator").post("/api/v1/reports", content=raw, headers=headers).json()


def reveals(api: Rig) -> list[Any]:
    return [each["data"]["about"] for each in api.entries("details_revealed")]


def test_an_attachment_comes_as_it_was_and_each_time_is_on_record(api: Rig) -> None:
    found = send(api, mail("phishing", "../../x"))
    assert (found["sealed"], found["attachments"][0]["size"]) == (False, len(PICTURE))
    answer = api.client("operator").get("/api/v1/reports/r1/attachments/1")
    assert answer.content == PICTURE
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="r1-1.bin"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert reveals(api) == ["r1/1"]
    api.client("operator").get("/api/v1/reports/r1/source")
    assert reveals(api) == ["r1/1", "r1"]


def test_an_attachment_that_is_not_there_is_not_found_and_nothing_is_on_record(api: Rig) -> None:
    send(api, mail("phishing"))
    for n, status in (("2", 404), ("0", 422), ("x", 422)):
        answer = api.client("operator").get(f"/api/v1/reports/r1/attachments/{n}")
        assert answer.status_code == status, n
    assert api.client("viewer").get("/api/v1/reports/r1/attachments/1").status_code == 403
    assert reveals(api) == []


def look(api: Rig, report: int) -> None:
    """Put a picture of a page on record."""
    kept = streams.keep(BytesIO(PICTURE), api.app.settings.evidence, limit=1_000, first=0)
    url = "http://shop.example/x"
    taken = [Taken(url=url, final=url, status=200, screenshot=kept.digest)]
    api.app.desk.on_record(
        partial(
            snapshots.record, report=report, taken=taken, by="daemon", login=None,
            clock=clock.now,
        )
    )  # fmt: skip


def test_the_picture_of_a_page_comes_as_it_was_taken_and_each_time_is_on_record(api: Rig) -> None:
    send(api, mail("phishing"))
    look(api, 1)
    operator, path = api.client("operator"), "/api/v1/reports/r1/snapshots"
    [found] = operator.get("/api/v1/reports/r1").json()["snapshots"]
    assert found["screenshot"] == hashlib.sha256(PICTURE).hexdigest()
    answer = operator.get(f"{path}/1/screenshot")
    assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/png")
    assert "attachment" in answer.headers["content-disposition"]
    assert reveals(api) == ["r1/screenshot-1"]
    assert operator.get(f"{path}/2/screenshot").status_code == 404
    assert api.client("viewer").get(f"{path}/1/screenshot").status_code == 403
    assert len(reveals(api)) == 1


def test_a_picture_of_what_may_show_child_abuse_is_opened_for_a_reason(api: Rig) -> None:
    send(api, mail("CSAM found"))
    look(api, 1)
    path = "/api/v1/reports/r1/snapshots/1/screenshot"
    assert api.client("supervisor").get(path).status_code == 403
    answer = api.person("supervisor").post(f"{path}/open", json={"reason": "police 4711"})
    assert answer.content == PICTURE
    [opened] = api.entries("sealed_opened")
    assert opened["data"]["about"] == "r1/screenshot-1"


def test_what_may_show_child_abuse_is_sealed_and_opened_for_a_reason(api: Rig) -> None:
    raw = mail("CSAM found", "a telling name.png")
    found = send(api, raw)
    assert (found["sealed"], found["category"], found["text"]) == (True, "child_abuse", "")
    assert [each["name"] for each in found["attachments"]] == [""]
    for path in ("source", "attachments/1"):
        refused = api.client("supervisor").get(f"/api/v1/reports/r1/{path}")
        assert (refused.status_code, refused.json()["title"]) == (403, "Sealed content")
        # No token opens it, whoever has it.
        token = api.client("supervisor").post(
            f"/api/v1/reports/r1/{path}/open", json={"reason": "police"}
        )
        assert (token.status_code, token.json()["why"]) == (403, "in_person")
    assert reveals(api) == []
    zhao = api.person("supervisor")
    assert zhao.post("/api/v1/reports/r1/source/open", json={"reason": " "}).status_code == 422
    whole = zhao.post("/api/v1/reports/r1/source/open", json={"reason": "police 4711"})
    assert whole.content == raw
    part = zhao.post("/api/v1/reports/r1/attachments/1/open", json={"reason": "police 4712"})
    assert part.content == PICTURE
    opened = api.entries("sealed_opened")
    assert [each["data"]["about"] for each in opened] == ["r1", "r1/1"]
    assert [each["data"]["digest"] for each in opened] == [
        found["digest"], found["attachments"][0]["digest"],
    ]  # fmt: skip
    assert all(each["data"]["text"].startswith("sha256:") for each in opened), opened
    assert reveals(api) == []


def test_a_report_is_sealed_once_its_incident_has_such_a_category(api: Rig) -> None:
    client = api.client("operator")
    assert client.post("/api/v1/sites", json={"site": "shop.example"}).status_code == 201
    send(api, mail("phishing"))
    assert client.get("/api/v1/reports/r1/source").status_code == 200
    words = {"site": "shop.example", "category": "儿童色情"}
    assert client.post("/api/v1/reports/r1/log", json=words).status_code == 200
    assert client.get("/api/v1/reports/r1").json()["sealed"]
    assert client.get("/api/v1/reports/r1/source").status_code == 403


def test_opening_has_no_dry_run(api: Rig) -> None:
    send(api, mail("CSAM found"))
    answer = api.person("supervisor").post(
        "/api/v1/reports/r1/source/open", params={"dry_run": True}, json={"reason": "x"}
    )
    assert answer.status_code == 422
    assert api.entries("sealed_opened") == []
