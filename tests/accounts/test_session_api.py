"""Sessions over HTTP: the cookie, the form's word (CSRF), proving again, and slow guessing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from starlette.testclient import TestClient

from incidents import clock as time
from incidents.desk import Envelope, accounts, factors
from incidents.desk.own_stream import Actor
from incidents.machine import commands as c
from incidents.store.accounts.factors import TOTP
from tests.api.rig import ADMIN, BASE, PASSWORD, Rig, rig
from tests.conftest import WriteSettings

SESSION, PROOF = "/api/v1/session", "/api/v1/session/proof"


@pytest.fixture
def moved() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time("2026-03-01 10:00:00") as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


@pytest.fixture
def api(
    db_url: str, monkeypatch: pytest.MonkeyPatch, moved: FrozenDateTimeFactory
) -> Iterator[Rig]:
    """A desk with two supervisors who have passwords."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with rig(db_url) as found:
        found.account("admin-1", "administrator", password=True)
        for handle in ("sup-1", "sup-2"):
            found.account(handle, "supervisor", password=True)
        yield found


def signed_in(api: Rig, handle: str = "sup-1") -> TestClient:
    """A browser in a session, whose forms have the right word."""
    client = api.nobody()
    answer = client.post(SESSION, json={"handle": handle, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return client


def name_of(answer: object) -> str:
    found: str = answer.json()["type"]  # type: ignore[attr-defined]
    return found.removeprefix("urn:incidents:problem:")


def test_a_session_begins_with_a_password_and_its_cookie_is_the_hosts_own(api: Rig) -> None:
    answer = api.nobody().post(SESSION, json={"handle": "sup-1", "password": PASSWORD})
    assert answer.status_code == 201
    own = {"httponly", "path=/", "samesite=strict", "secure"}
    flags = {
        cookie.partition("=")[0]: {each.strip().lower() for each in cookie.split(";")[1:]}
        for cookie in answer.headers.get_list("set-cookie")
    }
    assert flags == {
        "__Host-incidents": own, "__Host-incidents-browser": own | {f"max-age={90 * 86_400}"},
    }  # fmt: skip
    told = answer.json()
    assert (told["handle"], told["role"], told["token"]) == ("sup-1", "supervisor", None)
    assert "approve" in told["may"]
    assert "approve" in told["in_person"]
    assert "keep_accounts" not in told["may"]
    assert told["proved_until"] == "2026-03-01T10:05:00Z"
    assert answer.headers["cache-control"] == "no-store"
    assert PASSWORD not in answer.text


def test_who_asks_who_they_are_is_told_by_session_and_by_token(api: Rig) -> None:
    assert signed_in(api).get(SESSION).json()["handle"] == "sup-1"
    told = api.client("viewer").get(SESSION).json()
    assert (told["handle"], told["csrf"], told["in_person"]) == ("viewer-1", None, [])
    assert api.nobody().get(SESSION).status_code == 401


def test_whoever_is_nobody_is_told_the_same(api: Rig) -> None:
    for handle, password in (
        ("sup-1", "not that sentence"), ("sup-9", PASSWORD), ("\u0000", PASSWORD), ("", ""),
        ("' OR 1=1 --", "x"), ("sup-1", PASSWORD * 20),
    ):  # fmt: skip
        answer = api.nobody().post(SESSION, json={"handle": handle, "password": password})
        assert (answer.status_code, name_of(answer)) == (401, "sign-in"), handle
        assert "set-cookie" not in answer.headers
        assert answer.headers["www-authenticate"]


def test_a_form_of_another_page_signs_nobody_in(api: Rig) -> None:
    body = f'{{"handle":"sup-1","password":"{PASSWORD}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = api.nobody().post(SESSION, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 422, kind
        assert PASSWORD not in answer.text


def test_guessing_is_slowed_down_and_told_for_how_long(
    api: Rig, moved: FrozenDateTimeFactory
) -> None:
    for _ in range(5):
        wrong = {"handle": "sup-1", "password": "not that sentence"}
        assert api.nobody().post(SESSION, json=wrong).status_code == 401
    right = {"handle": "sup-1", "password": PASSWORD}
    answer = api.nobody().post(SESSION, json=right)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    moved.tick(timedelta(seconds=30))
    assert api.nobody().post(SESSION, json=right).status_code == 201


def test_a_cookie_from_before_the_sign_in_is_worth_nothing_after_it(api: Rig) -> None:
    """Session fixation: neither a foreign word nor another session's goes on."""
    client = api.nobody()
    client.cookies.set("__Host-incidents", "chosen-by-somebody-else", domain="desk.host.example")
    client.post(SESSION, json={"handle": "sup-1", "password": PASSWORD})
    other = api.nobody()
    other.cookies.set("__Host-incidents", "chosen-by-somebody-else")
    assert other.get(SESSION).status_code == 401
    again = signed_in(api)
    old = again.cookies["__Host-incidents"]
    again.post(SESSION, json={"handle": "sup-1", "password": PASSWORD})
    stale = api.nobody()
    stale.cookies.set("__Host-incidents", old)
    assert stale.get(SESSION).status_code == 401


def test_a_change_needs_the_word_of_its_own_session(api: Rig) -> None:
    client, others = signed_in(api), signed_in(api).headers["X-CSRF-Token"]
    del client.headers["X-CSRF-Token"]
    for word in (None, "", "0" * 64, others, "é"):
        headers = {} if word is None else {"X-CSRF-Token": word.encode()}
        for method, path, body in (
            ("POST", PROOF, {"password": PASSWORD}), ("DELETE", SESSION, None),
            ("POST", "/api/v1/tokens", {"days": 1}), ("POST", "/api/v1/accounts", {}),
        ):  # fmt: skip
            answer = client.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.json().get("why")) == (403, "csrf"), (path, word)
    assert client.get(SESSION).status_code == 200


def test_a_session_that_was_signed_out_is_over(api: Rig) -> None:
    client = signed_in(api)
    cookie = client.cookies["__Host-incidents"]
    answer = client.delete(SESSION)
    assert (answer.status_code, answer.headers["clear-site-data"]) == (204, '"cache"')
    again = api.nobody()
    again.cookies.set("__Host-incidents", cookie)
    assert again.get(SESSION).status_code == 401


def test_a_disabled_account_and_a_revoked_token_are_out_at_once(api: Rig) -> None:
    client, admin = signed_in(api), signed_in(api, "admin-1")
    answer = admin.patch("/api/v1/accounts/sup-1", json={"disabled": True})
    assert answer.status_code == 200, answer.text
    assert client.get(SESSION).status_code == 401
    panel = api.client("integrator")
    [token] = panel.get("/api/v1/tokens").json()["items"]
    assert admin.delete(f"/api/v1/tokens/{token['id']}").status_code == 204
    assert panel.get(SESSION).status_code == 401


def test_a_new_role_holds_at_once(api: Rig) -> None:
    client, admin = signed_in(api), signed_in(api, "admin-1")
    assert admin.patch("/api/v1/accounts/sup-1", json={"role": "viewer"}).status_code == 200
    assert "approve" not in client.get(SESSION).json()["may"]


def test_after_five_minutes_what_is_done_in_person_needs_the_password_again(
    api: Rig, moved: FrozenDateTimeFactory
) -> None:
    client = signed_in(api)
    moved.tick(timedelta(minutes=5))
    assert client.post("/api/v1/tokens", json={"days": 1}).status_code == 201
    moved.tick(timedelta(microseconds=1))
    late = client.post("/api/v1/tokens", json={"days": 1})
    assert (late.status_code, late.json()["why"]) == (403, "prove_again")
    wrong = client.post(PROOF, json={"password": "not that sentence"})
    assert (wrong.status_code, name_of(wrong)) == (401, "sign-in")
    assert client.post("/api/v1/tokens", json={"days": 1}).status_code == 403
    proved = client.post(PROOF, json={"password": PASSWORD})
    assert proved.json()["proved_until"] == "2026-03-01T10:10:00.000001Z"
    assert client.post("/api/v1/tokens", json={"days": 1}).status_code == 201


def test_no_token_does_what_is_done_in_person(api: Rig) -> None:
    api.app.desk.submit([Envelope(site="shop.example", command=c.AddSite(by="li"))])
    supervisor = api.client("supervisor")
    answer = supervisor.post("/api/v1/tokens", json={"days": 1})
    assert (answer.status_code, answer.json()["why"]) == (403, "in_person")
    own = "/api/v1/accounts/supervisor-1/password"
    answer = supervisor.put(own, json={"password": "another long sentence"})
    assert (answer.status_code, answer.json()["why"]) == (403, "in_person")
    assert supervisor.post(PROOF, json={"password": PASSWORD}).status_code == 401


def test_a_browser_that_somebody_signed_in_by_is_not_kept_out_by_who_guesses_beside_it(
    api: Rig,
) -> None:
    known, stranger = signed_in(api), api.nobody()
    assert known.delete(SESSION).status_code == 204
    assert [guess(stranger, "sup-1") for _ in range(6)] == [401] * 5 + [429]
    body = {"handle": "sup-1", "password": PASSWORD}
    assert stranger.post(SESSION, json=body).status_code == 429
    assert known.post(SESSION, json=body).status_code == 201
    assert known.post(SESSION, json=body | {"handle": "sup-2"}).status_code == 201
    for secret, status in ((api.token("sup-2"), 429), ("inc_x", 429), (api.token("sup-1"), 201)):
        stranger.headers["Authorization"] = f"Bearer {secret}"
        assert stranger.post(SESSION, json=body).status_code == status


# ── where it comes from ──────────────────────────────────────────────────────────────────────────


def guess(client: TestClient, name: str, forwarded: str | None = None) -> int:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    body = {"handle": name, "password": "not that sentence"}
    status: int = client.post(SESSION, json=body, headers=headers).status_code
    return status


def test_what_somebody_writes_into_a_header_is_not_where_they_come_from(api: Rig) -> None:
    client = TestClient(api.asgi_app, base_url=BASE, client=("192.0.2.7", 5))
    for n in range(20):
        assert guess(client, f"op-{n}", f"198.51.100.{n}") == 401
    assert guess(client, "op-99", "198.51.100.99") == 429


def test_a_trusted_proxy_says_where_it_comes_from_and_nobody_before_it(
    api: Rig, write_settings: WriteSettings
) -> None:
    write_settings('[serve]\ntrusted_proxies = ["127.0.0.1", "10.0.0.0/8"]\n')
    from incidents.web import app

    client = TestClient(app.create(api.app), base_url=BASE, client=("127.0.0.1", 5))
    for n in range(20):
        assert guess(client, f"op-{n}", f"203.0.113.{n}, 198.51.100.7, 10.1.2.3") == 401
    assert guess(client, "op-98", "198.51.100.7") == 429
    assert guess(client, "op-99", "198.51.100.8, 10.9.9.9") == 401


# ── accounts and tokens ──────────────────────────────────────────────────────────────────────────


def test_an_administrator_makes_an_account_which_signs_in(api: Rig) -> None:
    admin = signed_in(api, "admin-1")
    made = admin.post("/api/v1/accounts", json={"handle": "op-1", "role": "operator"})
    assert (made.status_code, made.json()["role"]) == (201, "operator")
    twice = admin.post("/api/v1/accounts", json={"handle": "op-1", "role": "operator"})
    assert (twice.status_code, name_of(twice)) == (409, "account-exists")
    done = admin.put("/api/v1/accounts/op-1/password", json={"password": PASSWORD})
    assert done.status_code == 204, done.text
    assert signed_in(api, "op-1").get("/api/v1/accounts/op-1").json()["handle"] == "op-1"
    names = [each["handle"] for each in admin.get("/api/v1/accounts").json()["items"]]
    assert names == ["admin-1", "op-1", "sup-1", "sup-2"]


SEEING = (
    "/accounts", "/accounts/admin-1", "/tokens?all=true", "/tokens?handle=admin-1",
    "/sessions?all=true", "/sessions?handle=admin-1",
)  # fmt: skip
KEEPING: tuple[tuple[str, str, dict[str, object] | None], ...] = (
    ("POST", "/accounts", {"handle": "op-1", "role": "operator"}),
    ("PATCH", "/accounts/sup-1", {"role": "administrator"}),
    ("PATCH", "/accounts/sup-1", {"disabled": False}),
    ("PUT", "/accounts/sup-2/password", {"password": PASSWORD}),
    ("POST", "/tokens", {"handle": "admin-1", "days": 1}), ("DELETE", "/tokens/0123456789", None),
    ("DELETE", "/sessions/0123456789", None),
)  # fmt: skip
IMPOSSIBLE: tuple[tuple[str, str, dict[str, object] | None, int], ...] = (
    ("PATCH", "/accounts/admin-1", {"disabled": True}, 409),
    ("PATCH", "/accounts/admin-1", {"role": "viewer"}, 409),
    ("PATCH", "/accounts/nobody-1", {"role": "viewer"}, 404),
    ("PATCH", "/accounts/%00", {"role": "viewer"}, 404),
    ("PATCH", "/accounts/sup-1", {"role": "boss"}, 422),
    ("PATCH", "/accounts/sup-1", {"rank": 1}, 422),
    ("GET", "/accounts/%F0%28%8C%28", None, 404),
    ("POST", "/accounts", {"handle": "Wang Wei", "role": "viewer"}, 422),
    ("POST", "/accounts", {"handle": "op13900000000", "role": "viewer"}, 422),
    ("PUT", "/accounts/sup-1/password", {"password": "short"}, 422),
    ("PUT", "/accounts/nobody-1/password", {"password": PASSWORD}, 404),
    ("POST", "/tokens", {"handle": "sup-1", "days": 0}, 422),
    ("POST", "/tokens", {"handle": "sup-1", "days": 10 ** 30}, 422),
    ("POST", "/tokens", {"handle": "sup-1", "days": 1, "acts": ["approve"]}, 422),
    ("POST", "/tokens", {"handle": "sup-1", "days": 1, "acts": []}, 422),
    ("DELETE", "/tokens/%00", None, 404),
    ("GET", "/tokens?handle=%00", None, 200),
    ("DELETE", "/sessions/%00", None, 404),
    ("GET", "/sessions?handle=%00", None, 200),
    ("GET", "/sign-ins?handle=%00", None, 200),
    ("GET", "/sign-ins?cursor=x", None, 422),
    ("GET", "/refusals?since=yesterday", None, 422),
    ("POST", "/accounts/nobody-1/erase", {"reason": "r"}, 404),
)  # fmt: skip


def test_who_keeps_no_accounts_has_only_their_own(api: Rig) -> None:
    client = signed_in(api)
    seeing = [("GET", path, None, "see_accounts") for path in SEEING]
    keeping = [(*asked, "keep_accounts") for asked in KEEPING]
    for n, (method, path, body, act) in enumerate([*seeing, *keeping], 1):
        answer = client.request(method, f"/api/v1{path}", json=body)
        assert (answer.status_code, answer.json()["why"]) == (403, "role"), path
        refused = {each["act"]: each["count"] for each in api.refusals()}
        assert (act in refused, sum(refused.values())) == (True, n), path


def test_an_administrators_token_sees_the_accounts_and_gives_nobody_a_way_in(api: Rig) -> None:
    program = api.client("administrator")
    before = program.get("/api/v1/accounts").json()
    for path in SEEING:
        assert program.get(f"/api/v1{path}").status_code == 200, path
    for method, path, body in KEEPING:
        answer = program.request(method, f"/api/v1{path}", json=body)
        assert (answer.status_code, answer.json()["why"]) == (403, "in_person"), path
    assert program.get("/api/v1/accounts").json() == before
    [own] = program.get("/api/v1/tokens").json()["items"]
    assert program.delete(f"/api/v1/tokens/{own['id']}").status_code == 204


@pytest.mark.both_databases
def test_what_cannot_be_is_a_problem(api: Rig) -> None:
    client = signed_in(api, "admin-1")
    for method, path, body, status in IMPOSSIBLE:
        answer = client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, (path, answer.text)
        if status != 200:
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_is_told_once_and_lets_in_for_what_it_is_for(api: Rig) -> None:
    client = signed_in(api)
    made = client.post("/api/v1/tokens", json={"days": 7, "acts": ["look"]}).json()
    assert made["expires_at"] == "2026-03-08T10:00:00Z"
    assert "secret" not in client.get("/api/v1/tokens").json()["items"][0]
    program = api.nobody()
    program.headers["Authorization"] = f"Bearer {made['secret']}"
    assert program.get(SESSION).json()["may"] == ["look"]
    assert program.get("/api/v1/queue").status_code == 200
    assert client.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert program.get("/api/v1/queue").status_code == 401


def test_under_one_key_an_account_is_made_once_and_answered_as_at_first(api: Rig) -> None:
    admin, keyed = signed_in(api, "admin-1"), {"Idempotency-Key": "k1"}
    new = {"handle": "op-1", "role": "operator"}
    made = admin.post("/api/v1/accounts", json=new, headers=keyed)
    assert admin.patch("/api/v1/accounts/op-1", json={"role": "viewer"}).status_code == 200
    again = admin.post("/api/v1/accounts", json=new, headers=keyed)
    assert (again.status_code, again.json()) == (201, made.json())
    other = admin.post("/api/v1/accounts", json=new | {"handle": "op-2"}, headers=keyed)
    assert (other.status_code, name_of(other)) == (422, "key-reused")
    assert len(api.entries("account_made")) == 4
    twice = admin.post("/api/v1/accounts", json=new, headers={"Idempotency-Key": "k2"})
    assert (twice.status_code, name_of(twice)) == (409, "account-exists")


def test_under_one_key_a_token_is_made_once_and_a_repetition_says_which(api: Rig) -> None:
    """Its secret is kept nowhere, so it cannot be told again."""
    client, keyed = signed_in(api), {"Idempotency-Key": "k1"}
    made = client.post("/api/v1/tokens", json={"days": 7}, headers=keyed).json()
    again = client.post("/api/v1/tokens", json={"days": 7}, headers=keyed)
    assert (again.status_code, name_of(again)) == (409, "token-made")
    assert again.json()["token"] == made["id"]
    assert made["secret"] not in again.text
    for body in ({"days": 8}, {"days": 7, "acts": ["look"]}):
        other = client.post("/api/v1/tokens", json=body, headers=keyed)
        assert (other.status_code, name_of(other)) == (422, "key-reused")
    assert [each["id"] for each in client.get("/api/v1/tokens").json()["items"]] == [made["id"]]
    assert client.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    fresh = {"Idempotency-Key": "k2"}
    assert client.post("/api/v1/tokens", json={"days": 7}, headers=fresh).status_code == 201
    with api.app.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM keys").all()
    assert made["secret"] not in repr(rows)


@pytest.mark.both_databases
def test_of_many_that_ask_for_a_token_under_one_key_at_once_one_gets_it(api: Rig) -> None:
    clients = [signed_in(api) for _ in range(4)]
    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(
            lambda client: client.post(
                "/api/v1/tokens", json={"days": 7}, headers={"Idempotency-Key": "k1"}
            ).status_code,
            clients,
        ))  # fmt: skip
    assert sorted(answers) == [201, 409, 409, 409]
    assert len(api.entries("token_made")) == 1


