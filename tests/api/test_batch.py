"""The batch: many commands in one transaction, each judged by itself."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from sqlalchemy import event

from incidents.api.endpoints import actions
from tests.api.desk import fill
from tests.api.rig import Rig

PATH = "/api/v1/batch"


@pytest.mark.parametrize("most", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_as_many_incidents_as_one_request_may_have_are_logged_in_one_transaction(
    api: Rig, most: int
) -> None:
    operator = api.client("operator")
    if most == 1_000:
        # The hundred show that answers are as described; checking a thousand takes 7 s.
        operator.event_hooks = {"request": [], "response": []}
    commits: list[Any] = []
    sites = [f"s{n}.example" for n in range(most // 2)]
    added = operator.post(PATH, json={"commands": [{"do": "add", "to": s} for s in sites]})
    assert added.json()["done"] == most // 2

    def count(connection: Any) -> None:
        if connection.get_execution_options().get("incidents_writes"):
            commits.append(connection)

    event.listen(api.app.engine, "commit", count)
    commands = [
        {"do": "log", "to": sites[n // 2], "words": {"note": f"第{n}", "again": True}}
        for n in range(most)
    ]
    answer = operator.post(PATH, json={"commands": commands})
    event.remove(api.app.engine, "commit", count)
    assert (answer.json()["done"], answer.json()["refused"]) == (most, 0)
    assert [each["status"] for each in answer.json()["items"]] == [201] * most
    assert answer.json()["items"][-1]["answer"]["incident"]["note"] == f"第{most - 1}"
    assert len(commits) == 1
    assert len(api.entries("incident_logged")) == most


def test_more_than_a_thousand_are_refused_as_a_whole(api: Rig) -> None:
    commands = [{"do": "add", "to": "a.example"}] * 1_001
    answer = api.client("operator").post(PATH, json={"commands": commands})
    assert answer.status_code == 422


def test_cycles_are_seldom_looked_for_while_an_answer_is_made(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gc.get_threshold()
    meanwhile: list[tuple[bool, int]] = []
    told = actions.action_documents

    def note(*answers: Any) -> Any:
        meanwhile.append((gc.isenabled(), gc.get_threshold()[0]))
        return told(*answers)

    monkeypatch.setattr(actions, "action_documents", note)
    command = {"do": "add", "to": "a.example"}
    api.client("operator").post(PATH, json={"commands": [command]})
    assert meanwhile == [(True, 200_000)]
    assert gc.get_threshold() == before


_URLS = [f"https://shop.example/{n}" for n in range(50)]
_DETAILS: dict[str, Any] = {f"document.d{n}": {} for n in range(100)}
_CALL = {"do": "contact", "to": "shop.example", "words": {"outcome": "no-answer"}}


@pytest.mark.parametrize(
    ("commands", "type_", "told"),
    [
        ([{"do": "log", "to": "a.example", "words": {"urls": _URLS}}] * 21, "urls", "1,000"),
        ([{"do": "filing", "to": "a.example", "words": {"details": _DETAILS}}] * 51, "details",
         "5,000"),
        ([{"do": "log", "to": "a.example", "words": {"note": "x" * 4_000}}] * 26, "characters",
         "100,000"),
        ([_CALL, _CALL | {"to": "Shop.example."}], "calls", "on one site"),
    ],
)  # fmt: skip
def test_what_would_be_more_work_than_a_thousand_commands_is_refused_as_a_whole(
    api: Rig, commands: list[Any], type_: str, told: str
) -> None:
    fill(api)
    kinds = ("incident_logged", "filing_changed", "contact_recorded")
    before = [*map(api.entries, kinds)]
    answer = api.client("operator").post(PATH, json={"commands": commands})
    assert (answer.status_code, answer.json()["type"][22:]) == (422, f"too-many-{type_}")
    assert told in answer.json()["detail"]
    assert [*map(api.entries, kinds)] == before


def test_each_command_has_its_own_answer_or_problem(api: Rig) -> None:
    fill(api)
    commands = [
        {"do": "log", "to": "shop.example"},
        {"do": "hold", "to": "shop.example", "words": {"reason": "by order"}},
        {"do": "log", "to": "nobody.example"},
        {"do": "log", "to": "not a name !"},
        {"do": "log", "to": "shop.example", "words": {"urls": "s3cr3t"}},
        {"do": "false-info", "to": "shop.example", "words": {"field": "a", "evidence": "b"}},
        {"do": "contact", "to": "1-1", "words": {"outcome": "reached"}},
        {"do": "contact", "to": "shop.example", "words": {"outcome": "s3cr3t"}},
        {"do": "void", "to": "1-1-1", "words": {"reason": "wrong"}},
    ]
    answer = api.client("operator").post(PATH, json={"commands": commands})
    items = answer.json()["items"]
    told = [(each["status"], each["problem"] and each["problem"]["type"][22:]) for each in items]
    assert told == [
        (201, None), (403, "not-let"), (404, "unknown-site"), (422, "bad-site-name"),
        (422, "invalid-request"), (422, "unfit-command"), (201, None), (422, "unknown-outcome"),
        (200, None),
    ]  # fmt: skip
    assert (answer.json()["done"], answer.json()["refused"]) == (3, 6)
    assert "s3cr3t" not in answer.text
    [refused] = api.refusals()
    assert refused["act"] == "set_hold"


def test_a_batch_that_comes_again_is_done_once(api: Rig) -> None:
    fill(api)
    operator = api.client("operator")
    reached = {"do": "contact", "to": "1-1", "words": {"outcome": "reached"}}
    body = {"commands": [{"do": "log", "to": "shop.example"}, reached]}
    for headers in ({"Idempotency-Key": "b1"}, {"Idempotency-Key": "b1"}):
        answer = operator.post(PATH, json=body, headers=headers)
        assert answer.json()["done"] == 2
    assert [each["answer"]["repeated"] for each in answer.json()["items"]] == [True, True]
    own = {"commands": [{"do": "log", "to": "shop.example", "key": "mine"}]}
    seen = [operator.post(PATH, json=own).json()["items"][0] for _ in range(2)]
    assert [each["answer"]["repeated"] for each in seen] == [False, True]


def test_a_trial_of_a_batch_does_nothing(api: Rig) -> None:
    fill(api)
    body = {"commands": [{"do": "log", "to": "shop.example"}]}
    answer = api.client("operator").post(f"{PATH}?dry_run=true", json=body)
    assert answer.json()["items"][0]["answer"]["incident"]["id"] == "1-2"
    assert len(api.entries("incident_logged")) == 1
