"""The customer's page over HTTP: who is told nothing, what is refused, what every answer has."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote_plus, urlsplit

import pytest

from incidents import clock
from incidents.console.customer import customer_view
from incidents.machine import commands as c
from tests.console.customers import BEFORE, FORM, LINKS, Customers, Page, path
from tests.patience import PATIENCE_S

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


def test_a_link_that_has_expired_leads_to_a_page_that_says_so(served: Customers) -> None:
    incident = served.logged()
    old = path(incident, since=clock.now() - LINKS.valid_for - timedelta(seconds=2))
    shown = served.ask(old)
    assert shown.status == 410
    for told in ("链接已失效", "This link is no longer valid", "+86 10 5555 0100"):
        assert told in shown.text
    before = len(served.bodies())
    assert served.post(old, b"remark=gone").status == 410
    assert len(served.bodies()) == before


def test_a_link_that_was_revoked_is_answered_as_one_that_has_expired_and_a_new_one_holds(
    served: Customers,
) -> None:
    incident, other = served.logged(), served.logged()
    expired = served.ask(path(incident, since=clock.now() - timedelta(days=99)))
    given = [path(incident), path(other)]
    for times in (1, 2):
        served.do(incident[0], c.RevokeLinks(by="li", incident=incident[1]))
        given.append(path(incident, revoked=times))
    before = len(served.bodies())
    old, elsewhere, older, new = given
    for at in (old, older):
        for body in (b"remark=gone", b"remark=" + b"x" * 4_001):
            assert served.post(at, body).status == 410
        shown = served.ask(at)
        assert (shown.status, shown.body) == (410, expired.body)
    assert len(served.bodies()) == before
    assert served.ask(elsewhere).status == 200
    assert (served.ask(new).status, served.post(new, b"remark=gone").status) == (200, 200)


def test_a_link_of_the_secret_before_still_leads_there(served: Customers) -> None:
    links = replace(LINKS, secrets=(BEFORE,))
    assert served.ask(path(served.logged(), links=links)).status == 200


def test_who_has_no_link_is_told_the_same_whatever_there_is(served: Customers) -> None:
    incident = served.logged()
    right = path(incident)
    there, nowhere = right[:-1] + ("a" if right[-1] != "a" else "b"), path((10**9, 7))
    expired = path(incident, since=clock.now() - timedelta(days=99))
    before = len(served.bodies())
    answers: list[Page] = [
        served.ask(at, method, body, {"Content-Type": FORM} if body else None)
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
    assert len(served.bodies()) == before


# ── what every answer has ────────────────────────────────────────────────────────────────────────


def _answers(served: Customers) -> dict[int, Page]:
    incident = served.logged()
    at, other = path(incident), served.logged()
    expired = path(incident, since=clock.now() - timedelta(days=99))
    found = [
        served.ask(at), served.ask("/c/"), served.ask(at, "PUT"), served.ask(expired),
        served.post(at, b"nothing"), served.post(at, b"remark=" + b"x" * 4_001),
        served.post(at, b"remark=" + b"x" * customer_view.MAX_BYTES),
        served.say(other), served.say(other),
    ]  # fmt: skip
    return {each.status: each for each in found}


def test_no_answer_is_kept_framed_found_or_given_away(served: Customers) -> None:
    answers = _answers(served)
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


def test_a_page_runs_nothing_and_fetches_nothing(served: Customers) -> None:
    for each in _answers(served).values():
        tags = {name for name, _ in each.parts.tags}
        assert not tags & {"script", "img", "link", "iframe", "object", "svg", "base", "audio"}
        for _, attributes in each.parts.tags:
            assert not {"src", "style", "action", "srcset"} & set(attributes)
            assert not [name for name in attributes if name.startswith("on")]
        assert "url(" not in each.parts.style
        assert "@import" not in each.parts.style


def test_hostile_text_is_text_and_never_a_link(served: Customers) -> None:
    incident = served.logged(urls=HOSTILE, category="<b onclick=x>&amp;")
    shown = served.get(incident)
    parts = shown.parts
    tame = [url.replace("\u202e", " ") for url in HOSTILE]
    seen = "".join(parts.seen)
    for told in (*tame, "<b onclick=x>&amp;"):
        assert seen.count(told) == 2, told
    assert "\u202e" not in shown.text
    hrefs = {attributes["href"] for attributes in parts.all("a")}
    assert hrefs == {"tel:+861055550100", "mailto:desk@host.example", "#en", "#answer"}
    assert len(parts.all("form")) == 1


def test_a_hostile_remark_is_text_where_it_is_shown_again(served: Customers) -> None:
    incident = served.logged()
    typed = "</textarea><script>x</script>" + "字" * 4_000
    shown = served.say(incident, typed)
    assert shown.status == 422
    assert typed in "".join(shown.parts.seen)
    assert shown.parts.all("script") == []


# ── how it may be asked ──────────────────────────────────────────────────────────────────────────


def test_head_is_get_without_the_page(served: Customers) -> None:
    incident = served.logged()
    shown, head = served.get(incident), served.get(incident, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "date": ""} == {**shown.headers, "date": ""}
    assert int(head.headers["content-length"]) == len(shown.body)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_any_other_method_is_refused_with_those_that_there_are(
    method: str, served: Customers
) -> None:
    answer = served.get(served.logged(), method)
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
def test_what_is_not_the_form_is_refused(body: bytes, content_type: str, served: Customers) -> None:
    incident = served.logged()
    answer = served.post(path(incident), body, content_type)
    assert answer.status == 400
    assert "未收到您的说明" in answer.text
    assert served.incident(incident)["removal_said_at"] is None


def test_the_form_may_name_its_characters(served: Customers) -> None:
    incident = served.logged()
    answer = served.post(path(incident), b"remark=x", f"{FORM}; charset=UTF-8")
    assert answer.status == 200


def test_a_remark_has_4000_characters_at_most_and_one_that_is_longer_is_not_lost(
    served: Customers,
) -> None:
    incident = served.logged()
    typed = "删" * 4_001
    shown = served.say(incident, typed)
    assert shown.status == 422
    assert typed in shown.text
    assert "尚未提交" in shown.text
    [alert] = [attributes for _, attributes in shown.parts.tags if attributes.get("role")]
    assert alert["role"] == "alert"
    assert served.incident(incident)["removal_said_at"] is None
    assert served.say(incident, HEAVY * 4_000).status == 200
    assert served.items(incident)[f"{incident[0]}-t1"]["remark"] == HEAVY * 4_000


def test_the_longest_form_is_read_and_a_longer_one_is_not(served: Customers) -> None:
    at = path(served.logged())
    longest = f"remark={quote_plus(HEAVY * 4_000)}".encode()
    assert len(longest) * 5 < customer_view.MAX_BYTES
    whole = b"remark=" + b"x" * (customer_view.MAX_BYTES - 7)
    assert served.post(at, whole).status == 422
    assert served.post(at, whole + b"x").status == 413


def test_what_is_too_long_is_refused_before_it_is_read_whole(served: Customers) -> None:
    incident, place = served.logged(), urlsplit(served.url)
    with socket.create_connection((place.hostname, place.port), PATIENCE_S) as client:
        client.sendall(
            f"POST {path(incident)} HTTP/1.1\r\nHost: desk.host.example\r\n"
            f"Content-Type: {FORM}\r\nContent-Length: 10000000000\r\n\r\n".encode()
            + b"x" * (customer_view.MAX_BYTES + 1)
        )
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert served.get(incident).status == 200


def test_what_a_mail_program_puts_behind_the_link_does_no_harm(served: Customers) -> None:
    assert served.ask(f"{path(served.logged())}?utm_source=mail&x=%00").status == 200
