"""Hostile input: names, notes, addresses and whole requests that are not meant well."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from incidents.api.bodies import body
from incidents.api.operation import MAX_BODY, MAX_LARGE_BODY, MAX_OPEN_BODY, MAX_VALUES
from incidents.contract.actions import of_command
from incidents.machine.commands import Log
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
    "javascript:alert(1)", "file:///etc/passwd", "http://",
    "http://shop.example:99999/", "\n", "http://[::1", "x" * 4_000, "http://shop.example/\u0000",
)  # fmt: skip


_BODIES = (
    (b"{", JSON), (b"\xff\xfe", JSON), (b"[" * 50_000, JSON), (b'{"note": NaN}', JSON),
    (b"[]", JSON), (b"null", JSON), (b'{"note": "a", "note": 7}', JSON), (b"", "text/plain"),
    (b"a=1", "application/x-www-form-urlencoded"), (b"<a/>", "application/xml"),
    (b"--x\r\n", "multipart/form-data; boundary=x"),
)  # fmt: skip
_HEADERS = (
    {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer é"},
    {"Authorization": "Bearer inc_" + "x" * 5_000}, {"Cookie": "__Host-incidents=x"},
    {"Cookie": "__Host-incidents=" + "é" * 200}, {"Authorization": ""},
)  # fmt: skip
_ETAGS = ('"x"', 'W/"1-5"', '"1-"', '"-"', '"1-99999999999999999999"', "1-²")


@pytest.fixture
def filled(api: Rig) -> Rig:
    """A desk with a site, and an incident on it."""
    fill(api)
    return api


@pytest.mark.both_databases
def test_a_hostile_note_is_kept_and_comes_back_as_it_was_written(filled: Rig) -> None:
    operator = filled.client("operator")
    for n, text in enumerate(_TEXTS, 2):
        answer = operator.post(f"{SITE}/incidents", json={"note": text, "again": True})
        assert answer.status_code == 201, answer.text
        shown = operator.get(f"/api/v1/incidents/1-{n}?reveal=true")
        assert shown.headers["content-type"] == "application/json"
        assert shown.json()["note"] == text.strip()
        found = operator.get("/api/v1/incidents", params={"q": text.strip()[:100]})
        assert found.status_code in (200, 422), found.text


def test_a_note_that_cannot_be_kept_is_bad_input(filled: Rig) -> None:
    operator = filled.client("operator")
    for text in _REFUSED:
        body = f'{{"note": "{"".join(f"{chr(92)}u{ord(each):04x}" for each in text)}"}}'
        answer = operator.post(f"{SITE}/incidents", content=body, headers={"Content-Type": JSON})
        assert answer.status_code == 422, answer.text
    assert operator.get("/api/v1/incidents", params={"q": "\x1b"}).status_code == 422


def test_what_is_no_name_is_no_site(api: Rig) -> None:
    for name in _NAMES:
        added = api.client("operator").post("/api/v1/sites", json={"site": name})
        assert added.status_code == 422, added.text
    assert api.entries("site_added") == []


def test_what_is_no_web_address_is_bad_input_and_not_told_back_among_the_errors(
    filled: Rig,
) -> None:
    for url in _URLS:
        answer = filled.client("operator").post(f"{SITE}/incidents", json={"urls": [url]})
        assert answer.status_code == 422, answer.text
        assert all(set(each) == {"loc", "type", "msg"} for each in answer.json().get("errors", []))


def test_a_body_that_is_none_is_bad_input_and_no_fault(filled: Rig) -> None:
    operator = filled.client("operator")
    for content, kind in _BODIES:
        for path in (f"{SITE}/incidents", "/api/v1/batch", "/api/v1/incidents/1-1/evidence"):
            answer = operator.post(path, content=content, headers={"Content-Type": kind})
            assert 400 <= answer.status_code < 500, answer.text
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_not_read_to_its_end(filled: Rig) -> None:
    operator = filled.client("operator")
    for path, limit in ((f"{SITE}/incidents", MAX_BODY), ("/api/v1/batch", MAX_LARGE_BODY)):
        answer = operator.post(path, content=b" " * (limit + 1), headers={"Content-Type": JSON})
        assert answer.status_code == 413
        assert f"more than {limit:,} bytes" in answer.json()["detail"]


def test_a_body_of_very_many_values_is_refused_before_it_is_parsed(filled: Rig) -> None:
    operator = filled.client("operator")
    for value in ("[],", '{"a":1},', '"x\\\\",', "1,", "[", "nonsense,"):
        answer = operator.post(
            "/api/v1/batch", content=f'{{"commands": [{value * MAX_VALUES}1]}}',
            headers={"Content-Type": JSON},
        )  # fmt: skip
        assert (answer.status_code, answer.json()["type"][22:]) == (413, "too-many-values"), value


def test_commas_and_brackets_in_a_text_are_no_values(filled: Rig) -> None:
    history = "occurred_at,site\n" + '\\"[{,' * MAX_VALUES
    answer = filled.client("viewer").post("/api/v1/simulate", json={"history": history})
    assert (answer.status_code, answer.json()["type"][22:]) == (422, "bad-lines")


def test_of_very_many_keys_that_nobody_knows_one_error_is_made(filled: Rig) -> None:
    words = {f"k{n}": n for n in range(1_000)} | {"note": 7}
    with pytest.raises(ValidationError) as found:
        body(of_command(Log)).model_validate(words)
    assert [each["type"] for each in found.value.errors()] == ["string_type", "extra_forbidden"]
    answer = filled.client("operator").post(f"{SITE}/incidents", json=words)
    assert [each["loc"] for each in answer.json()["errors"]] == [["body", "note"], ["body"]]


def test_of_nobody_hardly_anything_is_read(api: Rig) -> None:
    answer = api.nobody().post("/api/v1/session", content=b" " * (MAX_OPEN_BODY + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_who_makes_a_token_or_a_cookie_up_is_nobody(api: Rig) -> None:
    for headers in _HEADERS:
        sent = {name: value.encode() for name, value in headers.items()}
        assert api.nobody().get("/api/v1/sites", headers=sent).status_code == 401, headers


def test_an_etag_that_was_never_given_fits_nothing(filled: Rig) -> None:
    for tag in _ETAGS:
        answer = filled.client("operator").post(
            f"{SITE}/incidents", json={}, headers={"If-Match": tag.encode()}
        )
        assert answer.status_code == 412, tag


def test_a_key_of_hostile_signs_is_a_key_or_bad_input(filled: Rig) -> None:
    for key in ("x" * 151, "k:1", "'; --", "é"):
        answer = filled.client("operator").post(
            f"{SITE}/incidents", json={"again": True}, headers={"Idempotency-Key": key.encode()}
        )
        assert answer.status_code in (201, 422), answer.text
