"""Reports over HTTP: sent in byte for byte, listed, and settled."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from incidents.contract.documents.reports import ReportInFull
from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.children.parser import MAX_CHILDREN, PARSERS
from incidents.inbox.snapshots.taking import Snapshots
from incidents.record import evidence
from incidents.store.database.engine import writing
from incidents.store.inbox import address_book
from incidents.store.inbox.address_book import Holding
from tests.api.rig import Rig
from tests.inbox.test_samples import FOLDER

ARF, XARF = (FOLDER / name for name in ("arf-abuse.eml", "xarf-v3.json"))


@pytest.fixture(autouse=True)
def folder(api: Rig, tmp_path: Path) -> Path:
    api.keep_evidence_in(tmp_path / "kept", limit=1 << 20)
    return tmp_path / "kept"


def send(api: Rig, file: Path, who: str = "integrator", **how: Any) -> Any:
    headers = {"Content-Type": "message/rfc822"}
    return api.client(who).post(
        "/api/v1/reports", content=file.read_bytes(), headers=headers, **how
    )


def add_site(api: Rig, name: str = "shop.example") -> None:
    answer = api.client("operator").post("/api/v1/sites", json={"site": name})
    assert answer.status_code == 201


def test_a_report_is_received_and_the_same_bytes_are_the_same_report(
    api: Rig, folder: Path
) -> None:
    add_site(api)
    first, again = send(api, ARF), send(api, ARF)
    assert (first.status_code, again.status_code) == (201, 200)
    found = first.json()
    assert found == again.json()
    assert (found["id"], found["format"], found["candidates"]) == ("r1", "arf", ["shop.example"])
    kept = evidence.kept(folder, found["digest"])
    assert kept is not None
    assert kept.read_bytes() == ARF.read_bytes()


def test_a_form_around_a_report_is_refused_with_the_way_out_and_nothing_is_kept(
    api: Rig, folder: Path
) -> None:
    client = api.client("integrator")
    answer = client.post("/api/v1/reports", files={"file": ("a.csv", b"url\nhttp://a.example/\n")})
    assert (answer.status_code, answer.json()["type"]) == (
        415, "urn:incidents:problem:unsupported-media-type",
    )  # fmt: skip
    assert "curl: data-binary, not form" in answer.json()["detail"]
    assert not folder.exists()
    assert client.get("/api/v1/reports").json()["items"] == []


def test_a_report_that_is_too_large_is_refused_with_the_limit(api: Rig, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"From: a@b.example\n\n" + b"x" * (2 << 20))
    answer = send(api, large)
    assert answer.status_code == 413


def test_who_comes_while_all_parsers_are_in_use_is_told_to_come_again_and_nothing_is_kept(
    api: Rig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.inbox.report_desk.PATIENCE_S", 0)
    with ExitStack() as in_use:
        for _ in range(MAX_CHILDREN):
            in_use.enter_context(PARSERS.taken({}))
        answer = send(api, ARF)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "another request of this kind is running" in answer.text
        assert not folder.exists()
    assert send(api, ARF).status_code == 201


def test_reports_are_listed_page_by_page_and_filtered(api: Rig) -> None:
    send(api, ARF), send(api, XARF)
    client = api.client("viewer")
    first = client.get("/api/v1/reports", params={"limit": 1}).json()
    second = client.get("/api/v1/reports", params={"limit": 1, "cursor": first["next"]}).json()
    assert [each["id"] for page in (first, second) for each in page["items"]] == ["r1", "r2"]
    assert second["next"] is None
    for asked, found in (
        ({"format": "xarf"}, ["r2"]), ({"host": "SHOP.example"}, ["r1", "r2"]),
        ({"reporter": "fbl@mail.example"}, ["r1"]), ({"newest": True}, ["r2", "r1"]),
        ({"waiting": False}, []), ({"state": "new", "category": "spam"}, ["r1"]),
    ):  # fmt: skip
        items = client.get("/api/v1/reports", params=asked).json()["items"]
        assert [each["id"] for each in items] == found, asked
    assert client.get("/api/v1/reports", params={"cursor": "x"}).status_code == 422


def test_a_report_is_logged_joined_and_dismissed(api: Rig, tmp_path: Path) -> None:
    add_site(api)
    other = tmp_path / "other.eml"
    other.write_bytes(ARF.read_bytes() + b"\n")
    for file in (ARF, XARF, other):
        send(api, file)
    client = api.client("operator")
    logged = client.post("/api/v1/reports/r1/log", json={"note": "seen"}).json()
    assert (logged["incident"]["id"], logged["report"]["state"]) == ("1-1", "logged")
    joined = client.post("/api/v1/reports/r2/join", json={"incident": "1-1"}).json()
    assert (len(joined["incident"]["evidence"]), joined["report"]["incident"]) == (2, "1-1")
    gone = client.post("/api/v1/reports/r3/dismiss", json={"reason": "twice"}).json()
    assert (gone["site"], gone["report"]["state"]) == (None, "dismissed")
    again = client.post("/api/v1/reports/r3/dismiss", json={"reason": "twice"})
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "report-settled")


def test_a_report_about_several_sites_waits_until_each_was_logged(api: Rig) -> None:
    add_site(api)
    add_site(api, "two.example")
    send(api, FOLDER / "several-customers.csv")
    operator = api.client("operator")
    answer = operator.post(
        "/api/v1/reports/r1/log", json={"site": "two.example", "keep_open": True}
    ).json()
    report = answer["report"]
    assert (report["state"], report["incidents"]) == ("new", ["2-1"])
    assert report["candidates"] == ["shop.example"]
    assert answer["remarks"][-1]["name"] == "report_stays_open"
    again = operator.post("/api/v1/reports/r1/log", json={"site": "two.example"})
    assert again.status_code == 409
    last = operator.post("/api/v1/reports/r1/log", json={"keep_open": True}).json()["report"]
    assert (last["state"], last["incident"], last["incidents"]) == ("logged", "1-1", ["2-1", "1-1"])


def test_a_report_about_no_site_or_several_needs_the_name_of_one(api: Rig) -> None:
    send(api, ARF)
    answer = api.client("operator").post("/api/v1/reports/r1/log")
    assert answer.status_code == 422
    assert "names no site of this desk" in answer.text


def test_a_report_that_is_not_there_is_not_found(api: Rig) -> None:
    client = api.client("operator")
    assert client.get("/api/v1/reports/r9").status_code == 404
    assert client.get("/api/v1/reports/x").status_code == 404
    assert client.post("/api/v1/reports/r9/dismiss", json={"reason": "x"}).status_code == 404


def test_the_bytes_of_a_report_are_for_those_who_may_see_personal_data(api: Rig) -> None:
    send(api, ARF)
    assert api.client("viewer").get("/api/v1/reports/r1/source").status_code == 403
    answer = api.client("operator").get("/api/v1/reports/r1/source")
    assert answer.content == ARF.read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_the_text_of_a_report_is_for_those_who_may_see_personal_data(api: Rig) -> None:
    send(api, ARF)
    assert "abuse report" in api.client("operator").get("/api/v1/reports/r1").json()["text"]
    assert api.client("viewer").get("/api/v1/reports/r1").json()["text"] == ""


def test_no_answer_shows_personal_data_to_those_who_may_not_see_it(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Taken(url="http://shop.example/", final="http://shop.example/", status=200, title="Li")
    monkeypatch.setattr(Snapshots, "take", lambda *_: [taken])
    add_site(api)
    with writing(api.app.engine) as connection:
        address_book.save(connection, [Holding("site", "shop.example", "Li Wei")])

    def quoted(report: ReportInFull) -> set[str]:
        customers = {each["customer"] for each in report["held"]}
        return customers | {report["text"]} | {each["title"] for each in report["snapshots"]}

    for _ in ("first", "again"):
        assert quoted(send(api, ARF).json()) == {""}
    assert quoted(send(api, XARF, "operator").json()) > {"Li Wei"}
    rights = ["look", "log", "attach", "settle_report"]
    blind, seeing = (api.holder(api.token("operator-1", acts)) for acts in (rights, None))
    acts: tuple[tuple[str, dict[str, str]], ...] = (
        ("r1/retest", {}), ("r1/dismiss", {"reason": "x"}), ("r1/reopen", {"reason": "x"}),
        ("r1/log", {}), ("r2/join", {"incident": "1-1"}),
    )  # fmt: skip
    for act, words in acts:
        dry = seeing.post(f"/api/v1/reports/{act}", params={"dry_run": True}, json=words)
        assert "Li Wei" in quoted(dry.json()["report"]), act
        answer = blind.post(f"/api/v1/reports/{act}", json=words)
        assert (answer.status_code, quoted(answer.json()["report"])) == (200, {""}), act
    assert quoted(blind.get("/api/v1/reports/r1").json()) == {""}


def test_who_may_only_look_receives_and_settles_nothing(api: Rig) -> None:
    assert send(api, ARF, "viewer").status_code == 403
    send(api, ARF)
    for act, words in (("log", {}), ("join", {"incident": "1-1"}), ("dismiss", {"reason": "x"})):
        for who in ("viewer", "integrator"):
            answer = api.client(who).post(f"/api/v1/reports/r1/{act}", json=words)
            assert answer.status_code == 403, (act, who)


def test_a_body_without_a_byte_is_no_report(api: Rig) -> None:
    answer = api.client("operator").post("/api/v1/reports", content=b"")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "empty-report")
    named = api.client("operator").post("/api/v1/reports", params={"name": "a.eml"}, content=b"")
    assert "a.eml is empty" in named.json()["detail"]
    assert api.client("operator").get("/api/v1/reports").json()["items"] == []


def test_a_dry_run_settles_nothing(api: Rig) -> None:
    add_site(api)
    send(api, ARF)
    client = api.client("operator")
    with writing(api.app.engine) as connection:
        address_book.save(connection, [Holding("site", "book.example", "Book Ltd")])
    acts: tuple[tuple[str, dict[str, str]], ...] = (
        ("log", {}), ("log", {"site": "book.example"}), ("dismiss", {"reason": "x"}),
    )  # fmt: skip
    for act, words in acts:
        answer = client.post(f"/api/v1/reports/r1/{act}", params={"dry_run": True}, json=words)
        assert (answer.status_code, answer.json()["report"]["state"]) == (200, "new"), act


def test_a_person_looks_at_the_page_again(api: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(_: Snapshots, report: ReportInFull) -> list[Taken]:
        [url] = report["urls"]
        return [Taken(url=url, final=url, status=404, title="Gone")]

    monkeypatch.setattr(Snapshots, "take", take)
    send(api, ARF)
    path, client = "/api/v1/reports/r1/retest", api.client("operator")
    nothing = client.post(path)
    assert nothing.status_code == 409
    assert nothing.json()["type"].endswith(":no-page-to-see")
    add_site(api)
    assert client.post(path, params={"dry_run": True}).json()["report"]["snapshots"] == []
    found = client.post(path).json()["report"]
    assert (found["state"], found["snapshots"][0]["title"]) == ("new", "Gone")
    [masked] = api.client("viewer").get("/api/v1/reports/r1").json()["snapshots"]
    assert (masked["status"], masked["title"]) == (404, "")
    assert api.client("viewer").post(path).status_code == 403
    assert client.post("/api/v1/reports/r9/retest").status_code == 404


def test_a_report_is_opened_again_and_the_answer_says_what_stays(api: Rig) -> None:
    add_site(api)
    send(api, ARF)
    client, path = api.client("operator"), "/api/v1/reports/r1"
    assert client.post(f"{path}/reopen", json={"reason": "x"}).status_code == 409
    client.post(f"{path}/log", json={})
    settled = client.post(f"{path}/dismiss", json={"reason": "x"}).json()
    assert settled["hints"][0]["act"] == "reopen_report"
    answer = client.post(f"{path}/reopen", json={"reason": "x"}, params={"dry_run": True})
    assert answer.json()["report"]["state"] == "logged"
    answer = client.post(f"{path}/reopen", json={"reason": "the wrong site"})
    assert answer.status_code == 200
    assert answer.json()["report"]["reopenings"][0]["why"] == "the wrong site"
    assert [each["name"] for each in answer.json()["remarks"]] == ["incident_stays"]
    assert client.get("/api/v1/reports", params={"waiting": True}).json()["items"]
    assert client.post(f"{path}/reopen", json={}).status_code == 422
    assert api.client("viewer").post(f"{path}/reopen", json={"reason": "x"}).status_code == 403
