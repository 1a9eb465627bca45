"""The customer's page over HTTP: who is told nothing, what is refused, what every answer has."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote_plus, urlsplit

import pytest

from incidents import clock
from incidents.console import remark
from tests.console.rig import BEFORE, FORM, LINKS, PATIENCE_S, Page, Served, path

HOSTILE = (
    "https://shop.example/\"><script>alert('x')</script>",
    "https://shop.example/{{7*7}}{%include'x'%}",
    "https://shop.example/javascript:alert(1)",
    "https://shop.example/\u202egnp.exe",
    "https://shop.example/a?b=</textarea><form action=https://evil.example>&#x27;",
)
HEAVY = "𠮷"
"""A character of four bytes, each of which a form writes as %XX."""


# ── who is told nothing ──────────────────────────────────────────────────────────────────────────


def test_a_link_that_has_expired_leads_to_a_page_that_says_so(page: Served) -> None:
    incident = page.logged()
    old = path(incident, since=clock.now() - LINKS.valid_for - timedelta(seconds=2))
    shown = page.ask(old)
    assert shown.status == 410
    for told in ("链接已过期", "This link has expired", "+86 10 5555 0100"):
        assert told in shown.text
    before = page.entries()
    assert page.post(old, b"remark=gone").status == 410
    assert page.entries() == before


def test_a_link_of_the_secret_before_still_leads_there(page: Served) -> None:
    links = replace(LINKS, secrets=(BEFORE,))
    assert page.ask(path(page.logged(), links=links)).status == 200


def test_who_has_no_link_is_told_the_same_whatever_there_is(page: Served) -> None:
    incident = page.logged()
    right = path(incident)
    there, nowhere = right[:-1] + ("a" if right[-1] != "a" else "b"), path((10**9, 7))
    expired = path(incident, since=clock.now() - timedelta(days=99))
    before = page.entries()
    answers: list[Page] = [
        page.ask(at, method, body, {"Content-Type": FORM} if body else None)
        for at in (there, nowhere, expired[:-1] + "9", "/c/", "/c/" + "x" * 5_000, f"{right}/",
                   right.replace("/c/", "/c//"))
        for method, body in (("GET", b""), ("POST", b"remark=gone"))
    ]  # fmt: skip
    first = answers[0]
    assert first.status == 404
    assert "没有这个页面" in first.text
    for each in answers:
        assert (each.status, each.body) == (404, first.body)
        assert {**each.headers, "date": ""} == {**first.headers, "date": ""}
    assert page.entries() == before


# ── what every answer has ────────────────────────────────────────────────────────────────────────


def _answers(page: Served) -> dict[int, Page]:
    incident = page.logged()
    at, other = path(incident), page.logged()
    expired = path(incident, since=clock.now() - timedelta(days=99))
    found = [
        page.ask(at), page.ask("/c/"), page.ask(at, "PUT"), page.ask(expired),
        page.post(at, b"nothing"), page.post(at, b"remark=" + b"x" * 4_001),
        page.post(at, b"remark=" + b"x" * remark.MAX_BYTES),
        page.say(other), page.say(other),
    ]  # fmt: skip
    return {each.status: each for each in found}


def test_no_answer_is_kept_framed_found_or_given_away(page: Served) -> None:
    answers = _answers(page)
    assert set(answers) == {200, 400, 404, 405, 409, 410, 413, 422}
    for each in answers.values():
        headers = each.headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex, nofollow, noarchive"
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers
        assert "server" not in headers
        policy = dict(
            each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["style-src"])
        assert "script-src" not in policy


def test_a_page_runs_nothing_and_fetches_nothing(page: Served) -> None:
    for each in _answers(page).values():
        tags = {name for name, _ in each.parts.tags}
        assert not tags & {"script", "img", "link", "iframe", "object", "svg", "base", "audio"}
        for _, attributes in each.parts.tags:
            assert not {"src", "style", "action", "srcset"} & set(attributes)
            assert not [name for name in attributes if name.startswith("on")]
        assert "url(" not in each.parts.style
        assert "@import" not in each.parts.style


def test_hostile_text_is_text_and_never_a_link(page: Served) -> None:
    incident = page.logged(urls=HOSTILE, category="<b onclick=x>&amp;")
    shown = page.get(incident)
    parts = shown.parts
    tame = [url.replace("\u202e", " ") for url in HOSTILE]
    seen = "".join(parts.seen)
    for told in (*tame, "<b onclick=x>&amp;"):
        assert seen.count(told) == 2, told
    assert "\u202e" not in shown.text
    hrefs = {attributes["href"] for attributes in parts.all("a")}
    assert hrefs == {"tel:+861055550100", "mailto:desk@host.example", "#en", "#answer"}
    assert len(parts.all("form")) == 1


def test_a_hostile_remark_is_text_where_it_is_shown_again(page: Served) -> None:
    incident = page.logged()
    typed = "</textarea><script>x</script>" + "字" * 4_000
    shown = page.say(incident, typed)
    assert shown.status == 422
    assert typed in "".join(shown.parts.seen)
    assert shown.parts.all("script") == []


# ── how it may be asked ──────────────────────────────────────────────────────────────────────────


def test_head_is_get_without_the_page(page: Served) -> None:
    incident = page.logged()
    shown, head = page.get(incident), page.get(incident, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "date": ""} == {**shown.headers, "date": ""}
    assert int(head.headers["content-length"]) == len(shown.body)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_any_other_method_is_refused_with_those_that_there_are(method: str, page: Served) -> None:
    answer = page.get(page.logged(), method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"remark=gone", "text/plain"),
        (b"remark=gone", "multipart/form-data; boundary=x"),
        (b'{"remark": "gone"}', "application/json"),
        (b"", FORM), (b"remark", "application/x"), (b"other=gone", FORM),
        (b"remark=a&remark=b", FORM), (b"remark=a&x=b", FORM),
        (b"remark=%ff%fe", FORM), (b"remark=\xff", FORM), (b"&&&", FORM),
    ],
)  # fmt: skip
def test_what_is_not_the_form_is_refused(body: bytes, content_type: str, page: Served) -> None:
    incident = page.logged()
    answer = page.post(path(incident), body, content_type)
    assert answer.status == 400
    assert "未收到您的说明" in answer.text
    assert page.incident(incident)["removal_said_at"] is None


def test_the_form_may_name_its_characters(page: Served) -> None:
    incident = page.logged()
    answer = page.post(path(incident), b"remark=x", f"{FORM}; charset=UTF-8")
    assert answer.status == 200


def test_a_remark_has_4000_characters_at_most_and_one_that_is_longer_is_not_lost(
    page: Served,
) -> None:
    incident = page.logged()
    typed = "删" * 4_001
    shown = page.say(incident, typed)
    assert shown.status == 422
    assert typed in shown.text
    assert "尚未提交" in shown.text
    [alert] = [attributes for _, attributes in shown.parts.tags if attributes.get("role")]
    assert alert["role"] == "alert"
    assert page.incident(incident)["removal_said_at"] is None
    assert page.say(incident, HEAVY * 4_000).status == 200
    assert page.items(incident)[f"{incident[0]}-t1"]["remark"] == HEAVY * 4_000


def test_the_longest_form_is_read_and_a_longer_one_is_not(page: Served) -> None:
    at = path(page.logged())
    longest = f"remark={quote_plus(HEAVY * 4_000)}".encode()
    assert len(longest) * 5 < remark.MAX_BYTES
    whole = b"remark=" + b"x" * (remark.MAX_BYTES - 7)
    assert page.post(at, whole).status == 422
    assert page.post(at, whole + b"x").status == 413


def test_what_is_too_long_is_refused_before_it_is_read_whole(page: Served) -> None:
    incident, place = page.logged(), urlsplit(page.url)
    with socket.create_connection((place.hostname, place.port), PATIENCE_S) as client:
        client.sendall(
            f"POST {path(incident)} HTTP/1.1\r\nHost: desk.host.example\r\n"
            f"Content-Type: {FORM}\r\nContent-Length: 10000000000\r\n\r\n".encode()
            + b"x" * (remark.MAX_BYTES + 1)
        )
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert page.get(incident).status == 200


def test_what_a_mail_program_puts_behind_the_link_does_no_harm(page: Served) -> None:
    assert page.ask(f"{path(page.logged())}?utm_source=mail&x=%00").status == 200