def test_a_new_password_ends_the_sessions_and_only_it_lets_in(api: Rig) -> None:
    client = signed_in(api)
    new = "another long sentence"
    assert client.put("/api/v1/accounts/sup-1/password", json={"password": new}).status_code == 204
    assert client.get(SESSION).status_code == 401
    body = {"handle": "sup-1", "password": PASSWORD}
    assert api.nobody().post(SESSION, json=body).status_code == 401
    assert api.nobody().post(SESSION, json=body | {"password": new}).status_code == 201


@pytest.mark.both_databases
def test_no_secret_stands_in_the_database_as_it_is(api: Rig) -> None:
    client = signed_in(api)
    secret = client.post("/api/v1/tokens", json={"days": 7}).json()["secret"]
    cookie = client.cookies["__Host-incidents"]
    with api.app.reading() as connection:
        for table in ("tokens", "sessions", "passwords", "entries", "attempts", "sign_ins"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            for word in (secret, cookie, PASSWORD):
                assert word not in repr(rows), table


def test_the_last_administrator_by_token_is_not_the_one_with_a_password(api: Rig) -> None:
    """Else the command line would be open again."""
    api.account("admin-2", "administrator")
    admin = signed_in(api, "admin-1")
    answer = admin.patch("/api/v1/accounts/admin-1", json={"disabled": True})
    assert (answer.status_code, name_of(answer)) == (409, "last-administrator")
    api.app.desk.on_record(lambda each: accounts.enable(each, ADMIN, "admin-1", time.now))


def test_an_administrator_invites_and_revokes_over_http(api: Rig) -> None:
    admin = signed_in(api, "admin-1")
    made = admin.post("/api/v1/invitations", json={"handle": "op-1", "role": "operator"})
    assert (made.status_code, made.json()["state"]) == (201, "open")
    path = made.json()["path"]
    assert path.startswith("/join/")
    listed = admin.get("/api/v1/invitations?handle=op-1")
    assert [each["id"] for each in listed.json()["items"]] == [made.json()["id"]]
    assert path not in listed.text
    assert admin.delete(f"/api/v1/invitations/{made.json()['id']}").status_code == 204
    assert api.nobody().get(path).status_code == 404
    other = admin.post("/api/v1/invitations", json={"handle": "sup-1", "role": "operator"})
    assert (other.status_code, name_of(other)) == (409, "other-role")
    assert signed_in(api).post("/api/v1/invitations", json={"handle": "x-1"}).status_code == 403


def test_an_administrator_resets_second_factors_over_http(api: Rig) -> None:
    by = Actor(person="sup-1", login="session", signed_in=True)
    new = factors.blank("sup-1", TOTP, "phone", time.now)._replace(
        secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    )
    api.app.desk.on_record(lambda c: factors.add(c, by, new, time.now, seal=api.app.seal))
    given = {"handle": "sup-1", "password": PASSWORD}
    for code, name in ((None, "factor-needed"), ("000000", "wrong-factor")):
        answer = api.nobody().post(SESSION, json={**given, "code": code})
        assert (answer.status_code, name_of(answer)) == (401, name)
    admin = signed_in(api, "admin-1")
    assert admin.get("/api/v1/accounts/sup-1").json()["second_factors"] == ["totp"]
    assert admin.delete("/api/v1/accounts/sup-1/factors").status_code == 204
    assert api.nobody().post(SESSION, json=given).status_code == 201
