"""One's own account, those that an administrator manages, and who signed in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from incidents import clock
from incidents.accounts.open_sessions import OpenSessions
from incidents.store.accounts import accounts as stored_accounts
from tests.api.rig import PASSWORD
from tests.served_desk import ConsoleDesk, Visitor

CHOSEN = "no rain before the harvest"


def link_of(page: str) -> str:
    """The path of the invitation that the page shows."""
    found = re.search(r'value="https?://[^/"]+(/join/[^"]+)"', page)
    assert found is not None, page
    return found[1]


def sign_in(desk: ConsoleDesk, handle: str, password: str) -> int:
    """The status of the answer: 303 if they are signed in."""
    given = {"handle": handle, "password": password}
    return int(desk.visitor().post("/sign-in", data=given).status_code)


def test_another_session_of_ones_own_is_ended_from_here(desk: ConsoleDesk) -> None:
    here, there = Visitor(desk, "operator"), Visitor(desk, "operator")
    page = here.get("/account").text
    assert (page.count("<td>Current</td>"), page.count('aria-label="Sign out session ')) == (1, 1)
    assert "/admin/" not in page, "pages for auditors and administrators"
    assert here.get("/admin/sign-ins").status_code == 403
    [other] = [
        each.id
        for each in OpenSessions(desk.app.engine, clock.now).of("operator-1")
        if f"/account/sessions/{each.id}/end" in page
    ]
    assert here.post(f"/account/sessions/{other}/end").status_code == 303
    assert "Session ended." in here.get("/account").text
    assert there.get("/account").status_code == 303, "it has to sign in again"
    assert here.post(f"/account/sessions/{other}/end").status_code == 303
    assert "No such session" in here.get("/account").text


def test_nobody_ends_another_ones_session_here(desk: ConsoleDesk) -> None:
    li, wang = Visitor(desk, "operator"), Visitor(desk, "supervisor")
    [hers] = OpenSessions(desk.app.engine, clock.now).of("supervisor-1")
    li.post(f"/account/sessions/{hers.id}/end")
    assert "No such session" in li.get("/account").text
    assert wang.get("/account").status_code == 200


def test_an_auditor_sees_who_signed_in_and_who_was_not_let(desk: ConsoleDesk) -> None:
    viewer, auditor = Visitor(desk, "viewer"), Visitor(desk, "auditor")
    desk.visitor().post("/sign-in", data={"handle": "viewer-1", "password": "no such sentence"})
    assert viewer.get("/audit/export.jsonl").status_code == 403
    page = auditor.get("/admin/sign-ins").text
    assert "Wrong password" in page
    assert "<bdi>nowhere</bdi>" in page
    assert "Sign-ins</h2>" in page
    refused = page.partition('id="h-refused"')[2]
    assert "<bdi>viewer-1</bdi>" in refused
    assert ">Role not allowed</td>" in refused


def test_an_administrator_invites_somebody_who_chooses_a_password(desk: ConsoleDesk) -> None:
    adam = Visitor(desk, "adam")
    made = adam.post("/admin/accounts/invite", {"handle": "operator-7", "role": "operator"})
    path = link_of(made.text)
    assert "operator-7" in adam.get("/admin/accounts").text
    assert path not in adam.get("/admin/accounts").text, "it is shown once"
    guest = desk.visitor()
    asked = guest.get(path)
    assert (asked.status_code, "operator-7" in asked.text) == (200, True)
    chosen = {"new_password": CHOSEN, "same_password": CHOSEN}
    answer = guest.post(path, data=chosen)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert guest.get("/account").status_code == 200, "and is signed in"
    assert sign_in(desk, "operator-7", CHOSEN) == 303
    again = desk.visitor().post(path, data=chosen)
    assert (again.status_code, "no longer works" in again.text) == (404, True)


@pytest.mark.parametrize(
    ("new", "same", "why"),
    [
        (CHOSEN, "another sentence of mine", "The two new passwords differ"),
        ("password1234", "password1234", "too easy to guess"),
        ("short", "short", "has 5 characters"),
    ],
)
def test_an_invited_person_is_told_what_is_wrong_with_a_password(
    desk: ConsoleDesk, new: str, same: str, why: str
) -> None:
    made = Visitor(desk, "adam").post(
        "/admin/accounts/invite", {"handle": "operator-7", "role": "operator"}
    )
    path, guest = link_of(made.text), desk.visitor()
    answer = guest.post(path, data={"new_password": new, "same_password": same})
    assert (answer.status_code, why in answer.text) == (422, True), answer.text
    assert guest.get(path).status_code == 200, "the invitation is still open"


def test_a_revoked_invitation_leads_nowhere(desk: ConsoleDesk) -> None:
    adam = Visitor(desk, "adam")
    made = adam.post("/admin/accounts/invite", {"handle": "operator-7", "role": "operator"})
    [action] = re.findall(
        r"/admin/accounts/invitations/\w+/revoke", adam.get("/admin/accounts").text
    )
    adam.post(action)
    assert "Invitation revoked." in adam.get("/admin/accounts").text
    assert desk.visitor().get(link_of(made.text)).status_code == 404


def test_a_page_of_another_site_accepts_no_invitation(desk: ConsoleDesk) -> None:
    made = Visitor(desk, "adam").post(
        "/admin/accounts/invite", {"handle": "operator-7", "role": "operator"}
    )
    guest = desk.visitor()
    guest.headers["Sec-Fetch-Site"] = "cross-site"
    sent = guest.post(link_of(made.text), data={"new_password": CHOSEN, "same_password": CHOSEN})
    assert sent.status_code == 403


def test_an_administrator_changes_a_role_and_disables_and_enables(desk: ConsoleDesk) -> None:
    adam, li = Visitor(desk, "adam"), Visitor(desk, "operator")
    page = "/admin/accounts/operator-1"
    adam.post(f"{page}/role", {"role": "supervisor"})
    assert "operator-1 is now: supervisor." in adam.get(page).text
    assert li.get("/account").status_code == 200
    adam.post(f"{page}/disable")
    assert li.get("/account").status_code == 303, "its session has ended"
    assert sign_in(desk, "operator-1", PASSWORD) == 401
    adam.post(f"{page}/enable")
    assert sign_in(desk, "operator-1", PASSWORD) == 303


def test_an_administrator_ends_the_sessions_of_somebody_else(desk: ConsoleDesk) -> None:
    adam, li, again = (Visitor(desk, who) for who in ("adam", "operator", "operator"))
    adam.post("/admin/accounts/operator-1/sign-out")
    assert [each.get("/account").status_code for each in (adam, li, again)] == [200, 303, 303]


def test_the_last_administrator_is_told_why_not(desk: ConsoleDesk) -> None:
    adam = Visitor(desk, "adam")
    page = adam.get("/admin/accounts/adam").text
    assert "adam is the last administrator who can sign in" in page
    adam.post("/admin/accounts/adam/disable")
    assert adam.get("/account").status_code == 200


def test_managing_accounts_takes_a_password_of_the_last_five_minutes(desk: ConsoleDesk) -> None:
    adam = Visitor(desk, "adam")
    Visitor(desk, "operator")
    desk.pass_time(timedelta(minutes=6))
    asked = adam.post("/admin/accounts/operator-1/role", {"role": "viewer"})
    assert "Confirm your password" in asked.text
    fields = {"role": "viewer", "password": PASSWORD, "proves": "1"}
    adam.post("/admin/accounts/operator-1/role", fields)
    assert "operator-1 is now: viewer." in adam.get("/admin/accounts/operator-1").text


def test_only_administrators_see_accounts(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    assert wang.get("/admin/accounts").status_code == 403
    assert wang.post("/admin/accounts/invite", {"handle": "op-7"}).status_code == 403
    assert "/admin/accounts" not in wang.get("/admin/settings").text


def test_another_password_takes_the_old_one_just_after_the_sign_in_too(desk: ConsoleDesk) -> None:
    here = Visitor(desk, "operator")
    fields = {"new_password": CHOSEN, "same_password": CHOSEN, "password": "not the old sentence"}
    unproved = here.post("/account/password", fields)
    assert (unproved.status_code, "Wrong password" in unproved.text) == (422, True)
    assert sign_in(desk, "operator-1", PASSWORD) == 303
    assert sign_in(desk, "operator-1", CHOSEN) == 401


def test_somebody_changes_their_own_password(desk: ConsoleDesk) -> None:
    here, there = Visitor(desk, "operator"), Visitor(desk, "operator")
    fields = {"new_password": CHOSEN, "same_password": CHOSEN, "proves": "1"}
    wrong = here.post("/account/password", {**fields, "password": "not the old sentence"})
    assert (wrong.status_code, "Wrong password" in wrong.text) == (422, True)
    assert here.post("/account/password", fields).status_code == 422, "without the old one"
    done = here.post("/account/password", {**fields, "password": PASSWORD})
    assert done.status_code == 303
    assert "Password changed." in here.get("/account").text, "this browser stays signed in"
    assert there.get("/account").status_code == 303
    assert [sign_in(desk, "operator-1", each) for each in (PASSWORD, CHOSEN)] == [401, 303]


def _secret_of(page: str) -> str:
    found = re.search(r'value="(inc_[^"]+)"', page)
    assert found is not None, page
    return found[1]


def _asked(desk: ConsoleDesk, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return int(desk.visitor().get("/api/v1/queue", headers=headers).status_code)


def test_a_token_of_ones_own_is_shown_once_and_revoked(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    secret = _secret_of(li.post("/account/tokens/make", {"days": "7", "act": "look"}).text)
    assert _asked(desk, secret) == 200
    page = li.get("/account").text
    assert secret not in page
    [action] = re.findall(r"/account/tokens/\w+/revoke", page)
    li.post(action)
    assert _asked(desk, secret) == 401


def test_an_administrator_makes_and_revokes_a_token_of_a_program(desk: ConsoleDesk) -> None:
    adam = Visitor(desk, "adam")
    desk.account("panel-1", "integrator")
    page = adam.get("/admin/accounts/panel-1").text
    assert 'value="log"' in page
    assert 'value="approve"' not in page, "an action that the role lacks"
    made = adam.post("/admin/accounts/panel-1/tokens/make", {"days": "90", "act": "look"})
    secret = _secret_of(made.text)
    assert _asked(desk, secret) == 200
    [action] = re.findall(r"/admin/tokens/\w+/revoke", adam.get("/admin/tokens").text)
    adam.post(action)
    assert _asked(desk, secret) == 401


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"days": "0", "scope": "all"}, "a token is valid for 1 to 366 days, not for 0"),
        ({"days": "soon", "scope": "all"}, "a token is valid for 1 to 366 days, not for soon"),
        ({"days": "1", "act": "approve"}, "no action named"),
    ],
)
def test_what_no_token_can_have_is_refused(
    desk: ConsoleDesk, fields: dict[str, str], why: str
) -> None:
    li = Visitor(desk, "operator")
    li.post("/account/tokens/make", fields)
    assert why.lower() in li.get("/account").text.lower()


def test_a_token_for_chosen_actions_alone_names_them(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    li.post("/account/tokens/make", {"days": "7", "scope": "only"})
    assert "Choose at least one action" in li.get("/account").text
    assert _tokens(desk) == []
    # Of two that contradict each other, neither is taken.
    li.post("/account/tokens/make", {"days": "7", "scope": "all", "act": "look"})
    assert _tokens(desk) == []
    li.post("/account/tokens/make", {"days": "7", "scope": "all"})
    li.post("/account/tokens/make", {"days": "7", "scope": "only", "act": "look"})
    assert sorted(repr(each.acts) for each in _tokens(desk)) == ["None", "['look']"]


def test_nobody_revokes_the_token_of_somebody_else(desk: ConsoleDesk) -> None:
    handle = desk.account("panel-1", "integrator")
    secret = desk.token(handle)
    [token] = [each.id for each in _tokens(desk)]
    li = Visitor(desk, "operator")
    assert li.post(f"/account/tokens/{token}/revoke").status_code == 403
    assert _asked(desk, secret) == 200


def _tokens(desk: ConsoleDesk) -> list[stored_accounts.Token]:
    with desk.app.reading() as connection:
        return stored_accounts.tokens_of(connection)
