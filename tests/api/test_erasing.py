"""The erasing: people's words go when they are old enough, by a person's own act, for good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from incidents import clock
from incidents.clock import rfc3339
from tests.api.desk import MAIL, NOTE, PHONE, fill
from tests.api.rig import Rig
from tests.conftest import WriteSettings

ERASE = "/api/v1/sites/shop.example/erase"
WHY = {"reason": "she asked for it"}
SURE = {**WHY, "confirm": "Shop.Example"}
KEPT = timedelta(days=184)


@pytest.fixture
def old(api: Rig, tmp_path: Path) -> Rig:
    """A desk of 200 days ago."""
    api.keep_evidence_in(tmp_path, limit=1_000)
    with freeze_time(clock.now() - timedelta(days=200), ignore=["_pytest"]):
        fill(api)
    return api


def words_of(api: Rig) -> str:
    auditor = api.client("auditor")
    shown = [f"/api/v1/{path}?reveal=true" for path in ("sites/shop.example", "incidents/1-1")]
    return "".join(auditor.get(path).text for path in shown)


def test_a_persons_words_are_erased_for_good_and_the_record_knows_by_whom(
    old: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = old.person("supervisor")
    tried: Any = by.post(f"{ERASE}?dry_run=true", json=WHY)
    assert tried.status_code == 200, tried.text
    assert tried.json()["dry_run"]
    assert PHONE in words_of(old)
    done = by.post(ERASE, json=SURE).json()
    assert done["words"] == tried.json()["words"] > 0
    assert done["staying"] == {"words": 0, "files": 0, "first_at": None, "last_at": None}
    told = words_of(old)
    with monkeypatch.context() as patched:
        patched.setattr("incidents.desk.erasure.erase", lambda *_a, **_o: 1 / 0)
        again = by.post(ERASE, json=WHY)
    assert (again.status_code, again.json()["words"]) == (200, 0), (
        "nothing, so nothing is confirmed"
    )
    assert not any(each in told for each in (PHONE, MAIL, NOTE[:10]))
    [erased] = old.entries("words_erased")
    assert (erased["actor"], erased["data"]["of"]) == ("supervisor-person", "shop.example")
    replayed = old.client("auditor").post("/api/v1/log/replay", json={}).json()["shown"]
    assert replayed["findings"] == []


def test_nothing_is_erased_without_the_sites_name_nor_by_a_token(old: Rig) -> None:
    by = old.person("administrator")
    for confirm in ({}, {"confirm": "other.example"}, {"confirm": "no name !"}):
        answer = by.post(ERASE, json=WHY | confirm)
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:incidents:problem:not-confirmed"
    for path, body in ((ERASE, SURE), ("/api/v1/retention/run", None)):
        answer = old.client("supervisor").post(path, json=body)
        assert (answer.status_code, answer.json()["why"]) == (403, "in_person")
    assert PHONE in words_of(old)


def test_what_the_law_has_kept_is_refused_with_the_time_from_which_it_may_go(
    api: Rig, tmp_path: Path
) -> None:
    api.keep_evidence_in(tmp_path, limit=1_000)
    begun = clock.now()
    fill(api)
    answer = api.person("supervisor").post(ERASE, params={"zone": "UTC"}, json=SURE)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:incidents:problem:too-young"
    assert rfc3339(begun + KEPT)[:10] in answer.json()["detail"]
    unknown = api.person("supervisor").post("/api/v1/sites/no.example/erase", json=SURE)
    assert unknown.status_code == 404


def test_time_alone_erases_only_what_the_settings_ask_for(
    old: Rig, write_settings: WriteSettings
) -> None:
    by = old.person("administrator")
    shown = old.client("viewer").get("/api/v1/retention").json()
    assert (shown["asked_for"], shown["dry_run"]) == (False, True)
    assert shown["words"] > 0
    assert by.post("/api/v1/retention/run").json()["words"] == 0
    write_settings('[retention]\nkeep = "190d"\n')
    assert by.post("/api/v1/retention/run?dry_run=true").json()["words"] == shown["words"]
    assert by.post("/api/v1/retention/run").json()["words"] == shown["words"]
    assert PHONE in words_of(old), "whom to call on a site that is not closed is needed"
    write_settings('[retention]\nkeep = "3d"\n')
    for answer in (by.get("/api/v1/retention"), by.post("/api/v1/retention/run")):
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:incidents:problem:not-set-up"
