"""Signing in at a provider: whose word is taken, for whom, and what is refused of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts import access_settings
from incidents.accounts.discovery import (
    CACHED_FOR,
    REFETCH_AFTER,
    RETRY_AFTER,
    Discovery,
    ProviderError,
)
from incidents.desk import accounts
from incidents.errors import SettingError, UnknownSettingError
from incidents.store.accounts import sign_ins
from tests.accounts.oidc_provider import (
    CLIENT,
    KEY,
    NEXT,
    SECRET,
    STRANGERS,
    Provider,
    running,
)
from tests.api.rig import ADMIN, PASSWORD, Rig, rig
from tests.conftest import WriteSettings
from tests.patience import PATIENCE_S

PROBLEM = "urn:incidents:problem:"
# One, since each reads the certificates of this machine.
WEB = httpx.Client()
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
    monkeypatch.setattr("incidents.accounts.discovery.WITHIN_S", PATIENCE_S)
    monkeypatch.setattr("incidents.accounts.discovery._LOCK_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setenv("INCIDENTS_CONFIG", str(settings(tmp_path, provider, SUBJECTS)))
    return provider


SUBJECTS = '[oidc.subjects]\nsup-1 = "u1"\nsup-2 = "u2"\nnobody-1 = "u3"\n'
CLAIM = 'claim = "preferred_username"\n'


def settings(folder: Path, provider: Provider, whom: str) -> Path:
    """The settings file that names the provider, and whom it speaks of."""
    secret, file = folder / "secret", folder / "config.toml"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    file.write_text(
        f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
        f'client_secret_file = "{secret}"\n{whom}',
        encoding="utf-8",
    )
    return file


@pytest.fixture
def _by_claim(provider: Provider, tmp_path: Path) -> None:
    """The settings name a claim in place of people's subjects."""
    settings(tmp_path, provider, CLAIM)


@pytest.fixture
def api(db_url: str, provider: Provider) -> Iterator[Rig]:
    with rig(db_url) as found:
        for handle, role in (("sup-1", "supervisor"), ("sup-2", "supervisor")):
            found.account(handle, role)
        yield found


def browser(api: Rig) -> TestClient:
    client = api.nobody()
    client.follow_redirects = False
    return client


def there(client: TestClient, path: str = GO) -> str:
    """Go to the provider, and return the query with which the browser comes back."""
    sent = client.get(path)
    assert sent.status_code == 303, sent.text
    back = WEB.get(sent.headers["location"])
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


@pytest.mark.parametrize(
    ("site", "to"),
    [("cross-site", "/sign-in"), ("same-site", "/sign-in"), ("same-origin", None), ("none", None)],
)
def test_a_link_from_elsewhere_leads_to_the_form_and_begins_no_session(
    api: Rig, provider: Provider, site: str, to: str | None
) -> None:
    sent = browser(api).get(GO, headers={"sec-fetch-site": site})
    assert sent.status_code == 303
    location = sent.headers["location"]
    assert location == to if to else location.startswith(provider.issuer)
    assert ("set-cookie" in sent.headers) is (to is None)


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


