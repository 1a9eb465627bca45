"""Signing in at a provider: whose word is taken, for whom, and what is refused of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts import access_settings
from incidents.desk import accounts
from incidents.errors import SettingError, UnknownSettingError
from tests.accounts.oidc_provider import CLIENT, SECRET, STRANGERS, Provider, running
from tests.api.rig import ADMIN, PASSWORD, Rig, rig

SESSION = "/api/v1/session"
GO, AGAIN, BACK = f"{SESSION}/oidc", f"{SESSION}/oidc/proof", f"{SESSION}/oidc/answer"


@pytest.fixture(scope="module")
def _running() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(
    _running: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Provider:  # fmt: skip
    """A provider as at first, which the settings name."""
    provider = _running
    provider.__init__(provider.issuer)  # type: ignore[misc]  # as new
    secret, file = tmp_path / "secret", tmp_path / "config.toml"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    file.write_text(
        f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
        f'client_secret_file = "{secret}"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("INCIDENTS_CONFIG", str(file))
    return provider


@pytest.fixture
def api(db_url: str, provider: Provider) -> Iterator[Rig]:
    with rig(db_url) as found:
        for handle, role in (("sup-1", "supervisor"), ("sup-2", "supervisor")):
            found.account(handle, role)
        yield found


def browser(api: Rig) -> TestClient:
    return TestClient(
        api.app, base_url="https://desk.host.example", raise_server_exceptions=False,
        follow_redirects=False,
    )  # fmt: skip


def there(client: TestClient, path: str = GO) -> str:
    """To the provider, and what it sends the browser back with: the query."""
    sent = client.get(path)
    assert sent.status_code == 303, sent.text
    back = httpx.get(sent.headers["location"], follow_redirects=False)
    assert back.status_code == 303
    parts = urlsplit(back.headers["location"])
    assert (parts.netloc, parts.path) == ("desk.host.example", BACK)
    return parts.query


def test_whom_the_provider_signs_in_has_a_session_of_their_account(
    api: Rig, provider: Provider
) -> None:
    client = browser(api)
    answer = client.get(f"{BACK}?{there(client)}")
    assert answer.status_code == 200, answer.text
    told = client.get(SESSION).json()
    assert (told["handle"], told["role"]) == ("sup-1", "supervisor")
    cookies = answer.headers.get_list("set-cookie")
    [own] = [each for each in cookies if each.startswith("__Host-incidents=")]
    assert {"HttpOnly", "Secure", "Path=/"} <= {each.strip() for each in own.split(";")}
    assert "samesite=strict" in own.lower()
    assert "__Host-incidents-oidc" not in client.cookies
    assert provider.asked["redirect_uri"] == f"https://desk.host.example{BACK}"
    assert "prompt" not in provider.asked


def test_a_code_is_good_once_and_only_in_the_browser_that_asked(api: Rig) -> None:
    client, thief = browser(api), browser(api)
    query = there(client)
    assert thief.get(f"{BACK}?{query}").status_code == 400
    there(thief)
    stolen = thief.get(f"{BACK}?{query}")
    assert (stolen.status_code, "state" in stolen.text) == (403, True)
    assert client.get(f"{BACK}?{query}").status_code == 200
    assert client.get(f"{BACK}?{query}").status_code == 400


def test_a_code_of_another_question_fits_no_verifier(api: Rig) -> None:
    """What protects where the state was read: PKCE."""
    client, other = browser(api), browser(api)
    mine, theirs = parse_qs(there(client)), parse_qs(there(other))
    mixed = urlencode({"state": mine["state"][0], "code": theirs["code"][0]})
    answer = client.get(f"{BACK}?{mixed}")
    assert (answer.status_code, "(code)" in answer.text) == (403, True)


@pytest.mark.parametrize("claims", [
    {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": ["another"]}, {"aud": None},
    {"aud": [CLIENT, "another"], "azp": "another"}, {"iss": "https://evil.example"}, {"iss": None},
    {"exp": int(time.time()) - 3600}, {"exp": None}, {"iat": int(time.time()) + 3600},
    {"nbf": int(time.time()) + 3600}, {"auth_time": None}, {"auth_time": "now"},
    {"auth_time": 10 ** 30}, {"sub": None}, {"preferred_username": None},
    {"preferred_username": ["sup-1"]}, {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
])  # fmt: skip
def test_a_token_that_is_not_for_this_question_lets_nobody_in(
    api: Rig, provider: Provider, claims: dict[str, object]
) -> None:
    provider.claims = claims
    client = browser(api)
    answer = client.get(f"{BACK}?{there(client)}")
    assert answer.status_code == 403, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "__Host-incidents" not in client.cookies


@pytest.mark.parametrize("kind", ["none", "shared", "stranger", "nonsense", "empty"])
def test_a_token_that_the_provider_has_not_signed_lets_nobody_in(
    api: Rig, provider: Provider, kind: str
) -> None:
    client = browser(api)
    query = there(client)
    nonce = provider.asked["nonce"]
    shared = OctKey.import_key(SECRET * 3)
    forged = {
        "none": provider.unsigned(),
        "shared": provider.id_token(nonce, "HS256", shared),
        "stranger": provider.id_token(nonce, key=STRANGERS),
        "nonsense": "a.b.c",
        "empty": "e30.e30.",
    }
    provider.forged = forged[kind]
    answer = client.get(f"{BACK}?{query}")
    assert answer.status_code == 403, answer.text
    assert "__Host-incidents" not in client.cookies


@pytest.mark.parametrize(("change", "status"), [
    ({"state": "another"}, 403), ({"state": ""}, 403), ({"state": "é"}, 403), ({"code": ""}, 403),
    ({"code": "x" * 5_000}, 403), ({"iss": "https://evil.example"}, 403),
    ({"error": "access_denied"}, 403), ({"code": "never given out"}, 403),
])  # fmt: skip
def test_what_the_browser_brings_back_must_fit(
    api: Rig, change: dict[str, str], status: int
) -> None:
    client = browser(api)
    query = {name: values[0] for name, values in parse_qs(there(client)).items()} | change
    answer = client.get(f"{BACK}?{urlencode(query)}")
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("cookie", ["", "x", "e30", "bnVsbA==", "eyJiZWZvcmUiOjF9", "%00"])
def test_a_cookie_that_was_not_written_here_is_no_question(api: Rig, cookie: str) -> None:
    client = browser(api)
    client.cookies.set("__Host-incidents-oidc", cookie)
    assert client.get(f"{BACK}?code=1&state=2").status_code == 400


@pytest.mark.parametrize("handle", ["nobody-1", "Sup-1", "sup-1 ", "", "\u0000", "a@b.example"])
def test_who_has_no_account_is_not_let_in(api: Rig, provider: Provider, handle: str) -> None:
    provider.handle = handle
    client = browser(api)
    answer = client.get(f"{BACK}?{there(client)}")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:incidents:problem:sign-in")
    assert "__Host-incidents" not in client.cookies


def test_whose_account_is_disabled_is_not_let_in_and_that_is_on_record(api: Rig) -> None:
    api.house.desk.on_record(lambda each: accounts.disable(each, ADMIN, "sup-1", clock.now))
    client = browser(api)
    assert client.get(f"{BACK}?{there(client)}").status_code == 401
    with api.house.reading() as connection:
        wanted = "SELECT body FROM entries ORDER BY id DESC LIMIT 1"
        last = connection.exec_driver_sql(wanted).scalar_one()
    assert all(each in last for each in ('"why":"disabled"', '"act":"sign_in"', '"sup-1"'))


# ── proving again ────────────────────────────────────────────────────────────────────────────────


def test_what_was_proved_long_ago_at_the_provider_is_not_fresh_here(
    api: Rig, provider: Provider
) -> None:
    provider.age_s = 3_600
    client = browser(api)
    client.get(f"{BACK}?{there(client)}")
    client.headers["X-CSRF-Token"] = client.get(SESSION).json()["csrf"]
    late = client.post("/api/v1/tokens", json={"days": 1})
    assert (late.status_code, late.json()["why"]) == (403, "prove_again")
    provider.age_s = 0
    old = client.cookies["__Host-incidents"]
    query = there(client, AGAIN)
    assert (provider.asked["prompt"], provider.asked["max_age"]) == ("login", "0")
    assert client.get(f"{BACK}?{query}").status_code == 200
    client.headers["X-CSRF-Token"] = client.get(SESSION).json()["csrf"]
    assert client.post("/api/v1/tokens", json={"days": 1}).status_code == 201
    stale = browser(api)
    stale.cookies.set("__Host-incidents", old)
    assert stale.get(SESSION).status_code == 401


@pytest.mark.parametrize(("handle", "age_s"), [("sup-2", 0), ("sup-1", 301 + 60), ("sup-1", 9_999)])
def test_neither_somebody_else_nor_a_sign_in_of_before_proves_it(
    api: Rig, provider: Provider, handle: str, age_s: int
) -> None:
    client = browser(api)
    client.get(f"{BACK}?{there(client)}")
    before = client.get(SESSION).json()
    query = there(client, AGAIN)
    provider.handle, provider.age_s = handle, age_s
    assert client.get(f"{BACK}?{query}").status_code == 403
    assert client.get(SESSION).json() == before


def test_nobody_proves_again_who_has_no_session(api: Rig) -> None:
    assert browser(api).get(AGAIN).status_code == 401


# ── the provider itself ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("metadata", [
    {"issuer": "https://evil.example"}, {"authorization_endpoint": None},
    {"authorization_endpoint": "http://evil.example/authorize"},
    {"authorization_endpoint": "javascript:alert(1)"},
])  # fmt: skip
def test_a_provider_that_is_not_as_the_settings_say_is_not_asked(
    api: Rig, provider: Provider, metadata: dict[str, object]
) -> None:
    provider.metadata = metadata
    answer = browser(api).get(GO)
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:incidents:problem:provider")


def test_a_provider_that_is_not_there_is_a_problem_and_no_fault(
    db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[oidc]\nissuer = "http://127.0.0.1:9"\nclient_id = "x"\nclient_secret = "y"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("INCIDENTS_CONFIG", str(file))
    with rig(db_url) as api:
        assert browser(api).get(GO).status_code == 502


def test_without_a_provider_there_is_no_such_way(
    db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with rig(db_url) as api:
        for path in (GO, f"{BACK}?code=1"):
            assert browser(api).get(path).status_code == 404


RIGHT = {"issuer": "https://id.host.example", "client_id": "desk", "client_secret": "s"}


@pytest.mark.parametrize("changed", [
    {"issuer": "http://id.host.example"}, {"issuer": "id.host.example"}, {"issuer": ""},
    {"issuer": "https://id.host.example/?x=1"}, {"issuer": "https://a:b@id.host.example"},
    {"client_id": ""}, {"client_secret": 7}, {"claim": ""}, {"scopes": "all"},
])  # fmt: skip
def test_a_wrong_setting_is_named_and_no_secret_told(
    changed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = RIGHT | changed
    monkeypatch.setattr("incidents.settings.section", lambda *_: section)
    with pytest.raises((SettingError, UnknownSettingError)) as told:
        access_settings.provider()
    assert next(iter(changed)) in told.value.message
    assert PASSWORD not in told.value.message


def test_the_claim_is_the_preferred_username_unless_another_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("incidents.settings.section", lambda *_: RIGHT)
    found = access_settings.provider()
    assert found is not None
    assert found.claim == "preferred_username"
