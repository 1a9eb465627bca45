"""The sessions' page: one's own, ended from elsewhere; who signed in, and who was not let."""

from __future__ import annotations

from incidents import clock
from incidents.accounts.open_sessions import OpenSessions
from tests.served_desk import ConsoleDesk, Visitor


def test_another_session_of_ones_own_is_ended_from_here(desk: ConsoleDesk) -> None:
    here, there = Visitor(desk, "operator"), Visitor(desk, "operator")
    page = here.get("/sessions").text
    assert (page.count("<td>Current</td>"), page.count('aria-label="Sign out session ')) == (1, 1)
    assert "Sign-ins</h2>" not in page, "a log for auditors and administrators"
    [other] = [
        each.id
        for each in OpenSessions(desk.app.engine, clock.now).of("operator-1")
        if f"/sessions/{each.id}/end" in page
    ]
    assert here.post(f"/sessions/{other}/end").status_code == 303
    assert "Session ended." in here.get("/sessions").text
    assert there.get("/sessions").status_code == 303, "it has to sign in again"
    assert here.post(f"/sessions/{other}/end").status_code == 303
    assert "No such session" in here.get("/sessions").text


def test_nobody_ends_another_ones_session_here(desk: ConsoleDesk) -> None:
    li, wang = Visitor(desk, "operator"), Visitor(desk, "supervisor")
    [hers] = OpenSessions(desk.app.engine, clock.now).of("supervisor-1")
    li.post(f"/sessions/{hers.id}/end")
    assert "No such session" in li.get("/sessions").text
    assert wang.get("/sessions").status_code == 200


def test_an_auditor_sees_who_signed_in_and_who_was_not_let(desk: ConsoleDesk) -> None:
    viewer, auditor = Visitor(desk, "viewer"), Visitor(desk, "auditor")
    desk.visitor().post("/sign-in", data={"handle": "viewer-1", "password": "no such sentence"})
    assert viewer.get("/audit/export.jsonl").status_code == 403
    page = auditor.get("/sessions").text
    assert "Wrong password" in page
    assert "<bdi>nowhere</bdi>" in page
    assert "Sign-ins</h2>" in page
    refused = page.partition('id="h-refused"')[2]
    assert "<bdi>viewer-1</bdi>" in refused
    assert "<td>Role not allowed</td>" in refused
