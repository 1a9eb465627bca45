"""The histories: run through policies as by the command line, and brought onto the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from incidents.api.endpoints import histories
from incidents.api.limits import IMPORTING, SIMULATING
from incidents.cli import main
from incidents.history import trial_process
from incidents.history.trial_process import TooCostlyError, UnlimitedError
from tests.api.desk import fill
from tests.api.rig import Rig

HISTORY = """\
occurred_at,site,url,note,contact
2026-03-01 10:00,a.example,https://a.example/1,,reached
2026-03-01 12:00,a.example,https://a.example/2,,reached
2026-03-01 14:00,a.example,https://a.example/3,,reached
2026-03-01 10:00,b.example,https://b.example/1,ask for 王芳,
"""
BAD = HISTORY + "yesterday,c.example,,call +86 138 0013 8000,\n"
TWO = "[repeat]\ncount = 2\n"


def run(api: Rig, **asked: Any) -> Any:
    return api.client("viewer").post("/api/v1/simulate", json={"history": HISTORY, **asked})


def bring(api: Rig, text: str, *, role: str = "supervisor", **asked: Any) -> Any:
    query = "?dry_run=true" if asked.pop("dry_run", False) else ""
    body = {"history": text, **asked}
    return api.client(role).post(f"/api/v1/import{query}", json=body)


@pytest.fixture(params=[trial_process.SHORT, 0], ids=["here", "apart"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial is worked out in this process, or in one of its own."""
    monkeypatch.setattr(trial_process, "SHORT", request.param)


@pytest.mark.usefixtures("where")
def test_a_simulation_over_http_answers_as_the_command_line_does(
    api: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history, policy = tmp_path / "history.csv", tmp_path / "two.toml"
    history.write_text(HISTORY, encoding="utf-8")
    policy.write_text(TWO, encoding="utf-8")
    typed = ["--policy", "documented", "--policy", str(policy), "--reach", "0.5", "--seed", "3"]
    assert main(["simulate", str(history), *typed, "--group-within", "60m", "--json"]) == 0
    here = json.loads(capsys.readouterr().out)
    there = run(
        api, policies=["documented", {"name": str(policy), "toml": TWO}], reach=0.5, seed=3,
        group_within="60m",
    )  # fmt: skip
    assert there.status_code == 200, there.text
    assert there.json() == here
    assert [each["closed"]["repeat"] for each in here["policies"]] == [1, 1]


def test_a_simulation_takes_the_active_policy_and_the_zone_that_is_named(api: Rig) -> None:
    here = run(api, zone="Asia/Shanghai").json()["policies"]
    assert [(each["policy"], each["from"]) for each in here] == [("active", "2026-03-01T02:00:00Z")]


@pytest.mark.usefixtures("where")
def test_what_a_simulation_comes_to_is_drawn(api: Rig) -> None:
    asked = {"history": HISTORY, "policies": ["documented", {"name": "<b>", "toml": TWO}]}
    answer = api.client("viewer").post("/api/v1/simulate/picture", json=asked)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.text.startswith("<svg") or answer.text.startswith("<?xml")
    assert "&lt;b&gt;" in answer.text


def test_what_cannot_be_simulated_is_bad_input(api: Rig) -> None:
    client, headers = api.client("viewer"), {"Content-Type": "application/json"}
    wrongs: list[dict[str, Any]] = [
        {"history": ""}, {"history": "site\na.example\n"}, {"history": "[]"},
        {"history": "\ud800"}, {"zone": "Mars/North"}, {"group_within": "soon"}, {"reach": 1.5},
        {"policies": []}, {"policies": ["active"] * 5},
        {"policies": [{"name": "p", "toml": "[repeat]\nof = 1\n"}]},
    ]  # fmt: skip
    for wrong in wrongs:
        body = json.dumps({"history": HISTORY, **wrong})
        answer = client.post("/api/v1/simulate", content=body, headers=headers)
        assert answer.status_code == 422, wrong


@pytest.mark.usefixtures("where")
def test_of_a_bad_line_only_its_number_is_told_and_it_can_be_left_out(api: Rig) -> None:
    refused = run(api, history=BAD)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"loc": ["body", "history", "6"], "type": "bad_line", "msg": "this line cannot be used"}
    ]
    assert "138" not in refused.text
    [taken] = run(api, history=BAD, skip_bad=True).json()["policies"]
    assert (taken["bad"], taken["reports"]) == (1, 4)


def test_more_reports_than_one_request_may_have_are_refused(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "MAX_REPORTS", 3)
    monkeypatch.setattr(histories, "MAX_IMPORTED", 3)
    for answer in (run(api), bring(api, HISTORY)):
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:incidents:problem:too-many-reports"
    assert api.entries("incident_imported") == []


