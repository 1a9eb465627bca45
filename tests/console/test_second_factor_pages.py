"""Second factors in the console: added, asked for at the sign-in, demanded, and reset."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts import secrets
from incidents.api import authentication
from tests.api.rig import BASE, PASSWORD
from tests.served_desk import ConsoleDesk, Visitor, open_desk

STEP = timedelta(seconds=30)


@pytest.fixture
def strict(db_url: str, tmp_path: Path) -> Iterator[ConsoleDesk]:
    """A desk that demands a second factor of supervisors and administrators."""
    toml = '[accounts]\nsecond_factor = "supervisors"\n'
    with open_desk(db_url, tmp_path, toml, as_=ConsoleDesk) as opened:
        yield opened


def by_password(desk: ConsoleDesk, who: str) -> Visitor:
    """Somebody who has signed in with a password, not at a provider."""
    visitor = Visitor(desk, who)
    handle = desk.have_account(who)
    visitor.cookie = desk.asgi_app.state.authenticator.begin(handle, how="password").cookie
    visitor.csrf = secrets.form_token(visitor.cookie, authentication.CSRF)
    visitor.client.cookies.clear()
    visitor.client.cookies.set(authentication.COOKIE, visitor.cookie)
    return visitor


APP = "/account/factors/app"


def offered(page: str) -> tuple[pyotp.TOTP, dict[str, str]]:
    """The app that has the secret of the page, and the fields that the page's form sends."""
    found, offer = re.search(r'id="secret">([A-Z2-7 ]+)<', page), re.search(_OFFER, page)
    assert found is not None, page
    assert offer is not None, page
    return pyotp.TOTP(found[1].replace(" ", "")), {"name": "phone", "offer": offer[1]}


_OFFER = r'name="offer" value="([^"]+)"'


