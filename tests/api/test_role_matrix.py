"""The role matrix: each role at each operation of the description, with and without a token.

Who may do an act is one decision, which is made in process for each role. That each operation asks
for it, and for the act that its description names, is seen over HTTP. `--long` asks each role.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts.identity import (
    ACTION_NAMES,
    IN_PERSON,
    PROOF_TTL,
    ROLES,
    ROLES_OF_ACTION,
    Identity,
)
from incidents.api.limits import AsyncBatcher
from incidents.api.operation import ACTION, OPEN
from tests.api.desk import fill
from tests.api.rig import Rig

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
        """The path about each object; of an account and what belongs to it that is `own`."""
        found = [self.path]
        for name, given in (_OBJECTS | {name: [each] for name, each in own.items()}).items():
            found = [path.replace(f"{{{name}}}", each) for path in found for each in given]
        return list(dict.fromkeys(found))


def operations(api: Rig) -> list[Operation]:
    """All of the description that need an act."""
    document = api.description
    return [
        Operation(method.upper(), path, told[ACTION], _body(document, told))
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if ACTION in told
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
    document = api.description
    for path, methods in document["paths"].items():
        for told in methods.values():
            if path not in ("/healthz", "/readyz") and OPEN not in told:
                assert told[ACTION] in ACTION_NAMES, path


def test_who_may_do_an_act_depends_on_the_role_and_on_how_they_came_in() -> None:
    now = clock.now()
    for role in ROLES:
        token = Identity(handle="x", role=role, token="t")
        for_none = Identity(handle="x", role=role, token="t", acts=frozenset())
        fresh = Identity(handle="x", role=role, proved_at=now - PROOF_TTL)
        stale = Identity(handle="x", role=role, proved_at=now - PROOF_TTL - timedelta.resolution)
        for act in ACTION_NAMES:
            in_person, may = act in IN_PERSON, role in ROLES_OF_ACTION[act]
            for who, why in (
                (token, "in_person" if in_person else None), (for_none, "token_scope"),
                (fresh, None), (stale, "prove_again" if in_person else None),
            ):  # fmt: skip
                assert who.denial(act, now) == (why if may else "role"), (who, act)


def test_each_operation_asks_whether_its_act_may_be_done_before_anything_else(api: Rig) -> None:
    fill(api)
    powerless = Identity(handle="robot", role="viewer", token="t", acts=frozenset())
    api.asgi_app.state.token_batch = AsyncBatcher(lambda secrets: [powerless for _ in secrets])
    client, asked = api.holder("any"), operations(api)
    for operation in asked:
        for path in operation.paths(handle="li", token="0123456789", session="0123456789"):
            answer = client.request(operation.method, path, content=b"no JSON at all")
            assert answer.status_code == 403, (operation, path, answer.text)
            assert answer.json()["act"] == operation.act, (operation, path)
    assert len(asked) > 80


def _check_let(operation: Operation, path: str, answer: Any) -> None:
    """The desk may refuse it, as it refuses the second word of one person; not for their role."""
    where = (operation, path, answer.text)
    assert answer.status_code not in (401, 500), where
    by_the_desk = operation.act in IN_PERSON and (
        answer.status_code == 204 or answer.json().get("why") is None
    )
    assert answer.status_code != 403 or by_the_desk, where


def belonging(api: Rig, handle: str) -> dict[str, str]:
    """What belongs to that account."""
    return {
        "handle": handle, "token": api.token_id(handle), "session": api.session_id(handle),
    }  # fmt: skip


# Which role may do what asks no database; what each operation asks of one has tests of its own.
@pytest.mark.both_databases(long="postgresql")
def test_the_least_of_the_roles_that_may_do_an_act_does_it_at_each_operation(api: Rig) -> None:
    """So nothing behind an operation's own question asks for more."""
    fill(api)
    for operation in operations(api):
        role = next(role for role in ROLES if role in ROLES_OF_ACTION[operation.act])
        by, of = (api.person, "person") if operation.act in IN_PERSON else (api.client, "1")
        client = by(role)
        [path, *_] = operation.paths(**belonging(api, f"{role}-{of}"))
        _check_let(operation, path, operation.ask(client, path))


@pytest.mark.parametrize(
    "role",
    [pytest.param(role, marks=[pytest.mark.long] if role != "viewer" else []) for role in ROLES],
)
def test_each_role_does_at_each_operation_what_the_table_says_and_nothing_else(
    api: Rig, role: str
) -> None:
    fill(api)
    client, seen = api.client(role), 0
    for operation in operations(api):
        may, is_in_person = role in ROLES_OF_ACTION[operation.act], operation.act in IN_PERSON
        for path in operation.paths(**belonging(api, f"{role}-1")):
            by_token = operation.ask(client, path)
            seen += 1
            if may and not is_in_person:
                _check_let(operation, path, by_token)
                continue
            assert by_token.status_code == 403, (operation, path, by_token.text)
            assert by_token.json()["why"] == ("in_person" if may else "role")
            if may:
                own = path.replace(f"{role}-1", f"{role}-person")
                _check_let(operation, own, operation.ask(api.person(role), own))
    assert seen > 100


def test_nobody_is_answered_401_at_each_operation_and_at_paths_that_are_not_there(
    api: Rig,
) -> None:
    client = api.nobody()
    for operation in operations(api):
        [path, *_] = operation.paths(handle="li", token="0123456789", session="0123456789")
        answer = client.request(operation.method, path, content=b"no JSON at all")
        assert answer.status_code == 401, (operation, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    for method, path in (("GET", "/api/v1/nothing"), ("DELETE", "/api/v1/sites")):
        assert client.request(method, path).status_code == 401
    viewer = api.client("viewer")
    assert viewer.get("/api/v1/nothing").status_code == 404
    assert viewer.delete("/api/v1/sites").status_code == 405
