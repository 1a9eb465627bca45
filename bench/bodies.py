"""The bodies: of each operation that takes one, those that cost most of all that it accepts."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from bench.register import site_name
from incidents.api.endpoints import filing_lists, histories
from incidents.api.endpoints.batch import MAX_ADDRESSES, MAX_DETAILS
from incidents.api.operation import LARGE, MAX_BODY, MAX_LARGE_BODY, MAX_VALUES
from incidents.desk.transaction import MAX_BATCH
from incidents.history.comparison import MAX_REPORTS
from incidents.machine.filing import MAX_ITEMS, SEALED_FIELDS
from incidents.machine.policy import MAX_CHARACTERS
from incidents.scenario.file import SENT
from incidents.values.parsing import MAX_PARTS

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

_IDS = {
    "{site}": site_name(1), "{incident}": "1-1", "{contact}": "1-1-1", "{item}": "1-1",
    "{order}": "1-o2", "{handle}": "nobody",
}  # fmt: skip
_ROOM = 200
"""So many bytes are left for what stands around a body's hostile part."""

_MARKS = "\u0301\u0316"
"""What takes the square of its length to be put in order (Unicode's normal forms)."""

_BOUNDARY, _STRICT = "a-line-of-its-own", "[repeat]\ncount = 2\n"


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
    done: bool = False
    """Whether it is to be done; else it may be refused, at whatever cost."""

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
    yield from _histories()
    yield from _customers()
    yield from _forms()
    yield from _files()


def _of_any_shape(method: str, path: str, *, large: bool) -> Iterator[Body]:
    limit = (MAX_LARGE_BODY if large else MAX_BODY) - _ROOM
    own = path.endswith(("/accounts", "{handle}", "/password"))
    role = "administrator" if own else "supervisor"
    for name, place in _IDS.items():
        path = path.replace(name, place)
    for content in _shapes(limit):
        yield Body(method=method, path=path, what="any shape", content=content, role=role)