@pytest.mark.parametrize(
    ("wrong", "status", "kind", "way_out"),
    [
        (TooCostlyError(limit_s=60), 422, "too-costly", "try fewer policies at a time"),
        (UnlimitedError(detail="Operation not permitted"), 409, "unlimited", "SystemCallFilter"),
    ],
    ids=["too costly", "unlimited"],
)
def test_a_simulation_that_another_process_could_not_do_is_refused_with_the_way_out(
    api: Rig, wrong: Exception, status: int, kind: str, way_out: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def ended(*_: object) -> None:
        raise wrong

    monkeypatch.setattr(trial_process, "run_trial", ended)
    refused = run(api)
    assert (refused.status_code, refused.json()["type"][22:]) == (status, kind)
    assert way_out in refused.json()["detail"]


def test_a_second_simulation_is_asked_to_come_again(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.api.limits.PATIENCE_S", 0)
    with SIMULATING.taken():
        answer = run(api)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert run(api).status_code == 200


def test_one_account_has_one_costly_thing_worked_out_at_a_time(api: Rig) -> None:
    fill(api)
    viewer, toml = api.client("viewer"), {"toml": ""}
    with api.app.processor_budget.charge("viewer-1"):
        for path, body in (
            ("/policy/check", toml), ("/policy/test", {"scenarios": "x"}),
            ("/simulate", {"history": HISTORY}), ("/simulate/picture", {"history": HISTORY}),
        ):  # fmt: skip
            answer = viewer.post(f"/api/v1{path}", json=body)
            assert (answer.status_code, answer.json()["type"][22:]) == (429, "overspent"), path
            assert answer.headers["retry-after"] == "5"
        other = api.client("operator").post("/api/v1/policy/check", json=toml)
        assert other.status_code == 200
    with api.app.processor_budget.charge("auditor-1"):
        for path in ("/bundle", "/sites/shop.example/report"):
            assert api.client("auditor").get(f"/api/v1{path}").status_code == 429, path
    assert viewer.post("/api/v1/policy/check", json=toml).status_code == 200


def test_a_second_import_is_asked_to_come_again(api: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.api.limits.PATIENCE_S", 0)
    with IMPORTING.taken():
        assert bring(api, HISTORY).status_code == 503
    assert bring(api, HISTORY).status_code == 200


@pytest.mark.both_databases
def test_an_import_puts_each_row_on_record_once_signed_by_who_sent_it(api: Rig) -> None:
    fill(api)
    first = bring(api, HISTORY, role="integrator")
    assert first.status_code == 200, first.text
    done = first.json()
    by_site, ids = done.pop("by_site"), done.pop("ids")
    viewer = api.client("viewer")
    assert {viewer.get(f"/api/v1/incidents/{each}").status_code for each in ids} == {200}
    assert len(set(ids)) == 4
    assert sum(each["incidents_new"] for each in by_site) == 4
    assert done == {
        "dry_run": False, "reports": 4, "kept": 4, "sites": {"new": 2, "known": 0},
        "incidents": {"new": 4, "known": 0}, "refused": 0, "refusals": [], "urls_left_out": 0,
        "bad": [],
    }  # fmt: skip
    again = bring(api, HISTORY)
    assert again.json()["incidents"] == {"new": 0, "known": 4}
    imported = api.entries("incident_imported")
    assert [each["actor"] for each in imported] == ["integrator-1"] * 4
    shown = api.client("viewer").get("/api/v1/sites/a.example").json()
    assert (shown["state"], shown["next_due"]) == ("active", None)


def test_a_dry_run_of_an_import_says_what_is_wrong_with_each_line_and_does_nothing(
    api: Rig,
) -> None:
    late = HISTORY + "2999-01-01 00:00,a.example,,,\n"
    for text in (BAD, late):
        tried = bring(api, text, dry_run=True)
        assert tried.status_code == 200, tried.text
        assert [each["line"] for each in tried.json()["bad"]] == [6]
        assert tried.json()["incidents"]["new"] == 4
        assert bring(api, text).status_code == 422
    assert api.entries("site_added") == []
    assert bring(api, late, skip_bad=True).json()["incidents"]["new"] == 4


def test_a_token_that_may_add_no_site_imports_none(api: Rig) -> None:
    client = api.holder(api.token(api.account("robot", "integrator"), ["import_incident"]))
    answer = client.post("/api/v1/import", json={"history": HISTORY})
    assert (answer.status_code, answer.json()["act"]) == (403, "add_site")
