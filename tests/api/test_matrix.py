"""The matrix: each role at each operation of the description, with and without a token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts.roles import ACTS, IN_PERSON, MAY, ROLES
from incidents.api.operation import ACT, OPEN
from incidents.desk import tokens
from tests.api.desk import fill
from tests.api.rig import ADMIN, Rig

_OBJECTS = {
    "site": ["shop.example", "closed.example", "held.example", "nobody.example"],
    "incident": ["1-1", "9-9"],
    "contact": ["1-1-1", "9-9-9"],
    "item": ["1-1", "9-t9"],
    "order": ["2-o2", "9-o9"],
    "notice": ["closed"],
}
_WORDS: dict[str, Any] = {
    "reason": "because", "outcome": "no-answer", "field": "phone", "evidence": "a bakery's",
    "site": "new.example", "to": "li", "toml": "", "scenarios": "",
    "commands": [{"do": "log", "to": "shop.example"}], "days": 7,
    "history": "occurred_at,site\n2026-03-01 10:00,old.example\n",
}  # fmt: skip


class Operation(NamedTuple):
    """One operation of the description."""

    method: str
    path: str
    act: str
    body: dict[str, Any] | None

    def ask(self, client: TestClient, path: str) -> Any:
        """The answer; the body is as little as will do."""
        return client.request(self.method, path, json=self.body)

    def paths(self, **own: str) -> list[str]:
        """The path about each object; of accounts and tokens about the one that is `own`."""
        found = [self.path]
        for name, given in (_OBJECTS | {name: [each] for name, each in own.items()}).items():
            found = [path.replace(f"{{{name}}}", each) for path in found for each in given]
        return list(dict.fromkeys(found))


def operations(api: Rig) -> list[Operation]:
    """All of the description that need an act."""
    document = api.app.openapi()
    return [
        Operation(method.upper(), path, told[ACT], _body(document, told))
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if ACT in told
    ]


def _body(document: dict[str, Any], told: dict[str, Any]) -> dict[str, Any] | None:
    content = told.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    schema = content["schema"]
    refs = [each for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]
    if not refs:
        return {}
    named = document["components"]["schemas"][refs[0]["$ref"].rpartition("/")[2]]
    return {name: _WORDS.get(name, "x") for name in named.get("required", ())}


def test_each_operation_under_the_prefix_names_an_act_of_the_table(api: Rig) -> None:
    document = api.app.openapi()
    for path, methods in document["paths"].items():
        for told in methods.values():
            if path not in ("/healthz", "/readyz") and OPEN not in told:
                assert told[ACT] in ACTS, path


@pytest.mark.parametrize("role", ROLES)
def test_a_token_of_a_role_does_what_the_table_says_and_nothing_else(api: Rig, role: str) -> None:
    fill(api)
    client, seen = api.client(role), 0
    for operation in operations(api):
        allowed = role in MAY[operation.act] and operation.act not in IN_PERSON
        for path in operation.paths(handle=f"{role}-1", token=api.token_id(f"{role}-1")):
            answer = operation.ask(client, path)
            seen += 1
            if allowed:
                assert answer.status_code not in (401, 403), (operation, path, answer.text)
            else:
                assert answer.status_code == 403, (operation, path, answer.text)
                why = "role" if role not in MAY[operation.act] else "in_person"
                assert answer.json()["why"] == why
    assert seen > 100


@pytest.mark.parametrize("role", ROLES)
def test_a_person_of_a_role_does_what_needs_a_person_as_the_table_says(api: Rig, role: str) -> None:
    fill(api)
    for operation in operations(api):
        if operation.act not in IN_PERSON:
            continue
        for path in operation.paths(handle=f"{role}-person", token="0123456789"):
            answer = operation.ask(api.person(role), path)
            if role in MAY[operation.act]:
                refused = answer.status_code == 403 and answer.json().get("why") is not None
                assert not refused, (path, answer.text)
                assert answer.status_code != 401, (path, answer.text)
            else:
                assert answer.status_code == 403, (path, answer.text)


def test_nobody_is_answered_401_at_each_operation_and_at_paths_that_are_not_there(
    api: Rig,
) -> None:
    client = api.nobody()
    for operation in operations(api):
        for path in operation.paths(handle="li", token="0123456789"):
            answer = client.request(operation.method, path, content=b"no JSON at all")
            assert answer.status_code == 401, (operation, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    for method, path in (("GET", "/api/v1/nothing"), ("DELETE", "/api/v1/sites")):
        assert client.request(method, path).status_code == 401
    viewer = api.client("viewer")
    assert viewer.get("/api/v1/nothing").status_code == 404
    assert viewer.delete("/api/v1/sites").status_code == 405


def test_a_token_for_one_act_does_no_other(api: Rig) -> None:
    fill(api)
    client = api.holder(api.token(api.account("robot", "supervisor"), ["log"]))
    for operation in operations(api):
        if operation.act in IN_PERSON or "supervisor" not in MAY[operation.act]:
            continue
        [path, *_] = operation.paths(handle="robot", token="0123456789")
        answer = operation.ask(client, path)
        if operation.act == "log":
            assert answer.status_code not in (401, 403), (operation, answer.text)
        else:
            assert answer.status_code == 403, (operation, answer.text)
            assert answer.json()["why"] == "token_scope"


def test_an_expired_and_a_revoked_token_are_nobodys(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = api.token(api.account("robot", "operator"))
    client = api.holder(secret)
    assert client.get("/api/v1/sites").status_code == 200
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: now + timedelta(days=31))
    assert client.get("/api/v1/sites").status_code == 401
    monkeypatch.setattr(clock, "source", lambda: now)
    assert client.get("/api/v1/sites").status_code == 200
    with api.house.reading() as connection:
        [id_] = connection.exec_driver_sql("SELECT id FROM tokens").scalars()
    api.house.desk.on_record(lambda c: tokens.revoke(c, ADMIN, id_, clock.now))
    assert client.get("/api/v1/sites").status_code == 401


def test_a_forged_form_of_another_site_does_nothing(api: Rig) -> None:
    fill(api)
    client = api.person("operator")
    del client.headers["X-CSRF-Token"]
    answer = client.post("/api/v1/sites/shop.example/incidents", json={})
    assert (answer.status_code, answer.json()["why"]) == (403, "csrf")
    assert client.get("/api/v1/sites/shop.example").status_code == 200
