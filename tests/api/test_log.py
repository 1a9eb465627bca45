"""The log: how far it is signed, checkpoints, proofs of the whole of it, bundles to take away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import BinaryIO

import pytest

from incidents.api import operation
from incidents.api.endpoints import record
from incidents.audit.log import signers_lock
from incidents.cli import main
from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.api.desk import NOTE, fill
from tests.api.rig import Rig
from tests.log_key import make_key
from tests.patience import PATIENCE_S

LOG = "/api/v1/log"


@pytest.fixture
def key(api: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log's key, in a file of this server's."""
    file = tmp_path / "audit.key"
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(file))
    fill(api)
    make_key(api.app, file)
    return file


def log(api: Rig) -> None:
    api.app.desk.submit([Envelope(site="shop.example", command=c.Log(by="li"))])


def test_a_checkpoint_is_made_where_the_key_is_and_given_elsewhere(api: Rig, key: Path) -> None:
    auditor, viewer = api.client("auditor"), api.client("viewer")
    assert viewer.get(f"{LOG}/checkpoint").status_code == 409
    before = viewer.get(LOG).json()
    assert (before["published"], before["pending"] > 0) == (0, True)
    made = auditor.post(f"{LOG}/checkpoint")
    assert made.status_code == 200, made.text
    assert made.json()["pending"] == 0
    assert made.json()["checkpoint"].startswith("log.example/desk\n")
    assert viewer.get(f"{LOG}/checkpoint").json() == made.json()
    [signs] = viewer.get(f"{LOG}/keys").json()["items"]
    assert (signs["signs"], signs["key"]) == (True, viewer.get(LOG).json()["key"])
    key.unlink()
    log(api)
    last = auditor.post(f"{LOG}/checkpoint").json()
    assert last["checkpoint"] == made.json()["checkpoint"]
    assert last["pending"] > 0


