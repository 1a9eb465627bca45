"""The console over HTTP: who is let in, which acts are theirs, and what each page is sent with."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from freezegun import freeze_time
from sqlalchemy import insert
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.serve_key import ServeKeyReplacedError
from incidents.api.operation import MAX_OPEN_BODY
from incidents.console import changes, rendering
from incidents.console.action_forms import ActionRoute, of_page
from incidents.console.changes import MAX_STREAMS_OF_ACCOUNT
from incidents.console.flash import FLASH_COOKIE
from incidents.console.forms import MAX_FIELDS, MAX_FORM_BYTES
from incidents.console.pages import filing, incident, orders, overview, site
from incidents.console.pages.queue import queue
from incidents.desk import accounts
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from incidents.store.schema.desk_tables import rehearsal
from tests.api.rig import ADMIN, BASE, PASSWORD
from tests.conftest import WriteSettings
from tests.console.customers import SETTINGS
from tests.served_desk import ConsoleDesk, Visitor

POSTS = [
    route.path.replace("{action}", act)
    for module in (queue, site, filing, incident, orders, overview)
    for route in module.router.routes
    if isinstance(route, APIRoute) and route.methods == {"POST"}
    for act in (of_page(route.path.split("/")[1]) if isinstance(route, ActionRoute) else [""])
]
NAMES = {
    "name": "shop.example", "item": "1-1", "incident": "1-1", "digest": "0" * 64, "order": "1-o2",
    "kind": "server",
}  # fmt: skip


class Person(Visitor):
    """One of the people, who sends the fields of a form by name."""

    def get(self, path: str, **headers: Any) -> Any:
        return self.client.get(path, headers=headers)

    def send(self, path: str, files: Any = None, **fields: str) -> Any:
        return self.client.post(path, data={"csrf": self.csrf, **fields}, files=files)


def stranger(desk: ConsoleDesk) -> TestClient:
    client = desk.visitor()
    client.headers["accept"] = "text/html"
    return client


# Who is let in.


def test_nobody_is_sent_to_the_form_and_from_there_to_where_they_wanted(desk: ConsoleDesk) -> None:
    desk.have_account("li")
    client = stranger(desk)
    sent = client.get("/sites/shop.example?whole=1")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/sign-in?to=/sites/shop.example%3Fwhole%3D1"
    to = "/sites/shop.example?whole=1"
    open_session = client.post("/sign-in", data={"handle": "li", "password": PASSWORD, "to": to})
    assert open_session.headers["location"] == to
    cookie = open_session.headers["set-cookie"]
    assert cookie.startswith("__Host-incidents=")
    for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert word in cookie


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "x", "//[", "/\t/x", ""]
)
def test_the_form_sends_nobody_to_another_site(desk: ConsoleDesk, to: str) -> None:
    desk.have_account("li")
    assert stranger(desk).get("/sign-in", params={"to": to}).status_code == 200
    data = {"handle": "li", "password": PASSWORD, "to": to}
    assert stranger(desk).post("/sign-in", data=data).headers["location"] == "/"


def test_a_password_is_what_was_typed_blanks_and_all(desk: ConsoleDesk) -> None:
    desk.have_account("li")
    hash_ = secrets.hash_password(" a horse and a battery ", "li")
    desk.app.desk.on_record(
        lambda c: accounts.set_password(
            c, ADMIN, "li", hash_, clock.now, second_after=accounts.AT_ONCE
        )
    )
    answers = [
        stranger(desk).post("/sign-in", data={"handle": " li ", "password": password}).status_code
        for password in ("a horse and a battery", " a horse and a battery ")
    ]
    assert answers == [401, 303]


@pytest.mark.parametrize("said", ["NQ==", "bnVsbA==", "W10=", "W1tdLHt9XQ==", "x", "é"])
def test_what_no_page_has_said_is_not_said(desk: ConsoleDesk, said: str) -> None:
    li = Person(desk, "li")
    cookies = f"__Host-incidents={li.client.cookies['__Host-incidents']}; {FLASH_COOKIE}={said}"
    assert li.get("/", cookie=cookies.encode()).status_code == 200


def test_a_form_that_has_expired_leads_back_to_its_page(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li = Person(desk, "li")
    answer = li.client.post("/sites/shop.example/hold", data={"csrf": "old", "reason": "r"})
    assert answer.status_code == 403
    assert "expired or did not come from this console. Nothing was done." in answer.text
    assert '<a class="button" href="/sites/shop.example">Open the page again</a>' in answer.text
    assert '<a class="button" href="/">Back to the queue</a>' in answer.text


def test_who_may_not_open_a_page_is_told_the_role_that_may(desk: ConsoleDesk) -> None:
    li = Person(desk, "li")
    assert "Role needed to open this page: administrator." in li.get("/admin/accounts").text
    sent = li.send("/sites/shop.example/hold", reason="r")
    assert "Role needed for this: supervisor." in sent.text


def test_who_is_signed_out_is_told_of_no_queue_and_no_search(desk: ConsoleDesk) -> None:
    page = stranger(desk).get("/no")
    assert page.status_code == 404
    assert "Sign in to continue." in page.text
    assert "queue" not in page.text.partition("<main")[2]


@pytest.mark.parametrize(
    ("here", "page"),
    [
        ("/?mine=1", "/"), ("/log?site=a", "/"), ("/sites/a.example/filing", "/sites"),
        ("/incidents/1-2", "/incidents"), ("/policy/trial/x", "/policy"), ("/search?q=a", None),
        ("/account", None), ("/sites-of-others", None),
    ],
)  # fmt: skip
def test_each_page_belongs_to_one_of_the_navigation(here: str, page: str | None) -> None:
    assert rendering.nav_page(here) == page


def test_another_site_cannot_sign_anybody_in(desk: ConsoleDesk) -> None:
    desk.have_account("li")
    answer = stranger(desk).post(
        "/sign-in", data={"handle": "li", "password": PASSWORD},
        headers={"sec-fetch-site": "cross-site"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.both_databases
def test_after_too_many_mistakes_the_door_stays_shut_for_a_while(desk: ConsoleDesk) -> None:
    client, wrong = stranger(desk), {"handle": "nobody-1", "password": "x" * 12}
    answers = [client.post("/sign-in", data=wrong).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_who_has_signed_out_is_out_with_the_same_cookie_too(desk: ConsoleDesk) -> None:
    li = Person(desk, "li")
    cookie = li.cookie
    answer = li.send("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    # By its own cookie the browser is still known.
    assert answer.headers["clear-site-data"] == '"cache"'
    [gone] = answer.headers.get_list("set-cookie")
    assert gone.startswith('__Host-incidents=""')
    again = stranger(desk)
    again.cookies["__Host-incidents"] = cookie
    assert again.get("/").status_code == 303


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(desk: ConsoleDesk) -> None:
    li, by_itself = Person(desk, "li"), {"hx-request": "true", "hx-current-url": f"{BASE}/?mine=1"}
    cookie = li.cookie
    for _ in range(3):
        desk.ahead += timedelta(minutes=19)
        assert li.get("/queue/list", **by_itself).status_code == 200
        assert li.get("/sites", **{"sec-fetch-mode": "cors"}).status_code == 200
        assert li.get("/no", **{"sec-fetch-mode": "same-origin"}).status_code == 404
        assert changes.is_signed_in(desk.asgi_app.state.authenticator, cookie)
    desk.ahead += timedelta(minutes=4)
    assert not changes.is_signed_in(desk.asgi_app.state.authenticator, cookie)
    sent = li.get("/queue/list", **by_itself)
    assert (sent.status_code, sent.headers["hx-redirect"]) == (401, "/sign-in?to=/%3Fmine%3D1")
    sent = li.get("/queue/list", **{**by_itself, "hx-current-url": "https://["})
    assert sent.headers["hx-redirect"] == "/sign-in"


def test_what_somebody_does_keeps_them_signed_in(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li = Person(desk, "li")
    word, with_htmx = li.csrf, {"hx-request": "true", "sec-fetch-mode": "cors"}
    for _ in range(2):
        desk.ahead += timedelta(minutes=59)
        assert li.get("/sites", **{"sec-fetch-mode": "navigate"}).status_code == 200
        desk.ahead += timedelta(minutes=59)
        answer = li.client.post("/queue/1-1/claim", data={"csrf": word}, headers=with_htmx)
        assert answer.status_code == 200


def test_a_form_without_the_word_of_the_session_does_nothing(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    wang = Person(desk, "wang")
    before = desk.bodies()
    for path in (*POSTS, "/sign-out"):
        at = path.format(**NAMES)
        answer = wang.client.post(at, data={"reason": "x", "csrf": "0" * 64})
        assert answer.status_code == 403, path
    [counted] = desk.refusals()
    assert (counted["act"], counted["why"]) == ("form", "csrf")
    assert counted["count"] == len(POSTS) + 1
    assert desk.bodies() == before


def test_a_viewer_does_none_of_the_acts_and_that_each_was_tried_is_counted(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    vera = Person(desk, "vera")
    fields = {
        "reason": "x", "outcome": "reached", "confirm": "shop.example", "seen": "2", "field": "x",
        "evidence": "x", "contact": "1-1-1", "step": "log", "site": "shop.example",
        "text": "x", "csrf": vera.csrf,
    }  # fmt: skip
    before = desk.bodies()
    for tried, path in enumerate(POSTS, 1):
        item = "1-t1" if path.endswith("/done") else "1-1"
        at = path.format(**{**NAMES, "item": item})
        files = {"file": ("a.txt", b"x")} if path.endswith("/attach") else None
        assert vera.client.post(at, data=fields, files=files).status_code == 403, path
        assert sum(each["count"] for each in desk.refusals()) == tried, path
    assert desk.bodies() == before


def test_nobody_keeps_all_the_servers_connections_for_themselves(desk: ConsoleDesk) -> None:
    li, watched = Person(desk, "li"), desk.asgi_app.state.changes
    watched._listening |= {asyncio.Queue(): "li" for _ in range(MAX_STREAMS_OF_ACCOUNT)}
    assert li.get("/changes").status_code == 429


# What each page is sent with.


@pytest.mark.both_databases
def test_each_page_is_guarded_kept_by_nobody_and_has_nothing_inline(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li = Person(desk, "li")
    pages = ("/", "/queue/list", "/sites", "/sites/shop.example", "/incidents/1-1", "/log", "/no")
    others = ("/orders", "/orders/1-o2.notice", "/hand-over", "/search?q=shop", "/unreported")
    filings = ("/sites/shop.example/filing", "/terms", "/terms.ics")
    for page in (*pages, *others, *filings):
        is_guarded(li.get(page))


def is_guarded(answer: Any) -> None:
    assert answer.headers["content-security-policy"] == rendering.HEADERS["Content-Security-Policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|javascript:", answer.text)
    assert answer.text.count("<script ") == answer.text.count("<script defer src=")


def test_what_is_served_under_a_digest_is_kept_for_good_and_nothing_else_is(
    desk: ConsoleDesk,
) -> None:
    nobody = stranger(desk)
    paths = re.findall(r'"(/static/[^"]+)"', nobody.get("/sign-in").text)
    assert len(paths) == 11
    for path in paths:
        headers = nobody.get(path).headers
        assert "immutable" in headers["cache-control"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert nobody.get(path.replace("/static/", "/static/0")).status_code == 404


def test_the_language_is_that_of_the_switch_else_of_the_browser(desk: ConsoleDesk) -> None:
    client = stranger(desk)
    accepts = {"accept-language": "fr, zh-CN;q=0.8, en;q=0.5"}
    assert '<html lang="zh-CN">' in client.get("/sign-in", headers=accepts).text
    switched = client.post("/language", data={"language": "en", "to": "/sign-in"})
    assert switched.headers["location"] == "/sign-in"
    assert '<html lang="en">' in client.get("/sign-in", headers=accepts).text


def test_each_page_of_a_rehearsal_says_that_it_is_one_and_no_other_page_does(
    desk: ConsoleDesk,
) -> None:
    li = Person(desk, "li")
    said = ("Rehearsal: this database", "演练：")
    assert not any(each in li.get("/").text for each in said)
    del desk.app.is_rehearsal
    with desk.app.engine.begin() as connection:
        connection.execute(insert(rehearsal).values(id=1))
    for path in ("/", "/sites", "/orders"):
        assert any(each in li.get(path).text for each in said), path


def test_a_time_is_in_the_zone_of_the_settings_with_the_exact_one_behind_it(
    desk: ConsoleDesk,
) -> None:
    with freeze_time("2026-03-02 01:30:15", ignore=["_pytest"]):
        desk.violation("shop.example")
        page = Person(desk, "li").get("/incidents/1-1").text
    assert 'datetime="2026-03-02T01:30:15Z"' in page
    assert 'title="2026-03-02T09:30:15+08:00 Asia/Shanghai · 2026-03-02T01:30:15Z">09:30<' in page


def test_what_is_not_there_and_what_cannot_be_read_has_a_page(desk: ConsoleDesk) -> None:
    li = Person(desk, "li")
    for path in ("/sites/none.example", "/sites/a b", "/incidents/9-9", "/incidents/x"):
        assert li.get(path).status_code == 404, path
    assert "No incident 9-9; a site" in li.get("/incidents/9-9").text
    assert (
        "No incident has the ID &#39;x&#39;. Incident IDs look like 12-3."
        in li.get("/incidents/x").text
    )
    assert li.get("/?after=nonsense").status_code == 422
    assert li.client.put("/sites").status_code == 405
    assert li.get("/api/v1/none").headers["content-type"] == "application/problem+json"


def test_without_a_database_a_page_says_so(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    li = Person(desk, "li")

    def lost(*_: object, **__: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("incidents.accounts.authenticator.Authenticator.by_session", lost)
    answer = li.get("/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


def test_a_server_whose_key_was_replaced_says_so_on_its_pages(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    li = Person(desk, "li")

    def replaced(*_: object, **__: object) -> None:
        raise ServeKeyReplacedError

    monkeypatch.setattr("incidents.accounts.authenticator.Authenticator.by_session", replaced)
    answer = li.get("/")
    assert answer.status_code == 503
    assert "This server&#39;s key was replaced" in answer.text


# The acts.


def test_numbers_are_masked_until_somebody_asks_which_is_on_record(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li = Person(desk, "li")
    for path in ("/", "/sites/shop.example", "/incidents/1-1"):
        assert "5555 0100" not in li.get(path).text
    for path in ("/queue/1-1/reveal", "/sites/shop.example/reveal"):
        before = len(desk.bodies())
        assert "+86 10 5555 0100" in li.send(path).text
        [new] = desk.bodies()[before:]
        assert '"details_revealed"' in new
        assert '"actor":"li"' in new


def test_whom_to_phone_about_an_incident_stands_on_its_page_with_the_way_to_the_number(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    desk.do("shop.example", c.EditSite(by="li", person="张三"))
    page = Person(desk, "li").get("/incidents/1-1").text
    [shown] = re.findall(r'id="whom" data-masked>(.*?)</p>', page)
    assert "<bdi>张三</bdi>" in shown
    assert "0100" not in shown
    assert 'hx-post="/sites/shop.example/reveal" hx-target="#whom"' in page
    assert (
        'action="/sites/shop.example/reveal"' not in Person(desk, "vera").get("/incidents/1-1").text
    )


@pytest.mark.parametrize("two_people", [False, True])
def test_a_statement_says_whether_it_closes_the_site_or_requests_it(
    desk: ConsoleDesk, two_people: bool
) -> None:
    desk.violation("shop.example")
    policy = Policy(repeat_count=4, two_people_close=two_people)
    desk.app.desk.activate(policy.toml(), by="wang", login=None, reason="agreed")
    desk.do("shop.example", c.RecordContact(by="li", incident=1, outcome="reached"))
    for path, form in (("/sites/shop.example", "false-info"), ("/incidents/1-1", "refused")):
        page = Person(desk, "wang").get(path).text
        [shown] = re.findall(rf'id="act-{form}".*?danger-note">(.*?)</p>', page, re.DOTALL)
        does = "This requests closure" if two_people else "This closes the site immediately."
        assert shown.startswith(does)


def test_who_proves_late_is_asked_for_the_password_and_then_the_same_is_done(
    desk: ConsoleDesk,
) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    desk.do("shop.example", c.StateFalse(by="li", field="phone", evidence="none"))
    wang = Person(desk, "wang")
    seen = str(desk.site("shop.example")["seq"])
    desk.ahead = timedelta(minutes=6)
    path, fields = "/sites/shop.example/reinstate", {"reason": "a new number", "seen": seen}
    asked = wang.send(path, **fields)
    assert 'value="a new number"' in asked.text
    assert about(asked.text) == ["request the reinstatement of the site", "shop.example"]
    wrong = wang.send(path, **fields, proves="1", password="x" * 12)
    assert wrong.status_code == 403
    assert about(wrong.text) == about(asked.text)
    assert desk.site("shop.example")["reinstatement"] is None
    assert wang.send(path, **fields, proves="1", password=PASSWORD).status_code == 303
    assert desk.site("shop.example")["reinstatement"]["by"] == "wang"


def test_of_an_incident_the_site_is_named_too_to_who_proves_late(desk: ConsoleDesk) -> None:
    id_ = desk.violation("shop.example")
    desk.do("shop.example", c.RecordContact(by="li", incident=1, outcome="reached"))
    li, seen = Person(desk, "li"), str(desk.site("shop.example")["seq"])
    desk.ahead = timedelta(minutes=6)
    fields = {"confirm": "shop.example", "seen": seen}
    asked = li.send(f"/incidents/{id_}/refused", **fields)
    assert about(asked.text) == [
        "record a refusal, which closes the site (R5)", "shop.example",
    ]  # fmt: skip


def test_neither_a_wrong_password_nor_an_unknown_detail_closes_a_site(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li, seen = Person(desk, "li"), str(desk.site("shop.example")["seq"])
    fields = {"field": "phone", "evidence": "none", "confirm": "shop.example", "seen": seen}
    wrong = li.send("/sites/shop.example/false-info", **fields, proves="1", password="x" * 12)
    assert wrong.status_code == 403
    assert desk.site("shop.example")["state"] == "active"
    # Nor does a detail that no site has.
    typo = li.send("/sites/shop.example/false-info", **{**fields, "field": "responsible_fone"})
    assert "Did you mean responsible_phone" in typo.text
    assert 'value="responsible_fone"' in typo.text
    assert desk.site("shop.example")["state"] == "active"


def about(page: str) -> list[str]:
    """What the page that asks for the password says is about to be done, and to which site."""
    [found] = re.findall(r'id="about">(.*?)</dl>', page, re.DOTALL)
    return re.findall(r"<b>(?:<bdi>)?([^<]*)", found)


def test_a_site_that_was_changed_meanwhile_is_not_acted_on_and_what_was_typed_is_kept(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    wang, at = Person(desk, "wang"), "/sites/shop.example/hold"
    seen = str(desk.site("shop.example")["seq"])
    desk.do("shop.example", c.RecordContact(by="li", incident=1, outcome="reached"))
    late = wang.send(at, reason="letter 17", seen=seen)
    assert late.status_code == 409
    assert "Nothing was done: somebody else acted first" in late.text
    assert ">letter 17</textarea>" in late.text
    assert not desk.site("shop.example")["held"]
    # The page shows how the site stands now: sent again, it is meant.
    [now] = set(re.findall(r'name="seen" value="(\d+)"', late.text))
    assert wang.send(at, reason="letter 17", seen=now).status_code == 303
    assert desk.site("shop.example")["held"]


@pytest.mark.parametrize("confirm", ["", "other.example", "not a name"])
def test_what_closes_a_site_is_done_for_nobody_who_has_not_typed_its_name(
    desk: ConsoleDesk, confirm: str
) -> None:
    desk.violation("shop.example")
    desk.do("shop.example", c.RecordContact(by="li", incident=1, outcome="reached"))
    seen = str(desk.site("shop.example")["seq"])
    li = Person(desk, "li")
    for path, fields in (
        ("/sites/shop.example/false-info", {"field": "phone", "evidence": "x"}),
        ("/incidents/1-1/refused", {}),
    ):
        assert li.send(path, confirm=confirm, seen=seen, **fields).status_code == 409
        # Nor for who has not looked at it.
        assert li.send(path, confirm="shop.example", **fields).status_code == 409
    assert desk.site("shop.example")["state"] == "active"
    assert li.send("/incidents/1-1/refused", confirm="shop.example", seen=seen).status_code == 303
    assert desk.site("shop.example")["rule"] == "refusal"


def test_the_violation_that_closes_the_site_asks_for_its_name(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    desk.do("shop.example", c.RecordContact(by="li", incident=1, outcome="reached"))
    li = Person(desk, "li")
    second = li.send("/log", step="log", site="shop.example", urls="http://x.example/")
    told = li.get(second.headers["location"]).text
    assert "2 of 3 in 24 h: another violation by " in told
    assert "The URL is on x.example, not on shop.example" in told
    seen = str(desk.site("shop.example")["seq"])
    for path, fields in (
        ("/log", {"step": "log", "site": "shop.example", "note": "a shop"}),
        ("/incidents/1-1/recur", {"seen": seen, "note": "a shop"}),
    ):
        for confirm in ({}, {"confirm": "other.example"}):
            asked = li.send(path, **fields, **confirm)
            assert asked.status_code == 409
            assert (
                "Not logged yet: this is violation 3 of 3 and would close shop.example"
                in asked.text
            )
            assert 'name="confirm"' in asked.text
            assert ">a shop</textarea>" in asked.text
    assert desk.site("shop.example")["state"] == "active"
    assert li.send(path, **fields, confirm="Shop.Example").status_code == 303
    assert desk.site("shop.example")["rule"] == "repeat"


def test_who_leaves_a_closure_in_doubt_finds_the_way_to_decide_it(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    for _ in range(2):
        desk.do("shop.example", c.Log(by="li"))
    wang = Person(desk, "wang")
    seen = str(desk.site("shop.example")["seq"])
    done = wang.send("/incidents/1-3/void", reason="double", seen=seen)
    page = wang.get(done.headers["location"]).text
    assert "Removed from the queue while the closure is disputed: 1-t1 (call about closure)" in page
    assert 'href="/sites/shop.example#act-uphold"' in page
    assert 'id="act-uphold"' in wang.get("/sites/shop.example").text
    # An operator, who cannot decide it, is not led there.
    assert "act-uphold" not in Person(desk, "li").get("/incidents/1-3").text


def test_a_button_that_is_pressed_twice_does_it_once(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li = Person(desk, "li")
    fields = {"outcome": "no-answer", "key": "k1", "seen": "2"}
    for _ in range(2):
        assert li.send("/queue/1-1/contact", **fields).status_code == 303
    [found] = desk.site("shop.example")["incidents"]
    assert len(found["contacts"]) == 1


def test_of_a_long_story_the_newest_lines_are_shown_with_a_way_to_the_older_ones(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.violation("shop.example")
    for outcome in ("no-answer", "reached"):
        desk.do("shop.example", c.RecordContact(by="li", incident=1, outcome=outcome))
    monkeypatch.setattr(incident, "MAX_TIMELINE", 2)
    li = Person(desk, "li")
    newest = li.get("/incidents/1-1").text
    assert "· #4<" in newest
    assert "· #2<" not in newest
    [older] = re.findall(r'rel="next" href="([^"#]+)#h-story"', newest)
    page = li.get(older).text
    assert "· #2<" in page
    assert "· #4<" not in page
    assert 'rel="next"' not in page
    assert '<a href="/incidents/1-1#h-story">Newest entries</a>' in page
    assert li.get("/incidents/1-1?before=0").status_code == 422


def test_a_file_is_attached_and_taken_out_again_as_it_was(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li, name = Person(desk, "li"), "截图 <b>.png"
    sent = li.send("/incidents/1-1/attach", files={"file": (name, b"\x89PNG content")})
    assert sent.status_code == 303
    [found] = desk.site("shop.example")["incidents"][0]["evidence"]
    assert found["name"] == name
    taken = li.send(f"/incidents/1-1/evidence/{found['digest']}")
    assert taken.content == b"\x89PNG content"
    assert taken.headers["content-type"] == "application/octet-stream"
    assert taken.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in taken.headers["content-security-policy"]


def test_a_note_is_for_the_desk_unless_the_customer_is_chosen_and_is_added_once(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    li, at = Person(desk, "li"), "/incidents/1-1/note"
    form = li.get("/incidents/1-1").text
    assert '<input type="radio" name="audience" value="desk" checked>' in form
    assert "shows this text and its time" in form
    for _ in range(2):
        assert li.send(at, text="<b>a relative</b>", key="k1").status_code == 303
    # Nothing that others have done meanwhile makes it untrue.
    desk.do("shop.example", c.RecordContact(by="wang", incident=1, outcome="no-answer"))
    sent = li.send(at, text="Please delete it.", audience="customer", key="k2", seen="1")
    assert sent.status_code == 303
    shown = li.get("/incidents/1-1").text
    assert "note to the customer" in shown
    assert '<p class="quote">&lt;b&gt;a relative&lt;/b&gt;</p>' in shown
    notes = desk.site("shop.example")["incidents"][0]["notes"]
    assert [(each["audience"], each["by"]) for each in notes] == [
        ("desk", "li"), ("customer", "li"),
    ]  # fmt: skip


def test_a_note_that_is_refused_is_not_lost_and_stays_for_whom_it_was(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li = Person(desk, "li")
    for fields, typed in (
        ({"text": "x" * 4_001, "audience": "customer"}, "x" * 4_001),
        ({"audience": "customer"}, ""),
    ):
        again = li.send("/incidents/1-1/note", **fields)
        assert again.status_code == 409
        assert f"required>{typed}</textarea>" in again.text
        assert 'value="customer" aria-describedby="note-seen" checked>' in again.text
    assert li.send("/incidents/1-1/note", text="seen", audience="all").status_code == 409
    assert not [body for body in desk.bodies() if '"note_added"' in body]


def test_links_are_revoked_beside_where_one_is_shown_by_who_may_show_it(
    desk: ConsoleDesk, write_settings: WriteSettings
) -> None:
    desk.violation("shop.example")
    write_settings(SETTINGS)
    li, vera, at = Person(desk, "li"), Person(desk, "vera"), "/incidents/1-1"
    assert f'action="{at}/revoke-links"' in li.get(at).text
    assert "/revoke-links" not in vera.get(at).text
    assert vera.send(f"{at}/revoke-links").status_code == 403
    before = li.send(f"{at}/link").text
    assert li.send(f"{at}/revoke-links", seen="1").status_code == 303
    assert "customer links revoked" in html.unescape(li.get(at).text)
    after = li.send(f"{at}/link").text
    assert (".r1." in before, ".r1." in after) == (False, True)


def test_a_name_that_begins_a_message_is_written_as_it_is(desk: ConsoleDesk) -> None:
    wang = Person(desk, "wang")
    wang.send("/sites", site="shop.example")
    assert ">Added shop.example." in wang.get("/sites/shop.example").text
    again = Person(desk, "li")
    again.send("/sites", site="shop.example")
    assert ">shop.example already exists" in again.get("/sites").text
    desk.do("shop.example", c.StateFalse(by="li", field="phone", evidence="none"))
    seen = str(desk.site("shop.example")["seq"])
    wang.send("/sites/shop.example/reinstate", reason="a new number", seen=seen)
    assert ">wang requested the reinstatement of shop.example" in wang.get("/").text
    seen = str(desk.site("shop.example")["seq"])
    own = wang.send("/sites/shop.example/approve", seen=seen).text
    assert ">wang made this request; another person must decide on it." in own


def test_a_state_that_is_none_lists_no_sites_and_says_which_there_are(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    answer = Person(desk, "li").get("/sites?state=bogus")
    assert answer.status_code == 422
    assert "“bogus” is not a choice for State. Choose active, suspended, closed." in answer.text
    assert 'href="/sites/shop.example"' not in answer.text


def test_what_was_pasted_is_shown_before_it_is_logged(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    li, before = Person(desk, "li"), len(desk.bodies())
    text = "see hxxps://cdn[.]example/a and https://shop.example/b, https://u:p@shop.example/c"
    shown = li.send("/log", step="look", paste=text).text
    assert len(desk.bodies()) == before
    assert 'name="url" value="https://shop.example/b"' in shown
    # Of the hosts that were found, the one that is in the register.
    assert 'name="site" value="shop.example"' in shown
    assert "<code>https://u:p@shop.example/c</code>" in shown
    assert 'name="url" value="hxxps://cdn[.]example/a"' in shown
    given = {"url": "hxxps://shop[.]example/a", "urls": "b.example/x"}
    li.send("/log", step="log", site="shop.example", **given)
    logged = desk.bodies()[-1]
    assert '["https://shop.example/a","http://b.example/x"]' in logged
    assert '["hxxps://shop[.]example/a","b.example/x"]' in logged
    # A host that stands alone is an address if it is a site on record.
    alone = li.send("/log", step="look", paste="shop.example and readme.example").text
    assert re.findall(r'name="url" value="([^"]*)"', alone) == ["shop.example"]


def test_all_that_the_police_are_to_be_told_of_is_found_from_the_queue(desk: ConsoleDesk) -> None:
    ids = [desk.violation(f"s{n}.example") for n in range(3)]
    desk.ahead = timedelta(hours=25)
    li = Person(desk, "li")
    assert 'href="/unreported"' in li.get("/").text
    page = li.get("/unreported").text
    assert "Overdue: 3. Still in time: 0." in page
    assert re.findall(r'href="/incidents/([\d-]+)#act-reported"', page) == ids


def test_what_somebody_may_not_do_is_not_shown_and_why_it_is_not_possible_now_is(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    vera = Person(desk, "vera")
    for path in (
        "/", "/sites/shop.example", "/incidents/1-1", "/sites", "/orders", "/hand-over", "/policy",
        "/audit", "/sites/shop.example/filing",
    ):  # fmt: skip
        main = vera.get(path).text.partition("<main")[2]
        sent = set(re.findall(r'<form[^>]*method="post"[^>]*>', main))
        # Views are one's own, and to try a policy changes nothing.
        assert {form for form in sent if not re.search("/views|/policy/try", form)} == set()
        assert "disabled" not in main
    page = Person(desk, "wang").get("/sites/shop.example").text
    [impossible] = re.findall(r'<details class="act" id="not-now">.*?</details>', page, re.DOTALL)
    assert "shop.example is active, not closed; nothing to reinstate." in impossible
    assert "<form" not in impossible
    assert page.index('id="act-contact"') < page.index(impossible)


@pytest.mark.parametrize("path", ["/sign-in", "/language"])
@pytest.mark.parametrize("told", ["10", str(MAX_OPEN_BODY + 10), ""])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_of_a_form_no_more_is_read_than_anybody_types_whatever_it_says_of_itself(
    desk: ConsoleDesk, path: str, told: str, kind: str
) -> None:
    """A length may stand beside `Transfer-Encoding: chunked`, and then is not what is sent."""
    head = b'--x\r\nContent-Disposition: form-data; name="to"; filename="to"\r\n\r\n'
    body = (head if kind.startswith("multipart") else b"to=") + b"x" * MAX_OPEN_BODY
    headers = {"Content-Type": f"{kind}; boundary=x", "Content-Length": told}
    answer = stranger(desk).post(path, content=body, headers=headers)
    assert answer.status_code == 413


def test_a_form_that_is_sent_twice_is_done_once_with_scripts_and_without(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    li, seen = Person(desk, "li"), str(desk.site("shop.example")["seq"])
    at, fields = "/queue/1-1/contact", {"outcome": "no-answer", "seen": seen}

    def contacts() -> int:
        return len(desk.site("shop.example")["incidents"][0]["contacts"])

    # The second press of a button lands on a page that knows of the first one already.
    for now in (seen, str(int(seen) + 1)):
        assert li.send(at, **{**fields, "seen": now}).status_code == 303
    assert contacts() == 1
    assert "recorded once" in li.get("/").text
    desk.ahead += timedelta(seconds=11)
    li.send(at, **{**fields, "seen": str(desk.site("shop.example")["seq"])})
    assert contacts() == 2
    # What was taken, given back and taken again is taken.
    for to in ("claim", "release", "claim"):
        li.send(f"/queue/1-1/{to}", seen=str(desk.site("shop.example")["seq"]))
    assert 'data-by="li"' in li.get("/").text
    # The key of a page holds for good.
    log = {"step": "log", "site": "shop.example", "again": "1", "key": "k1"}
    first = li.send("/log", **log).headers["location"]
    desk.ahead += timedelta(minutes=5)
    assert li.send("/log", **log).headers["location"] == first
    assert len(desk.site("shop.example")["incidents"]) == 2


def test_an_open_page_is_told_where_to_go_and_what_has_come_of_it(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    li, seen = Person(desk, "li"), str(desk.site("shop.example")["seq"])
    li.client.headers["hx-request"] = "true"
    done = li.send("/incidents/1-1/contact", outcome="reached", seen=seen)
    assert (done.status_code, done.headers["hx-redirect"]) == (200, "/incidents/1-1")
    assert 'class="said done"' in done.text
    refused = li.send("/incidents/1-1/contact", outcome="reached", seen=seen, note="later")
    assert (refused.status_code, "hx-redirect" in refused.headers) == (409, False)
    for answer in (done, refused, li.get("/no"), li.send("/queue/1-1/claim")):
        assert answer.headers["x-incidents"] == "console"


def test_of_what_a_colleague_has_claimed_is_asked_wherever_it_is_acted_on(
    desk: ConsoleDesk,
) -> None:
    desk.violation("shop.example")
    desk.do("shop.example", c.ClaimItem(by="chen", item="1"))
    li, chen = Person(desk, "li"), Person(desk, "chen")
    seen = str(desk.site("shop.example")["seq"])
    fields = {"outcome": "reached", "seen": seen, "note": "she called"}
    for at, back in (
        ("/queue/1-1/contact", "/"), ("/incidents/1-1/contact", "/incidents/1-1"),
        ("/sites/shop.example/contact", "/sites/shop.example"),
    ):  # fmt: skip
        before = len(desk.bodies())
        for known in ("", "wang"):
            asked = li.send(at, **fields, despite=known)
            assert asked.status_code == 409
        assert "chen claimed this item at" in asked.text
        assert f'action="{at}"' in asked.text
        assert f'href="{back}"' in asked.text
        assert 'name="note" value="she called"' in asked.text
        assert len(desk.bodies()) == before
    # A note is as true whoever has it; and only who has it can give it back.
    assert li.send("/incidents/1-1/note", text="x").status_code == 303
    assert "/queue/1-1/release" not in li.get("/").text
    assert "/queue/1-1/release" in chen.get("/").text
    fields["seen"] = str(desk.site("shop.example")["seq"])
    assert li.send("/queue/1-1/contact", **fields, despite="chen").status_code == 303
    assert desk.site("shop.example")["incidents"][0]["state"] == "notified"


def test_a_form_is_read_for_those_alone_who_may_do_what_it_is_for(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    vera = Person(desk, "vera")
    for path in (
        "/log", "/sites", "/incidents/1-1/attach", "/incidents/1-1/link", "/hand-over",
        "/sites/shop.example/filing/details", "/sites/shop.example/reveal",
    ):  # fmt: skip
        sent = vera.client.post(path, content=b"x" * (MAX_FORM_BYTES + 1))
        assert sent.status_code == 403, path
    li = Person(desk, "li")
    files = [("file", ("a.txt", b"x" * (MAX_FORM_BYTES + 1)))]
    data = {"csrf": li.csrf, "paste": "https://shop.example/"}
    assert li.client.post("/log", data=data, files=files).status_code == 413
    assert li.client.post("/incidents/1-1/attach", data=data, files=files).status_code == 303
    for fields, status in ((MAX_FIELDS - 3, 200), (MAX_FIELDS, 413)):
        many = "&".join(f"f{n}=" for n in range(fields))
        form = f"csrf={li.csrf}&paste=x&{many}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert li.client.post("/log", content=form, headers=kind).status_code == status, fields


def test_of_an_incident_whose_clock_does_not_run_nothing_counts_down(desk: ConsoleDesk) -> None:
    desk.violation("shop.example")
    # Its report to the police has a time of its own, which a closure does not end.
    desk.do("shop.example", c.StateReported(by="li", incident=1))
    li = Person(desk, "li")
    pages = ("/sites/shop.example", "/incidents/1-1")
    for page in pages:
        shown = li.get(page).text
        assert ("data-ticks" in shown, "no clock" in shown) == (True, False), page
    desk.do("shop.example", c.StateFalse(by="li", field="phone", evidence="none"))
    for page in pages:
        shown = li.get(page).text
        assert ("data-ticks" in shown, "no clock" in shown) == (False, True), page
