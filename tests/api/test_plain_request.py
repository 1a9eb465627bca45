"""The plain request: which it is, and that the framework would answer it the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import Request

from incidents.accounts.identity import Identity
from incidents.api import bodies, plain_request
from incidents.api.caller import Caller
from incidents.contract.actions import ACTIONS
from incidents.machine.commands import Log
from tests.api.desk import fill
from tests.api.rig import Rig

[LOG] = [action for action in ACTIONS if action.command is Log]
FORM = bodies.body(LOG)
CALLER = Caller(None, Identity(handle="panel-1", role="integrator"))  # type: ignore[arg-type]  # asks nothing
PLAIN: dict[str, Any] = {
    "to": "shop.example", "query": b"", "body": b'{"note": "seen", "urls": []}',
    "headers": [(b"host", b"desk.example"), (b"content-type", b"application/json")],
}  # fmt: skip


def read(**given: Any) -> dict[str, Any] | None:
    of = PLAIN | given
    scope = {
        "type": "http", "method": "POST", "headers": of["headers"], "query_string": of["query"],
        "path_params": {"site": of["to"]}, "state": {"caller": CALLER},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": of["body"], "more_body": False}

    return asyncio.run(plain_request.read(Request(scope, receive), FORM))


def with_headers(*more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [*PLAIN["headers"], *more]


def test_an_object_with_at_most_a_key_is_plain() -> None:
    found = read()
    assert found is not None
    assert (found["site"], found["words"].note, found["by"].key) == ("shop.example", "seen", None)
    found = read(headers=with_headers((b"idempotency-key", "né".encode("latin-1"))))
    assert found is not None
    assert found["by"].key == "né"


@pytest.mark.parametrize(
    "other",
    [
        {"query": b"dry_run=true"},
        {"headers": with_headers((b"if-match", b"*"))},
        {"headers": with_headers((b"idempotency-key-for", b"60"))},
        {"headers": with_headers((b"idempotency-key", b"a"), (b"idempotency-key", b"b"))},
        {"headers": with_headers((b"idempotency-key", b""))},
        {"headers": with_headers((b"idempotency-key", b"k" * 151))},
        {"headers": [(b"content-type", b"application/json; charset=latin-1")]},
        {"headers": []},
        {"to": "s" * 301},
        {"body": b""},
        {"body": b"[]"},
        {"body": b"{"},
        {"body": b'"\xff"'},
        {"body": b"[" * 100_000},
        {"body": b'{"note": 7}'},
        {"body": b'{"nota": "seen"}'},
    ],
    ids=lambda other: str(other)[:50],
)
def test_the_framework_reads_all_others(other: dict[str, Any]) -> None:
    assert read(**other) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sites/shop.example/incidents", {"note": "seen", "again": True, "urls": ["x.example/a"]}),
        ("incidents/1-1/note", {"text": "call 010 5555 0100", "audience": "desk"}),
        ("incidents/1-1/contacts", {"outcome": "no_answer"}),
        ("incidents/1-1/contacts", {"outcome": "unheard of"}),
        ("incidents/9-1/contacts", {"outcome": "no_answer"}),
        ("sites/shop.example/hold", {"reason": "asked by the court"}),
        ("sites/..", {"note": "seen"}),
    ],
)
def test_the_framework_would_answer_the_same(api: Rig, path: str, words: dict[str, Any]) -> None:
    fill(api)
    operator = api.client("supervisor")
    for n, key in enumerate(("by-hand", "by-the-framework")):
        headers = {"Idempotency-Key": key} | ({"If-Match": "*"} if n else {})
        answer = operator.post(f"/api/v1/{path}", json=words, headers=headers)
        again = operator.post(
            f"/api/v1/{path}", json=words, headers={"Idempotency-Key": key, "If-Match": "*"}
        )
        assert again.status_code == answer.status_code
        assert _same(again.text) == _same(answer.text)


def _same(text: str) -> Any:
    found = json.loads(text)
    return found | {"repeated": True} if "repeated" in found else found
