"""The hostile: names, notes, addresses and whole requests that are not meant well."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.api.operation import MAX_OPEN_BODY
from tests.api.desk import fill
from tests.api.rig import Rig

SITE = "/api/v1/sites/shop.example"
JSON = "application/json"
_TEXTS = (
    "<script>alert(1)</script>", "'; DROP TABLE sites; --", "{{7*7}}${7*7}#{7*7}", "\u202egnp.exe",
    "=HYPERLINK(\"http://x\")", "a\tb\nc", "赌博 🎰 𝒳 é", "%00%0a\\u0000", "\ufeffbom",
    "sha256:" + "0" * 64,
)  # fmt: skip
_REFUSED = ("\0", "a\x1b[31mb", "\x7f", "   ", "x" * 4_001, "\ud800")
_NAMES = (
    "../../etc/passwd", "a b", "*", "shop.example/x", "http://shop.example", "shop..example",
    "x" * 300, "%00", "<b>", "-", "12-3", "[::1]", "user@shop.example", "赌\u202e.example",
)  # fmt: skip
_URLS = (
    "javascript:alert(1)", "file:///etc/passwd", "http://", "http://user:pw@shop.example/",
    "http://shop.example:99999/", "\n", "http://[::1", "x" * 4_000, "http://shop.example/\u0000",
)  # fmt: skip


@pytest.mark.parametrize("text", _TEXTS)
def test_a_hostile_note_is_kept_and_comes_back_as_it_was_written(api: Rig, text: str) -> None:
    fill(api)
    operator = api.client("operator")
    answer = operator.post(f"{SITE}/incidents", json={"note": text, "again": True})
    assert answer.status_code == 201, answer.text
    shown = operator.get("/api/v1/incidents/1-2?reveal=true")
    assert shown.headers["content-type"] == "application/json"
    assert shown.json()["note"] == text.strip()
    found = operator.get("/api/v1/incidents", params={"q": text.strip()[:100]})
    assert found.status_code in (200, 422), found.text


@pytest.mark.parametrize("text", _REFUSED)
def test_a_note_that_cannot_be_kept_is_bad_input(api: Rig, text: str) -> None:
    fill(api)
    body = f'{{"note": "{"".join(f"{chr(92)}u{ord(each):04x}" for each in text)}"}}'
    answer = api.client("operator").post(
        f"{SITE}/incidents", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    looked = api.client("operator").get("/api/v1/incidents", params={"q": "\x1b"})
    assert looked.status_code == 422


@pytest.mark.parametrize("name", _NAMES)
def test_what_is_no_name_is_no_site(api: Rig, name: str) -> None:
    operator = api.client("operator")
    added = operator.post("/api/v1/sites", json={"site": name})
    assert added.status_code == 422, added.text
    assert api.entries("site_added") == []


@pytest.mark.parametrize("url", _URLS)
def test_what_is_no_web_address_is_bad_input_and_not_told_back_among_the_errors(
    api: Rig, url: str
) -> None:
    fill(api)
    answer = api.client("operator").post(f"{SITE}/incidents", json={"urls": [url]})
    assert answer.status_code == 422, answer.text
    assert all(set(each) == {"loc", "type", "msg"} for each in answer.json().get("errors", []))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", JSON), (b"\xff\xfe", JSON), (b"[" * 50_000, JSON), (b'{"note": NaN}', JSON),
        (b"[]", JSON), (b"null", JSON), (b'{"note": "a", "note": 7}', JSON), (b"", "text/plain"),
        (b"a=1", "application/x-www-form-urlencoded"), (b"<a/>", "application/xml"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_bad_input_and_no_fault(api: Rig, content: bytes, kind: str) -> None:
    fill(api)
    headers = {"Content-Type": kind}
    for path in (f"{SITE}/incidents", "/api/v1/batch", "/api/v1/incidents/1-1/evidence"):
        answer = api.client("operator").post(path, content=content, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_not_read_to_its_end(api: Rig) -> None:
    fill(api)
    answer = api.client("operator").post(f"{SITE}/incidents", content=b" " * (9 * 2**20))
    assert answer.status_code == 413


def test_of_nobody_hardly_anything_is_read(api: Rig) -> None:
    answer = api.nobody().post("/api/v1/session", content=b" " * (MAX_OPEN_BODY + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer é"},
        {"Authorization": "Bearer inc_" + "x" * 5_000}, {"Cookie": "__Host-incidents=x"},
        {"Cookie": "__Host-incidents=" + "é" * 200}, {"Authorization": ""},
    ],
)  # fmt: skip
def test_who_makes_a_token_or_a_cookie_up_is_nobody(api: Rig, headers: dict[str, Any]) -> None:
    sent = {name: value.encode() for name, value in headers.items()}
    assert api.nobody().get("/api/v1/sites", headers=sent).status_code == 401


@pytest.mark.parametrize(
    "tag", ['"x"', 'W/"1-5"', '"1-"', '"-"', '"1-99999999999999999999"', "1-²"]
)
def test_an_etag_that_was_never_given_fits_nothing(api: Rig, tag: str) -> None:
    fill(api)
    answer = api.client("operator").post(
        f"{SITE}/incidents", json={}, headers={"If-Match": tag.encode()}
    )
    assert answer.status_code == 412


def test_a_key_of_hostile_signs_is_a_key_or_bad_input(api: Rig) -> None:
    fill(api)
    for key in ("x" * 151, "k:1", "'; --", "é"):
        answer = api.client("operator").post(
            f"{SITE}/incidents", json={"again": True}, headers={"Idempotency-Key": key.encode()}
        )
        assert answer.status_code in (201, 422), answer.text