def test_what_knows_no_trial_is_not_done_instead_of_one(api: Rig, key: Path) -> None:
    supervisor = api.client("supervisor")
    for path in (f"{LOG}/checkpoint", "/api/v1/alarms/test"):
        answer = supervisor.post(path, params={"dry_run": "true"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"] == "urn:incidents:problem:no-dry-run"
    assert api.client("auditor").get(f"{LOG}/checkpoint").status_code == 409, "none is signed"


def test_a_log_that_is_not_what_was_signed_is_told_so_and_no_path_of_the_server(
    api: Rig, key: Path
) -> None:
    auditor = api.client("auditor")
    note = auditor.post(f"{LOG}/checkpoint").json()["checkpoint"]
    [file] = key.parent.glob(f"{key.name}.signed-*")
    file.write_text(note.replace("log.example", "other.example"), encoding="utf-8")
    log(api)
    answer = auditor.post(f"{LOG}/checkpoint")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:incidents:problem:not-verified"
    assert key.name not in answer.text
    status = auditor.get(LOG)
    assert "other.example" in status.json()["ahead"]
    assert (status.json()["signs"], key.name in status.text) == (False, False)


def test_while_another_process_holds_the_lock_it_is_told_so_and_no_path_of_the_server(
    api: Rig, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.system.disk._PAUSE_S", 100.0)
    with signers_lock.held(key):
        answer = api.client("auditor").post(f"{LOG}/checkpoint")

    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:incidents:problem:held"
    assert key.name not in answer.text


def test_the_log_is_proved_against_what_is_known_from_elsewhere(api: Rig, key: Path) -> None:
    auditor = api.client("auditor")
    assert auditor.get(f"{LOG}/verify").status_code == 404
    note = auditor.post(f"{LOG}/checkpoint").json()["checkpoint"]
    [own] = [each["key"] for each in auditor.get(f"{LOG}/keys").json()["items"]]
    log(api)
    answer = auditor.post(f"{LOG}/verify", json={"keys": [own], "checkpoints": [note]})
    assert answer.status_code == 200, answer.text
    proof = answer.json()
    assert (proof["by"], proof["failed"]) == ("auditor-1", False)
    shown = proof["shown"]
    assert (shown["verified"], shown["trusted"]) == (True, "outside")
    assert shown["agreeing"] == ["checkpoints 0"]
    assert shown["uncovered"] + shown["pending"] > 0
    assert auditor.get(f"{LOG}/verify").json() == proof


def test_a_proof_goes_on_from_what_was_verified_before(api: Rig, key: Path) -> None:
    auditor = api.client("auditor")
    note = auditor.post(f"{LOG}/checkpoint").json()["checkpoint"]
    log(api)
    shown = auditor.post(f"{LOG}/verify", json={"since": note}).json()["shown"]
    assert (shown["verified"], shown["note"], shown["agreeing"]) == (True, note, ["since"])
    assert shown["since"] == {"where": "since", "size": shown["size"], "sites": shown["sites"]}
    answer = auditor.post(f"{LOG}/verify", json={"since": "log.example\n1\nno hash\n"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["loc"] == ["body", "since"]


def test_what_is_no_key_and_no_checkpoint_is_bad_input(api: Rig) -> None:
    client, headers = api.client("auditor"), {"Content-Type": "application/json"}
    for of, given in (
        ("keys", "log.example+x"), ("witnesses", "\ud800"), ("checkpoints", "\ud800\n"),
        ("checkpoints", "log.example\n1\nno hash\n"),
    ):  # fmt: skip
        body = json.dumps({of: [given]})
        answer = client.post(f"{LOG}/verify", content=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["loc"] == ["body", of, "0"]


def test_what_was_changed_behind_the_desks_back_is_found(api: Rig) -> None:
    fill(api)
    with api.app.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sites SET run = 7 WHERE name = 'shop.example'")
    found = api.client("auditor").post(f"{LOG}/replay", json={}).json()["shown"]
    [difference] = found["findings"]
    assert (difference["site"], difference["column"]) == ("shop.example", "run")
    of_another = api.client("auditor").post(f"{LOG}/replay", json={"site": "held.example"})
    assert of_another.json()["shown"]["findings"] == []
    assert of_another.json()["shown"]["sites"] == 1


def test_one_proof_runs_at_a_time_and_who_asked_need_not_wait_for_it(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = Event()
    monkeypatch.setattr(
        "incidents.audit.split.Split", lambda *_a, **_o: go_on.wait(PATIENCE_S) and 1 / 0
    )
    auditor = api.client("auditor")
    begun = auditor.post(f"{LOG}/replay?wait=0", json={}).json()
    assert (begun["ended_at"], begun["shown"]) == (None, None)
    assert auditor.post(f"{LOG}/replay", json={}).status_code == 409
    go_on.set()
    ended = api.asgi_app.state.replaying.wait(PATIENCE_S)
    assert ended.ended is not None
    assert auditor.get(f"{LOG}/replay").json()["failed"]


def test_a_bundle_is_taken_away_and_proved_without_the_desk(
    api: Rig, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auditor = api.client("auditor")
    assert auditor.get("/api/v1/bundle").status_code == 409
    auditor.post(f"{LOG}/checkpoint")
    for query, kind in (("", "bundle"), ("?site=shop.example", "part")):
        answer = auditor.get(f"/api/v1/bundle{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/zstd"
        file = tmp_path / f"{kind}.tar.zst"
        file.write_bytes(answer.content)
        assert main(["audit", "verify", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["kind"] == kind
    assert auditor.get("/api/v1/bundle?with_words=true").status_code == 422
    later = "since=2020-01-02T00:00:00Z&until=2020-01-01T00:00:00Z"
    assert auditor.get(f"/api/v1/bundle?{later}").status_code == 422


def test_nobody_elses_bundle_is_made_while_one_is_taken_away(
    api: Rig, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor, pieces = api.client("auditor"), operation.pieces
    tries = iter([1])
    taken: list[int] = []
    auditor.post(f"{LOG}/checkpoint")

    def slowly(file: BinaryIO) -> Iterator[bytes]:
        taken.extend(auditor.get("/api/v1/bundle").status_code for _ in tries)
        yield from pieces(file)

    monkeypatch.setattr("incidents.api.limits.PATIENCE_S", 0)
    with monkeypatch.context() as patched:
        patched.setattr(record, "pieces", slowly)
        assert auditor.get("/api/v1/bundle").status_code == 200
    assert taken == [503]
    assert auditor.get("/api/v1/bundle").status_code == 200


def test_a_report_has_peoples_words_only_for_who_may_see_them_and_that_is_on_record(
    api: Rig, key: Path
) -> None:
    api.client("auditor").post(f"{LOG}/checkpoint")
    path = "/api/v1/sites/shop.example/report"
    plain = api.client("auditor").get(path)
    assert plain.headers["content-type"].startswith("text/html")
    assert "sandbox" in plain.headers["content-security-policy"]
    assert NOTE not in plain.text
    assert api.client("administrator").get(f"{path}?with_words=true").status_code == 403
    assert api.entries("details_revealed") == []
    told = api.client("auditor").get(f"{path}?with_words=true")
    assert "王芳" in told.text
    assert [each["data"]["about"] for each in api.entries("details_revealed")] == ["shop.example"]
