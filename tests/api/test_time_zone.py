"""The time zone of the times in sentences and problems: theirs or the desk's."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from incidents.api.operation import ACTION
from tests.api.desk import fill
from tests.api.rig import Rig

WHY = "/api/v1/sites/shop.example/why"
LOG = "/api/v1/sites/shop.example/incidents"


@pytest.fixture
def desk(api: Rig) -> Rig:
    """A desk in Shanghai, with an incident that was logged at noon there."""
    assert api.app.settings.zone == ZoneInfo("Asia/Shanghai")
    with freeze_time("2026-03-01 04:00:00", ignore=["_pytest"]):
        fill(api)
    return api


def test_sentences_tell_times_in_the_readers_zone_or_else_the_desks(desk: Rig) -> None:
    keyed = {"Idempotency-Key": "k"}
    with freeze_time("2026-03-01 04:00:00", ignore=["_pytest"]):
        desk.client("operator").post(LOG, json={}, headers=keyed)
    for asked, logged, due in (
        ({}, "2026-03-01 12:00", "2026-03-01 13:00"),
        ({"zone": "America/New_York"}, "2026-02-28 23:00", "2026-03-01 00:00"),
    ):
        with freeze_time("2026-03-01 04:01:00", ignore=["_pytest"]):
            why = desk.client("viewer").get(WHY, params=asked).json()["text"]
            other = {"category": "drugs"}
            used = desk.client("operator").post(LOG, params=asked, json=other, headers=keyed).json()
        assert f"by {due} stops the clock" in " ".join(why)
        assert logged in used["detail"]
        assert used["facts"]["at"] == "2026-03-01T04:00:00Z"


def test_a_zone_that_is_none_is_refused_with_the_way_out_and_not_repeated(desk: Rig) -> None:
    for zone in ("Mars/Base", "", "../../etc/passwd", "America", "Z" * 300, "\0"):
        answer = desk.client("viewer").get(WHY, params={"zone": zone})
        assert (answer.status_code, answer.json()["type"][-12:]) == (422, "unknown-zone"), zone
        assert "Asia/Shanghai or UTC" in answer.json()["detail"]
        assert answer.json()["errors"][0]["loc"] == ["query", "zone"]
        assert not zone or zone not in answer.text.replace("America/", "")
        body = {"history": "occurred_at,site\n", "zone": zone[:100]}
        assert desk.client("supervisor").post("/api/v1/import", json=body).status_code == 422


def test_each_operation_that_needs_an_act_takes_it_as_described(desk: Rig) -> None:
    for path, methods in desk.description["paths"].items():
        for method, operation in methods.items():
            named = [each["name"] for each in operation.get("parameters", [])]
            assert named.count("zone") == (ACTION in operation), (method, path)