WRONG_CLAIMS: tuple[dict[str, object], ...] = (
    {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": ["another"]}, {"aud": None},
    {"aud": "another", "azp": CLIENT}, {"aud": [CLIENT, "another"], "azp": "another"},
    {"iss": "https://evil.example"}, {"iss": None},
    {"exp": int(time.time()) - 3600}, {"exp": None}, {"iat": int(time.time()) + 3600},
    {"nbf": int(time.time()) + 3600}, {"auth_time": None}, {"auth_time": "now"},
    {"auth_time": 10 ** 30}, {"auth_time": int(time.time()) + 3600},
    {"auth_time": int(time.time()) - 12 * 3600 - 120},
    {"sub": None}, {"sub": ["u1"]}, {"sub": "u" * 256}, {"sub": "\n"},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
)  # fmt: skip


def test_a_token_that_is_not_for_this_question_lets_nobody_in(api: Rig, provider: Provider) -> None:
    for provider.claims in WRONG_CLAIMS:
        client = browser(api)
        answer = client.get(f"{BACK}?{there(client)}")
        assert answer.status_code == 403, (provider.claims, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "__Host-incidents" not in client.cookies


def test_a_token_that_the_provider_has_not_signed_lets_nobody_in(
    api: Rig, provider: Provider
) -> None:
    forgeries: dict[str, Callable[[str], str]] = {
        "none": lambda _: provider.unsigned(),
        "shared": lambda nonce: provider.id_token(nonce, "HS256", OctKey.import_key(SECRET * 3)),
        "stranger": lambda nonce: provider.id_token(nonce, key=STRANGERS),
        "nonsense": lambda _: "a.b.c",
        "empty": lambda _: "e30.e30.",
    }
    for kind, forged in forgeries.items():
        client = browser(api)
        query = there(client)
        provider.forged = forged(provider.asked["nonce"])
        answer = client.get(f"{BACK}?{query}")
        assert answer.status_code == 403, (kind, answer.text)
        assert "__Host-incidents" not in client.cookies


def test_what_the_browser_brings_back_must_fit_else_it_is_counted_and_no_line_of_the_log(
    api: Rig,
) -> None:
    changes: tuple[dict[str, str], ...] = (
        {"state": "another"}, {"state": ""}, {"state": "é"}, {"code": ""}, {"code": "x" * 5_000},
        {"iss": "https://evil.example"}, {"error": "access_denied"}, {"code": "never given out"},
    )  # fmt: skip
    for change in changes:
        client = browser(api)
        query = {name: values[0] for name, values in parse_qs(there(client)).items()} | change
        answer = client.get(f"{BACK}?{urlencode(query)}")
        assert answer.status_code == 403, (change, answer.text)
    [counted] = api.refusals()
    assert (counted["act"], counted["why"], counted["handle"]) == ("sign_in", "provider_word", "?")
    assert (counted["count"], counted["about"]) == (len(changes), "code")
    with api.app.reading() as connection:
        assert sign_ins.page(connection, limit=1).rows == []


def test_a_cookie_that_was_not_written_here_is_no_question(api: Rig) -> None:
    for cookie in ("", "x", "e30", "bnVsbA==", "eyJiZWZvcmUiOjF9", "%00"):
        client = browser(api)
        client.cookies.set("__Host-incidents-oidc", cookie)
        assert client.get(f"{BACK}?code=1&state=2").status_code == 400, cookie


def test_who_has_the_name_of_somebody_there_is_not_them(api: Rig, provider: Provider) -> None:
    """What a provider calls a name its people change, or are given after another had it."""
    provider.subject, provider.handle = "u9", "sup-1"
    client = browser(api)
    answer = client.get(f"{BACK}?{there(client)}")
    assert (answer.status_code, answer.json()["type"]) == (403, f"{PROBLEM}unknown-subject")
    assert "'u9'" in answer.json()["detail"]
    assert "__Host-incidents" not in client.cookies
    provider.subject, provider.handle = "u1", "sup-2"
    client.get(f"{BACK}?{there(client)}")
    assert client.get(SESSION).json()["handle"] == "sup-1"


def test_who_has_no_account_is_not_let_in(api: Rig, provider: Provider) -> None:
    provider.subject = "u3"
    client = browser(api)
    answer = client.get(f"{BACK}?{there(client)}")
    assert (answer.status_code, answer.json()["type"]) == (401, f"{PROBLEM}sign-in")
    assert "__Host-incidents" not in client.cookies


@pytest.mark.usefixtures("_by_claim")
def test_where_the_settings_name_a_claim_it_holds_the_handle(provider: Provider, api: Rig) -> None:
    claims: tuple[tuple[object, int], ...] = (
        ("sup-2", 200), ("nobody-1", 401), ("Sup-1", 401), ("sup-1 ", 401), ("", 401),
        ("\u0000", 401), ("a@b.example", 401), (None, 403), (["sup-1"], 403),
    )  # fmt: skip
    for handle, status in claims:
        provider.claims = {"preferred_username": handle}
        client = browser(api)
        assert client.get(f"{BACK}?{there(client)}").status_code == status, handle
        assert ("__Host-incidents" in client.cookies) == (status == 200)


def test_whose_account_is_disabled_is_not_let_in_and_that_is_in_the_log(api: Rig) -> None:
    api.app.desk.on_record(lambda each: accounts.disable(each, ADMIN, "sup-1", clock.now))
    client = browser(api)
    assert client.get(f"{BACK}?{there(client)}").status_code == 401
    with api.app.reading() as connection:
        last = sign_ins.page(connection, limit=1).rows[0]
    told = tuple(last[name] for name in ("what", "how", "result", "handle"))
    assert told == ("sign_in", "provider", "disabled", "sup-1")


# ── how somebody has to sign in there ────────────────────────────────────────────────────────────

HOW = 'acr_values = ["urn:desk:high", "urn:desk:higher"]\namr = ["pwd", "otp"]\nmax_age = "30m"\n'
AS_WANTED = {"acr": "urn:desk:higher", "amr": ["otp", "pwd", "sms"]}
NOT_AS_WANTED: tuple[tuple[dict[str, object], str], ...] = (
    ({"acr": None}, "acr"), ({"acr": "urn:desk:low"}, "acr"), ({"acr": ["urn:desk:high"]}, "acr"),
    ({"acr": "urn:desk:high urn:desk:higher"}, "acr"), ({"acr": 7}, "acr"),
    ({"amr": None}, "amr"), ({"amr": ["pwd"]}, "amr"), ({"amr": []}, "amr"),
    ({"amr": [["pwd", "otp"]]}, "amr"), ({"amr": {"pwd": 1, "otp": 1}}, "InvalidClaimError"),
    ({"auth_time": int(time.time()) - 30 * 60 - 120}, "auth_time"),
)  # fmt: skip


@pytest.fixture
def _in_that_way(provider: Provider, tmp_path: Path) -> None:
    """The settings say how people have to sign in at the provider."""
    settings(tmp_path, provider, HOW + SUBJECTS)


@pytest.mark.usefixtures("_in_that_way")
def test_who_has_not_signed_in_as_the_settings_want_it_is_not_let_in(
    provider: Provider, api: Rig
) -> None:
    provider.claims = AS_WANTED
    known = browser(api)
    assert known.get(f"{BACK}?{there(known)}").status_code == 200
    asked = {name: provider.asked[name] for name in ("acr_values", "max_age")}
    assert asked == {"acr_values": "urn:desk:high urn:desk:higher", "max_age": "1800"}
    before = known.get(SESSION).json()
    for changed, named in NOT_AS_WANTED:
        provider.claims = AS_WANTED | changed
        for client, path in ((browser(api), GO), (known, AGAIN)):
            answer = client.get(f"{BACK}?{there(client, path)}")
            assert (answer.status_code, f"({named})" in answer.text) == (403, True), changed
            assert provider.asked["acr_values"] == asked["acr_values"]
    assert known.get(SESSION).json() == before


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
    # A browser that comes from another site brings no such cookie along.
    client.cookies.delete("__Host-incidents")
    assert client.get(f"{BACK}?{query}").status_code == 200
    client.headers["X-CSRF-Token"] = client.get(SESSION).json()["csrf"]
    assert client.post("/api/v1/tokens", json={"days": 1}).status_code == 201
    stale = browser(api)
    stale.cookies.set("__Host-incidents", old)
    assert stale.get(SESSION).status_code == 401


def test_neither_somebody_else_nor_a_sign_in_of_before_proves_it(
    api: Rig, provider: Provider
) -> None:
    client = browser(api)
    client.get(f"{BACK}?{there(client)}")
    before = client.get(SESSION).json()
    for provider.subject, provider.age_s in (("u2", 0), ("u1", 301 + 60), ("u1", 9_999)):
        assert client.get(f"{BACK}?{there(client, AGAIN)}").status_code == 403
        assert client.get(SESSION).json() == before


def test_nobody_proves_again_who_has_no_session(api: Rig) -> None:
    assert browser(api).get(AGAIN).status_code == 401


# ── the provider itself ──────────────────────────────────────────────────────────────────────────


METADATAS: tuple[dict[str, object], ...] = (
    {"issuer": "https://evil.example"}, {"authorization_endpoint": None},
    {"authorization_endpoint": "http://evil.example/authorize"},
    {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": "http://evil.example/"},
    {"jwks_uri": 7},
)  # fmt: skip


def test_a_provider_that_is_not_as_the_settings_say_is_not_asked(
    api: Rig, provider: Provider, moved: Moved
) -> None:
    for n, provider.metadata in enumerate(METADATAS, 1):
        answer = browser(api).get(GO)
        assert (answer.status_code, answer.json()["type"]) == (502, f"{PROBLEM}provider")
        assert provider.fetched == [METADATA] * n
        moved.by(RETRY_AFTER)


def test_a_provider_that_is_not_there_is_a_problem_and_no_fault(
    db_url: str, write_settings: WriteSettings
) -> None:
    write_settings(
        '[oidc]\nissuer = "http://127.0.0.1:9"\nclient_id = "x"\nclient_secret = "y"\n' + CLAIM
    )
    with rig(db_url) as api:
        assert browser(api).get(GO).status_code == 502


def test_without_a_provider_there_is_no_such_way(
    db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with rig(db_url) as api:
        for path in (GO, f"{BACK}?code=1"):
            assert browser(api).get(path).status_code == 404


RIGHT = {
    "issuer": "https://id.host.example", "client_id": "desk", "client_secret": "s",
    "subjects": {"sup-1": "u1"},
}  # fmt: skip


@pytest.mark.parametrize("changed", [
    {"issuer": "http://id.host.example"}, {"issuer": "id.host.example"}, {"issuer": ""},
    {"issuer": "https://["}, {"issuer": "https://id.host.example:99999"},
    {"issuer": "ftp://127.0.0.1"}, {"issuer": "https://id.host.example/a b"},
    {"issuer": "https://id.host.example/?x=1"}, {"issuer": "https://a:b@id.host.example"},
    {"client_id": ""}, {"client_secret": 7}, {"claim": ""}, {"scopes": "all"},
    {"claim": "preferred_username"}, {"subjects": {}}, {"subjects": "u1"}, {"subjects": None},
    {"subjects": {"sup-1": 7}}, {"subjects": {"sup-1": ""}}, {"subjects": {"Sup 1": "u1"}},
    {"subjects": {"sup-1": "u1", "sup-2": "u1"}}, {"subjects": {"sup": {"1": "u1"}}},
    {"acr_values": 2}, {"acr_values": ["a b"]}, {"amr": [""]}, {"amr": ["otp\n"]},
    {"max_age": 1800}, {"max_age": "30s"}, {"max_age": "31d"},
])  # fmt: skip
def test_a_wrong_setting_is_named_and_no_secret_told(
    changed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = RIGHT | changed
    monkeypatch.setattr("incidents.settings.sources.section", lambda *_: section)
    with pytest.raises((SettingError, UnknownSettingError)) as told:
        access_settings.provider()
    assert next(iter(changed)) in told.value.message
    assert PASSWORD not in told.value.message


@pytest.mark.parametrize(("whom", "found"), [
    ({"subjects": {"sup-1": "u1"}}, ({"u1": "sup-1"}, None)),
    ({"claim": "desk_handle"}, ({}, "desk_handle")),
])  # fmt: skip
def test_who_is_who_stands_in_the_settings(
    whom: dict[str, object], found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = {name: value for name, value in RIGHT.items() if name != "subjects"}
    monkeypatch.setattr("incidents.settings.sources.section", lambda *_: rest | whom)
    provider = access_settings.provider()
    assert provider is not None
    assert (provider.subjects, provider.claim) == found


def test_settings_of_before_that_relied_on_the_name_at_the_provider_say_what_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rest = {name: value for name, value in RIGHT.items() if name != "subjects"}
    monkeypatch.setattr("incidents.settings.sources.section", lambda *_: rest)
    with pytest.raises(SettingError) as told:
        access_settings.provider()
    assert "subjects" in told.value.message
    assert "`claim`" in told.value.message


# ── how often it is asked ────────────────────────────────────────────────────────────────────────

METADATA, JWKS = "/.well-known/openid-configuration", "/jwks"


def test_what_the_provider_says_of_itself_is_fetched_once_for_all_who_sign_in(
    api: Rig, provider: Provider
) -> None:
    for _ in range(3):
        client = browser(api)
        assert client.get(f"{BACK}?{there(client)}").status_code == 200
    assert (provider.fetched.count(METADATA), provider.fetched.count(JWKS)) == (1, 1)


def test_a_key_that_the_provider_has_changed_is_fetched_when_it_signs(
    api: Rig, provider: Provider, moved: Moved
) -> None:
    client = browser(api)
    assert client.get(f"{BACK}?{there(client)}").status_code == 200
    moved.by(REFETCH_AFTER)
    provider.key = NEXT
    assert client.get(f"{BACK}?{there(client)}").status_code == 200
    assert (provider.fetched.count(METADATA), provider.fetched.count(JWKS)) == (1, 2)


def test_keys_that_nobody_knows_have_them_fetched_once_a_minute_at_most(
    api: Rig, provider: Provider, moved: Moved
) -> None:
    client = browser(api)
    client.get(f"{BACK}?{there(client)}")
    moved.by(REFETCH_AFTER)
    for _ in range(3):
        query = there(client)
        provider.key = NEXT
        provider.forged = provider.id_token(provider.asked["nonce"])
        provider.key = KEY
        assert client.get(f"{BACK}?{query}").status_code == 403
    assert provider.fetched.count(JWKS) == 2


class Moved:
    """The clock of the discovery, some time after the real one."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def by(self, duration: timedelta) -> None:
        self.later += duration

    def now(self) -> datetime:
        return clock.now() + self.later


@pytest.fixture
def moved(api: Rig) -> Moved:
    found = Moved()
    discovery = api.asgi_app.state.oidc._discovery
    for kept in (discovery._metadata, discovery._keys):
        kept._clock = found.now
    return found


def test_each_document_is_fetched_again_after_ten_minutes(provider: Provider) -> None:
    moved = Moved()
    discovery = Discovery(provider.issuer, moved.now)
    for _ in range(3):
        assert discovery.keys() == {"keys": [KEY.as_dict(private=False)]}
        moved.by(CACHED_FOR / 2)
    assert [provider.fetched.count(each) for each in (METADATA, JWKS)] == [2, 2]


def test_many_at_once_fetch_it_once(provider: Provider) -> None:
    discovery = Discovery(provider.issuer, clock.now)
    with ThreadPoolExecutor(12) as many:
        found = list(many.map(lambda _: discovery.endpoint("jwks_uri"), range(12)))
    assert set(found) == {f"{provider.issuer}/jwks"}
    assert provider.fetched == [METADATA]


def test_a_provider_that_is_away_is_left_in_peace_for_a_while(provider: Provider) -> None:
    moved = Moved()
    discovery = Discovery(provider.issuer, moved.now)
    provider.is_away = True
    for _ in range(3):
        with pytest.raises(ProviderError, match="503"):
            discovery.endpoint("jwks_uri")
    assert provider.fetched == [METADATA]
    provider.is_away = False
    moved.by(RETRY_AFTER)
    assert discovery.endpoint("jwks_uri") == f"{provider.issuer}/jwks"


def test_who_waits_for_a_provider_that_answers_late_waits_a_moment_only(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.accounts.discovery._LOCK_TIMEOUT_S", 0.01)
    discovery = Discovery(provider.issuer, clock.now)
    with discovery._metadata._lock, pytest.raises(ProviderError, match="not answered yet"):
        discovery.endpoint("jwks_uri")