def added(visitor: Visitor) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator app that they have added, and their recovery codes."""
    app, fields = offered(visitor.get(APP).text)
    made = visitor.post(APP, {**fields, "code": app.at(clock.now())})
    codes = re.findall(r"<li><code>([A-Z2-7-]{29})</code>", made.text)
    assert len(codes) == 10, made.text
    return app, codes


def at_the_second_step(desk: ConsoleDesk, handle: str) -> TestClient:
    """The browser of somebody who has entered the right password."""
    client = desk.visitor()
    given = {"handle": handle, "password": PASSWORD, "to": "/orders"}
    answer = client.post("/sign-in", data=given)
    assert answer.headers["location"] == "/sign-in/factor?to=%2Forders", answer.text
    assert client.get("/account").status_code == 401, "nobody is signed in yet"
    return client


def answered(client: TestClient, code: str) -> int:
    fields = {"code": code, "to": "/orders"}
    return int(client.post("/sign-in/factor", data=fields).status_code)


def test_somebody_adds_an_app_and_signs_in_with_its_code(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    app, codes = added(li)
    assert "phone" in li.get("/account").text
    assert app.secret not in li.get("/account/factors/app").text, "another one for the next app"
    client = at_the_second_step(desk, "operator-1")
    assert answered(client, app.at(clock.now())) == 401, "used when it was added"
    desk.pass_time(STEP)
    answer = client.post("/sign-in/factor", data={"code": app.at(clock.now()), "to": "/orders"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders")
    assert client.get("/account").status_code == 200
    other = at_the_second_step(desk, "operator-1")
    assert answered(other, codes[0]) == 303
    assert "Unused recovery codes: 9" in li.get("/account").text


def test_an_app_is_added_only_with_a_code_that_it_shows(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    app, fields = offered(li.get(APP).text)
    wrong = li.post(APP, {**fields, "code": "000000"})
    assert (wrong.status_code, "Wrong code" in wrong.text) == (422, True)
    assert offered(wrong.text)[0].secret == app.secret, "which the app has by now"
    assert "with your password alone" in li.get("/account").text


def test_each_page_shows_a_secret_of_its_own(desk: ConsoleDesk) -> None:
    """Who has the cookie of a session cannot know what its person adds."""
    li = Visitor(desk, "operator")
    (first, _), (second, _) = offered(li.get(APP).text), offered(li.get(APP).text)
    derived = hmac.new(li.cookie.encode(), b"second factor 0", hashlib.sha256).digest()[:20]
    known = base64.b32encode(derived).decode()
    assert len({first.secret, second.secret, known}) == 3


def test_a_secret_is_shown_only_after_the_password(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    desk.pass_time(timedelta(minutes=6))
    for page in (APP, "/account/factors/key"):
        asked = li.get(page).text
        assert "Confirm your password" in asked
        assert 'id="secret"' not in asked
        assert "data-options" not in asked
    app, fields = offered(li.post(APP, {"proves": "1", "password": PASSWORD}).text)
    made = li.post(APP, {**fields, "code": app.at(clock.now())})
    assert "I have kept them" in made.text


def test_a_secret_is_added_once_and_by_its_own_session(desk: ConsoleDesk) -> None:
    li, other = Visitor(desk, "operator"), Visitor(desk, "operator")
    app, fields = offered(li.get(APP).text)
    sent = {**fields, "code": app.at(clock.now())}
    late = "The page before is no longer valid"
    assert late in other.post(APP, sent).text
    assert late in li.post(APP, {**sent, "offer": f"{fields['offer']}0"}).text
    assert late in li.post(APP, {"name": "phone", "code": sent["code"]}).text
    assert "I have kept them" in li.post(APP, sent).text
    desk.pass_time(STEP)
    assert late in li.post(APP, {**sent, "code": app.at(clock.now())}).text, "it is added already"


def test_without_the_password_there_is_no_second_step(desk: ConsoleDesk) -> None:
    page = desk.visitor().get("/sign-in/factor")
    assert (page.status_code, "Too much time has passed" in page.text) == (401, True)


def test_adding_a_factor_takes_a_password_of_the_last_five_minutes(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    desk.pass_time(timedelta(minutes=6))
    sent = li.post("/account/factors/codes")
    assert "Confirm your password" in sent.text


def test_a_supervisor_without_a_factor_is_led_to_add_one(strict: ConsoleDesk) -> None:
    wang, li = by_password(strict, "supervisor"), by_password(strict, "operator")
    answer = wang.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "signs in with a second factor. Add one to go on." in wang.get("/account").text
    assert wang.client.get("/api/v1/queue").status_code == 403
    assert li.get("/").status_code == 200
    added(wang)
    assert wang.get("/").status_code == 200


def test_a_supervisor_removes_the_last_factor_and_is_led_back(strict: ConsoleDesk) -> None:
    wang = by_password(strict, "supervisor")
    added(wang)
    [action] = re.findall(r"/account/factors/\w+/remove", wang.get("/account").text)
    wang.post(action)
    assert wang.get("/").headers["location"] == "/account"


def test_an_administrator_resets_the_factors_of_somebody(desk: ConsoleDesk) -> None:
    li, adam = Visitor(desk, "operator"), Visitor(desk, "adam")
    added(li)
    assert "Authenticator app" in adam.get("/admin/accounts").text
    adam.post("/admin/accounts/operator-1/factors/reset")
    client = desk.visitor()
    given = {"handle": "operator-1", "password": PASSWORD}
    assert client.post("/sign-in", data=given).headers["location"] == "/"


def test_a_program_sends_the_code_with_the_password(desk: ConsoleDesk) -> None:
    app, _ = added(Visitor(desk, "operator"))
    desk.pass_time(STEP)
    given = {"handle": "operator-1", "password": PASSWORD}
    without = desk.visitor().post("/api/v1/session", json=given)
    assert (without.status_code, without.json()["type"]) == (
        401, "urn:incidents:problem:factor-needed",
    )  # fmt: skip
    right = desk.visitor().post("/api/v1/session", json={**given, "code": app.at(clock.now())})
    assert right.status_code == 201


def test_an_invitation_is_no_way_around_the_second_factor(desk: ConsoleDesk) -> None:
    added(Visitor(desk, "operator"))
    invited = Visitor(desk, "adam").post("/admin/accounts/invite", {"handle": "operator-1"})
    found = re.search(r'value="https?://[^/"]+(/join/[^"]+)"', invited.text)
    assert found is not None
    chosen, guest = "no rain before the harvest", desk.visitor()
    answer = guest.post(found[1], data={"new_password": chosen, "same_password": chosen})
    assert (answer.status_code, "Password set" in answer.text) == (200, True)
    assert guest.get("/account").status_code != 200, "nobody is signed in"
    signed_in = guest.post("/sign-in", data={"handle": "operator-1", "password": chosen})
    assert signed_in.headers["location"].startswith("/sign-in/factor")


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the page's form that asks for a code."""
    form = next(each for each in page.split("<form")[1:] if 'name="proof_code"' in each)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_confirming_takes_the_code_after_the_password_and_goes_on(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    app, _ = added(li)
    desk.pass_time(timedelta(minutes=6))
    action = "/account/factors/codes"
    asked = li.post(action)
    assert "Confirm your password" in asked.text
    second = li.post(action, {"proves": "1", "password": PASSWORD})
    assert "Enter your second factor" in second.text
    assert PASSWORD not in second.text
    wrong = li.post(action, {**hidden(second.text), "proof_code": "000000"})
    assert (wrong.status_code, "Wrong code" in wrong.text) == (403, True)
    done = li.post(action, {**hidden(wrong.text), "proof_code": app.at(clock.now())})
    assert len(re.findall(r"<li><code>([A-Z2-7-]{29})</code>", done.text)) == 10
    assert "Confirm your password" not in li.post(action).text, "for five minutes"


def test_too_late_for_the_code_the_password_is_asked_for_again(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    app, _ = added(li)
    desk.pass_time(timedelta(minutes=6))
    action = "/account/factors/codes"
    second = li.post(action, {"proves": "1", "password": PASSWORD})
    desk.pass_time(timedelta(minutes=6))
    late = li.post(action, {**hidden(second.text), "proof_code": app.at(clock.now())})
    assert (late.status_code, "Too much time has passed" in late.text) == (403, True)
    assert 'name="password"' in late.text


def test_what_confirms_keeps_the_fields_of_the_form_that_waits(desk: ConsoleDesk) -> None:
    """A field of its own named `code` or `handle` is the waiting form's."""
    adam = Visitor(desk, "adam")
    desk.have_account("operator")
    app, _ = added(adam)
    desk.pass_time(timedelta(minutes=6))
    asked = adam.post("/admin/accounts/invite", {"handle": "operator-1", "code": "own"})
    form = next(each for each in asked.text.split("<form")[1:] if 'name="password"' in each)
    sent = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    assert [value for name, value in sent if name == "handle"] == ["operator-1"]
    second = adam.post("/admin/accounts/invite", {**dict(sent), "password": PASSWORD})
    given = hidden(second.text)
    assert (given["handle"], given["code"]) == ("operator-1", "own")
    made = adam.post("/admin/accounts/invite", {**given, "proof_code": app.at(clock.now())})
    assert re.search(r'value="https?://[^/"]+(/join/[^"]+)"', made.text), made.text
    assert "operator-1" in made.text


def test_another_password_takes_the_code_as_well(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    app, _ = added(li)
    chosen, action = "no rain before the harvest", "/account/password"
    words = {"proves": "1", "password": PASSWORD, "new_password": chosen, "same_password": chosen}
    desk.pass_time(timedelta(minutes=6))
    second = li.post(action, words)
    assert "Enter your second factor" in second.text
    assert chosen not in second.text
    told = li.post(action, {**hidden(second.text), "proof_code": app.at(clock.now())})
    assert told.headers["location"] == "/account"
    wrong = li.post(action, {**words, "password": "not that sentence"})
    assert "Wrong password" in wrong.text
    assert li.post(action, words).headers["location"] == "/account"
    signed_in = desk.visitor().post("/sign-in", data={"handle": "operator-1", "password": chosen})
    assert signed_in.headers["location"].startswith("/sign-in/factor")


def test_a_program_confirms_with_the_code_too(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    app, _ = added(li)
    desk.pass_time(STEP)
    path, headers = "/api/v1/session/proof", {"X-CSRF-Token": li.csrf}
    without = li.client.post(path, json={"password": PASSWORD}, headers=headers)
    assert (without.status_code, without.json()["type"]) == (
        401, "urn:incidents:problem:factor-needed",
    )  # fmt: skip
    given = {"password": PASSWORD, "code": app.at(clock.now())}
    assert li.client.post(path, json=given, headers=headers).status_code == 200


@pytest.fixture
def named(db_url: str, tmp_path: Path) -> Iterator[ConsoleDesk]:
    """A desk whose settings name the host of its console."""
    host = urlsplit(BASE).hostname
    with open_desk(db_url, tmp_path, f'[accounts]\nrp_id = "{host}"\n', as_=ConsoleDesk) as opened:
        yield opened


def test_a_key_is_offered_only_where_the_settings_name_the_host(desk: ConsoleDesk) -> None:
    """A browser gives a key to the host that it belongs to, and else no answer."""
    li, adam = Visitor(desk, "operator"), Visitor(desk, "adam")
    for page in ("/account", "/account/factors/key"):
        text = li.get(page).text
        assert "data-webauthn" not in text
        assert 'href="/account/factors/key"' not in text
        assert 'href="/account/factors/app"' in text
        assert 'name="name"' not in text
        assert "[accounts] rp_id" not in text, "an operator changes no settings"
        assert "[accounts] rp_id" in adam.get(page).text
    health = adam.get("/admin/settings").text
    assert "Security keys" in health
    assert "[accounts] rp_id" in health


def test_a_key_is_offered_at_the_host_of_the_settings(named: ConsoleDesk) -> None:
    li, adam = Visitor(named, "operator"), Visitor(named, "adam")
    assert 'href="/account/factors/key"' in li.get("/account").text
    assert "data-webauthn" in li.get("/account/factors/key").text
    health = adam.get("/admin/settings").text
    assert "Security keys" in health
    assert "[accounts] rp_id" not in health


def test_the_changes_are_refused_not_redirected_to_whom_a_factor_is_missing(
    strict: ConsoleDesk,
) -> None:
    """A stream that a page opens can show no page, and an open page would ask for it for ever."""
    wang = by_password(strict, "supervisor")
    stream = wang.client.get("/changes", headers={"Accept": "text/event-stream"})
    assert stream.status_code == 403
    assert "news.js" not in wang.get("/account").text
    assert "news.js" in by_password(strict, "operator").get("/account").text
