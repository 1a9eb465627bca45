"""The bodies: of each operation that takes one, those that cost most of all that it accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.register import site_name
from incidents.api.operation import LARGE, MAX_BODY, MAX_LARGE_BODY, MAX_VALUES
from incidents.machine.policy import MAX_CHARACTERS
from incidents.machine.toml_text import MAX_PARTS
from incidents.scenario.file import SENT

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

_IDS = {
    "{site}": site_name(1), "{incident}": "1-1", "{contact}": "1-1-1", "{item}": "1-1",
    "{order}": "1-o2", "{handle}": "nobody",
}  # fmt: skip
_HEAD = "occurred_at,site,url\n"
_ROOM = 200
"""So many bytes are left for what stands around a body's hostile part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One request; `what` says what is hostile, or much, in it. Of those with one `label` the
    dearest counts."""

    method: str
    path: str
    what: str
    content: bytes
    kind: str = JSON
    role: str = "supervisor"

    @property
    def label(self) -> str:
        """What it is called in a table."""
        return f"{self.method} {self.path}, {self.what}"


def of(description: Mapping[str, Any]) -> Iterator[Body]:
    """All of them: for each operation of that OpenAPI document whose body is JSON those of any
    shape, and those of an operation of its own."""
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            if JSON in told.get("requestBody", {}).get("content", {}):
                yield from _of_any_shape(method.upper(), path, large=LARGE in told)
    yield from _policies()
    yield from _lists()
    yield from _forms()


def _of_any_shape(method: str, path: str, *, large: bool) -> Iterator[Body]:
    limit = (MAX_LARGE_BODY if large else MAX_BODY) - _ROOM
    own = path.endswith(("/accounts", "{handle}", "/password"))
    role = "administrator" if own else "supervisor"
    shapes = (
        "{" + ",".join(f'"{n:x}":0' for n in range(MAX_VALUES - 10)) + "}",
        '{"x":[' + "[]," * (MAX_VALUES // 2 - 10) + "0]}",
        '{"x":[' + '{"a":1},' * (MAX_VALUES // 2 - 10) + "0]}",
        '{"x":"' + "\\u4e00" * (limit // 6) + '"}',
        "[" * (MAX_VALUES - 10),
    )
    for name, place in _IDS.items():
        path = path.replace(name, place)
    for text in shapes:
        yield Body(method=method, path=path, what="any shape", content=text.encode(), role=role)


def _policies() -> Iterator[Body]:
    parts = ".".join("a" * (MAX_PARTS - 1))
    keys = _filled(lambda n: f"k{n}.{parts}=1\n", MAX_CHARACTERS)
    headers = _filled(lambda n: f"[k{n}.{parts}]\n", MAX_CHARACTERS)
    for what, toml in {
        "one dotted key": ".".join("a" * (MAX_CHARACTERS // 2)), "dotted keys": keys,
        "dotted headers": headers, "values": "x=[" + "1," * (MAX_CHARACTERS // 2 - 9) + "]",
    }.items():  # fmt: skip
        yield _json("/policy/check", what, toml=toml)
        yield _json("/policy/activate", what, toml=toml, reason="x")
    yield _json(
        "/policy/test", "dotted headers",
        scenarios=_filled(lambda n: f"[k{n}.{parts}]\n", SENT.characters),
    )  # fmt: skip
    rare = 'policy={repeat={count=1000},unreachable={within="1s",suspend_for="1s"}}\n'
    steps = ",".join(f'{{at="+{3 * n}s",do="log"}}' for n in range(SENT.steps - 1))
    yield _json(
        "/policy/test", "the longest histories",
        scenarios="".join(
            f'[[scenario]]\nname="{n}"\n{rare}steps=[{steps}]\nexpect={{run=0}}\n'
            for n in range(SENT.in_all // SENT.steps)
        ),
    )  # fmt: skip


def _lists() -> Iterator[Body]:
    urls = [f"http://例{n}.example/{'x' * 40}" for n in range(50)]
    yield _json(f"/sites/{site_name(2)}/incidents", "50 addresses", urls=urls, note="例" * 4_000)
    for what, words in {"1,000 loggings": {}, "1,000 with 5 addresses": {"urls": urls[:5]}}.items():
        commands = [{"do": "log", "to": site_name(n), "words": words} for n in range(3, 1_003)]
        yield _json("/batch", what, commands=commands)
    nobody = [{"do": "log", "to": f"{site_name(n)[:-1]}x"} for n in range(1_000)]
    yield _json("/batch", "1,000 unknown sites", commands=nobody)
    for count in (1_000, 10_000, 100_000):
        yield _json("/simulate", f"{count:,} reports", history=_history(count))
    yield _json("/import", "10,000 reports", history=_history(10_000))


def _forms() -> Iterator[Body]:
    for path, text in {
        "/log": "a=b&" * (MAX_BODY // 4 - _ROOM), "/sites": "name=" + "%E4%BE%8B." * 90_000,
        "/incidents/1-1/refused": "confirm=" + "%E4%BE%8B." * 90_000,
    }.items():  # fmt: skip
        yield Body(method="POST", path=path, what="a form", content=text.encode(), kind=FORM)


def _json(path: str, what: str, **body: Any) -> Body:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Body(method="POST", path=f"/api/v1{path}", what=what, content=content)


def _filled(line: Any, limit: int) -> str:
    """So many lines as have room in so many characters."""
    lines: list[str] = []
    left = limit
    while left > 0:
        lines.append(line(len(lines)))
        left -= len(lines[-1])
    return "".join(lines[:-1])


def _history(count: int) -> str:
    lines = (
        f"2026-03-01 {n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02},s{n % 3000}.example,\n"
        for n in range(count)
    )
    return _HEAD + "".join(lines)
