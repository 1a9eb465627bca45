"""Reporters over HTTP: their record, and the standing that the desk gives them."""

from __future__ import annotations

from typing import Any

from tests.api.rig import Rig

ZHAO = "zhao@user.example"


def mark(api: Rig, who: str, reporter: str, **words: Any) -> Any:
    return api.client(who).post(f"/api/v1/reporters/{reporter}", json=words)


def test_a_reporter_is_marked_shown_and_listed(api: Rig) -> None:
    shown = api.client("operator").get(f"/api/v1/reporters/{ZHAO}").json()
    assert (shown["standing"], shown["right"], shown["marked_at"]) == ("none", 0, None)
    marked = mark(api, "operator", ZHAO.upper(), standing="blocked", reason="lies").json()
    assert (marked["reporter"], marked["standing"], marked["reason"]) == (ZHAO, "blocked", "lies")
    assert api.client("viewer").get("/api/v1/reporters").json() == {"items": [marked]}


def test_a_name_that_looks_like_a_path_is_a_name(api: Rig) -> None:
    assert (
        mark(api, "operator", "A%2FB%20Ltd", standing="muted", reason="x").json()["reporter"]
        == "a/b ltd"
    )


def test_a_dry_run_marks_nobody(api: Rig) -> None:
    answer = api.client("operator").post(
        f"/api/v1/reporters/{ZHAO}?dry_run=true", json={"standing": "muted", "reason": "x"}
    )
    assert (answer.status_code, answer.json()["standing"]) == (200, "none")


def test_another_standing_no_reason_and_no_right_are_refused(api: Rig) -> None:
    assert mark(api, "operator", ZHAO, standing="famous", reason="x").status_code == 422
    assert mark(api, "operator", ZHAO, standing="muted", reason=" ").status_code == 422
    assert mark(api, "viewer", ZHAO, standing="muted", reason="x").status_code == 403
    assert api.client("viewer").get("/api/v1/reporters").json() == {"items": []}