@cache
def _shapes(limit: int) -> list[bytes]:
    shapes = (
        "{" + ",".join(f'"{n:x}":0' for n in range(MAX_VALUES - 10)) + "}",
        '{"x":[' + "[]," * (MAX_VALUES // 2 - 10) + "0]}",
        '{"x":[' + '{"a":1},' * (MAX_VALUES // 2 - 10) + "0]}",
        '{"x":"' + "\\u4e00" * (limit // 6) + '"}',
        "[" * (MAX_VALUES - 10),
    )
    return [text.encode() for text in shapes]


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
    urls = [f"http://{_idna(n)}/" for n in range(50)]
    yield _json(
        f"/sites/{site_name(2)}/incidents", "50 addresses", done=True, urls=urls, note="例" * 4_000
    )
    yield _json(f"/sites/{_alike(-1)}/incidents", "a name like 95,000 others")
    each = MAX_ADDRESSES // MAX_BATCH
    named = [[f"http://{_idna(each * n + i)}/" for i in range(each)] for n in range(MAX_BATCH)]
    marks = [[f"http://{_MARKS * 500}/"] for _ in range(MAX_BATCH)]
    steps = [[f"http://a.example/{'/.' * 1_000}"] for _ in range(MAX_BATCH)]
    bodies: dict[str, list[dict[str, Any]]] = {
        "1,000 loggings": [{} for _ in range(MAX_BATCH)],
        f"1,000 with {each} address of many scripts": [{"urls": each} for each in named],
        "1,000 with an address of marks": [{"urls": each} for each in marks],
        "1,000 with an address of steps": [{"urls": each} for each in steps],
        "1,000 with a note": [{"note": "例" * 100} for _ in range(MAX_BATCH)],
        "1,000 with as many addresses and notes": [
            {"urls": [f"{url}again" for url in own], "note": f"{n:a<99}@"}
            for n, own in enumerate(named)
        ],
    }
    for what, words in bodies.items():
        commands = [
            {"do": "log", "to": site_name(n), "words": own} for n, own in enumerate(words, start=3)
        ]
        yield _json("/batch", what, commands=commands, done="marks" not in what)
    past = [f"2026-{n // 28 % 9 + 1:02}-{n % 28 + 1:02}T00:{n // 252:02}:00Z" for n in range(1_000)]
    alike = [{"do": "log", "to": site_name(1_100), "words": {"at": at}} for at in past]
    yield _json("/batch", "1,000 loggings on one site", commands=alike, done=True)
    filed = {"details": dict.fromkeys(SEALED_FIELDS[: MAX_DETAILS // MAX_BATCH], "例" * 100)}
    yield _json(
        "/batch", f"1,000 filings of {len(filed['details'])} details", done=True,
        commands=[
            {"do": "filing", "to": site_name(n), "words": filed} for n in range(1_200, 2_200)
        ],
    )  # fmt: skip
    nobody = [{"do": "log", "to": f"{site_name(n)[:-1]}x"} for n in range(MAX_BATCH)]
    yield _json("/batch", "1,000 unknown sites", commands=nobody)
    several = [f"{site_name(n)[:-1]}x" for n in range(MAX_BATCH)]
    yield _json("/batch", "1,000 names of many scripts", commands=[
        {"do": "log", "to": _idna(n)[:300]} for n, _ in enumerate(several)
    ])  # fmt: skip


def _histories() -> Iterator[Body]:
    plain = [f"s{n % 3_000}.example" for n in range(MAX_REPORTS)]
    rare = '[repeat]\ncount = 1000\nwithin = "365d"\n[unreachable]\nwithin = "{}h"\n'
    four = [{"name": f"{n}", "toml": rare.format(n)} for n in range(1, 5)]
    for path, what, sites, policies in (
        ("/simulate", "300 reports", plain[:300], ["active"]),
        ("/simulate", "10,000 reports", plain[:10_000], ["active"]),
        ("/simulate", "100,000 reports", plain, ["active"]),
        ("/simulate", "20,000 reports, four policies", plain[:20_000], four),
        ("/simulate", "names of many scripts", [_idna(n) for n in range(25_000)], ["active"]),
        ("/simulate", "400 reports of one site", ["a.example"] * 400, [four[0]]),
        ("/simulate", "2,000 reports of one site", ["a.example"] * 2_000, [four[0]]),
        ("/simulate/picture", "100,000 reports", plain, ["active"]),
    ):
        told = _history(sites)
        yield _json(path, what, history=told, policies=policies, reach=0, done=True)
    most = histories.MAX_IMPORTED
    addresses = [f"https://{_idna(n)}/" for n in range(most)]
    for what, sites, urls in (
        ("reports of as many sites", [f"i{n}.example" for n in range(most)], [""] * most),
        ("reports of one site", ["one.example"] * most, [""] * most),
        ("names and addresses of many scripts", [_idna(n) for n in range(most)], addresses),
    ):
        told = _history(sites, urls)
        yield _json("/import", f"{most:,} {what}", history=told, done=True)
        yield _json("/import?dry_run=true", f"{most:,} {what}", history=told, done=True)
    # As many as there is room for are to be read to know that they are too many.
    yield _json("/import", "columns without end", history=",".join(map(str, range(250_000))))
    yield _json("/import", "a line of many keys", history="{" + '"a":1,' * 300_000 + '"b":1}')


def _customers() -> Iterator[Body]:
    rows, values = filing_lists.MAX_ROWS, filing_lists.MAX_VALUES
    people = {
        "site": "c{n}.example", "subject_kind": "company", "subject_number": "91330106673959654P",
        "responsible_name": "王芳", "responsible_number": "11010519491231002X",
        "responsible_phone": "+86 138 0571 {n:04}", "responsible_email": "w{n}@shop{n}.cn",
        "support_phone": "010 8266 {n:04}", "access_phone": "0571 8502 {n:04}",
        "icp_number": "浙ICP备{n:08}号-1", "icp_licence": "浙B2-20{n:06}",
        "public_security_number": "浙公网安备 33010602{n:06}号", "level": "3",
        "service_type": "shop", "nature": "commercial", "office_code": "330106",
        "ip": "192.0.2.7", "opened_on": "2026/1/2",
        "server.main.province": "浙江", "server.main.city": "杭州",
    }  # fmt: skip
    whole = [",".join(people)] + [
        ",".join(people.values()).format(n=n) for n in range(min(rows, values // len(people)))
    ]
    each = values // (MAX_ITEMS + 1)
    labels = [f"document.d{n}.size" for n in range(MAX_ITEMS)]
    items = [",".join(["site", *labels])] + [f"d{n}.example{',1' * MAX_ITEMS}" for n in range(each)]
    marks = ["site,responsible_phone,support_phone,level,subject_number,responsible_email"] + [
        f"m{n}.example,{','.join([_MARKS * 250] * 5)}" for n in range(rows)
    ]
    unknown = [
        json.dumps({"site": f"u{n}.example", "details": {f"field{n}x{i}": "1" for i in range(99)}})
        for n in range(values // 100)
    ]
    names = ["site", *(_idna(n) for n in range(rows))]
    for query in ("", "?add_sites=true", "?dry_run=true&add_sites=true"):
        for what, lines, done in (
            (f"{len(whole) - 1:,} whole rows", whole, bool(query)),
            (f"{each:,} rows of {MAX_ITEMS} documents", items, bool(query)),
            ("names of many scripts", names, bool(query)),
            ("cells of marks", marks, False),
            ("fields that are none", unknown, False),
        ):
            yield _file(f"/filings/import{query}", what, "\n".join(lines).encode(), done=done)
    for what, content in {
        "empty cells": b"site,level\n" + b"\n,," * (MAX_LARGE_BODY // 4),
        "objects without end": b"[" + b"{}," * (MAX_LARGE_BODY // 4),
        "one object": b'{"a":' + b"[{}," * (MAX_LARGE_BODY // 5),
        "a spreadsheet of elements": _spreadsheet(),
    }.items():
        yield _file("/filings/import?dry_run=true", what, content)


def _forms() -> Iterator[Body]:
    address = "%E4%BE%8B."
    pasted = " ".join(f"http://{_idna(n)[:60]}/" for n in range(1_000))
    for path, text in {
        "/log": "a=b&" * (MAX_BODY // 4 - _ROOM), "/sites": "name=" + address * 90_000,
        "/incidents/1-1/refused": "confirm=" + address * 90_000,
    }.items():  # fmt: skip
        yield Body(method="POST", path=path, what="a form", content=text.encode(), kind=FORM)
    yield Body(
        method="POST", path="/log", what="a mail full of addresses", kind=FORM, done=True,
        content=urlencode({"paste": pasted[:100_000]}).encode(),
    )  # fmt: skip


def _files() -> Iterator[Body]:
    for path in ("/api/v1/incidents/1-1/evidence", "/incidents/1-1/attach"):
        content = b"\r\n-" * (50 * 2**20 // 3 - _ROOM)
        yield _file(path, "50 MiB of line ends", content, done=True, role="operator")
    lines = _history([f"s{n % 3_000}.example" for n in range(MAX_REPORTS)]).encode()
    yield _file("/simulate", "100,000 reports", lines, done=True, use="active", toml=_STRICT)
    yield Body(
        method="POST", path="/policy/try", what="on the record", kind=FORM, done=True,
        content=urlencode({"days": "365", "toml": _STRICT}).encode(),
    )  # fmt: skip


def _json(path: str, what: str, *, done: bool = False, **body: Any) -> Body:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Body(method="POST", path=f"/api/v1{path}", what=what, content=content, done=done)


def _file(
    path: str,
    what: str,
    content: bytes,
    *,
    done: bool = False,
    role: str = "supervisor",
    **more: str,
) -> Body:
    """A form with a file, to a page or to an operation of the API (`/filings/import` and the
    like)."""
    at = path if path.startswith("/api") or "filings" not in path else f"/api/v1{path}"
    line = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    words = "".join(f'{line}"{name}"\r\n\r\n{text}\r\n' for name, text in more.items())
    head = f'{words}{line}"file"; filename="a"\r\n\r\n'
    whole = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    return Body(
        method="POST", path=at, what=what, content=whole, kind=kind, role=role, done=done
    )  # fmt: skip


def _filled(line: Any, limit: int) -> str:
    """So many lines as have room in so many characters."""
    lines: list[str] = []
    left = limit
    while left > 0:
        lines.append(line(len(lines)))
        left -= len(lines[-1])
    return "".join(lines[:-1])


def _history(sites: list[str], urls: list[str] | None = None) -> str:
    lines = (
        f"2026-03-01 {n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02},{site},{url}\n"
        for n, (site, url) in enumerate(zip(sites, urls or [""] * len(sites), strict=True))
    )
    return "occurred_at,site,url\n" + "".join(lines)


def _idna(n: int) -> str:
    """A name of three parts, each as long as can be of letters that are all different."""
    letters = [chr(0x4E00 + (n * 61 + 37 * place) % 20_000) for place in range(63)]
    return ".".join("".join(letters[first : first + 21]) for first in (0, 21, 42)) + ".example"


def alike(count: int) -> list[str]:
    """Names that take as long as can be to be told apart."""
    return [_alike(n) for n in range(count)]


def _alike(n: int) -> str:
    return f"{'ab' * 15}{n}{'aab' * 8}.{'ab' * 30}.{'aab' * 20}.example"


def _spreadsheet() -> bytes:
    """As many empty elements as there is room for."""
    file = BytesIO()
    relation = '<Relationship Id="r" Type="x/{}" Target="{}"/>'
    parts = {
        "_rels/.rels": f"<r>{relation.format('officeDocument', 'xl/w.xml')}</r>",
        "xl/w.xml": '<w xmlns:r="r"><sheet name="s" r:id="r"/></w>',
        "xl/_rels/w.xml.rels": f"<r>{relation.format('worksheet', 's.xml')}</r>",
        "xl/s.xml": "<s><row>" + "<c/>" * 1_900_000 + "</row></s>",
    }
    with zipfile.ZipFile(file, "w") as packed:
        for name, text in parts.items():
            packed.writestr(name, text)
    return file.getvalue()
