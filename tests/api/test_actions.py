"""The actions: what they answer, what they want first, and that each is done once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from incidents import clock
from incidents.desk.resumption import ENTRIES_LOST, Resumption, resume
from incidents.enforcement import routing
from incidents.enforcement.routing import Routing
from incidents.notices.customer_link import Links, ValidLink
from tests.api.desk import MAIL, PHONE, fill
from tests.api.rig import PASSWORD, Rig
from tests.conftest import WriteSettings
from tests.enforcement.left_rig import Panel

SITE = "/api/v1/sites/shop.example"
LINKS = Links(base_url="https://desk.host.example", secrets=("0123456789abcdef" * 2,))


def test_a_shift_is_worked_from_the_call_to_the_report(api: Rig) -> None:
    fill(api)
    operator, path = api.client("operator"), "/api/v1/incidents/1-1"
    assert operator.post("/api/v1/queue/1-1/claim").status_code == 200
    called = operator.post(f"{path}/contacts", json={"outcome": "reached", "note": "will delete"})
    assert called.json()["incident"]["state"] == "notified"
    assert operator.post(f"{path}/removed", json={"note": "gone"}).status_code == 200
    back = operator.post(f"{path}/take-back", json={"reason": "of the wrong one"})
    assert back.json()["incident"]["state"] == "notified"
    told = operator.post(f"{path}/reported", json={"ref": "receipt 7"})
    assert told.json()["incident"]["reported_at"] is not None
    again = operator.post(f"{path}/recur")
    assert again.json()["incident"]["recurs"] == "1-1"
    void = operator.post("/api/v1/contacts/1-1-2/void", json={"reason": "it was the neighbour"})
    assert void.json()["incident"]["contacts"][1]["voided"]
    assert operator.post(f"{path}/void", json={"reason": "no violation"}).status_code == 200
    all_open = operator.post(f"{SITE}/contacts", json={"outcome": "reached"})
    assert all_open.json()["incident"]["state"] == "notified"
    kinds = [line["kind"] for line in operator.get(f"{path}/timeline").json()["items"]]
    assert kinds[0] == "incident_logged"
    assert "contact_recorded" in kinds


def test_a_note_is_for_the_desk_unless_it_says_otherwise_and_stands_with_its_incident(
    api: Rig,
) -> None:
    fill(api)
    operator, path = api.client("operator"), "/api/v1/incidents/1-1"
    first = operator.post(f"{path}/notes", json={"text": "a relative answers"}, headers={
        "Idempotency-Key": "k"})  # fmt: skip
    assert first.status_code == 201
    again = operator.post(f"{path}/notes", json={"text": "a relative answers"}, headers={
        "Idempotency-Key": "k"})  # fmt: skip
    assert again.json()["repeated"]
    words = {"text": "Call +86 10 5555 0123", "audience": "customer"}
    second = operator.post(f"{path}/notes", json=words)
    assert second.json()["events"][-1]["kind"] == "note_added"
    notes = operator.get(f"{path}?reveal=true").json()["notes"]
    assert [(each["audience"], each["text"], each["by"]) for each in notes] == [
        ("desk", "a relative answers", "operator-1"),
        ("customer", "Call +86 10 5555 0123", "operator-1"),
    ]
    assert operator.get(path).json()["notes"][1]["text"] == "Call +86 10 •••• ••23"
    story = operator.get(f"{path}/timeline").json()["items"]
    assert [line["audience"] for line in story][-2:] == ["desk", "customer"]


def test_a_program_that_logs_a_double_entry_is_not_sent_to_record_a_recurrence(api: Rig) -> None:
    of, words = "/api/v1/sites/shop.example/incidents", {"urls": ["https://shop.example/a"]}
    operator = api.client("operator")
    assert operator.post("/api/v1/sites", json={"site": "shop.example"}).status_code == 201
    assert operator.post(of, json=words).status_code == 201
    reached = operator.post("/api/v1/incidents/1-1/contacts", json={"outcome": "reached"})
    assert reached.status_code == 201, reached.text
    for role, acts in (("operator", ["show", "recur", "log"]), ("integrator", ["show", "log"])):
        told = api.client(role).post(of, json=words).json()
        assert told["type"].endswith(":double-entry")
        assert [each["act"] for each in told["hints"]] == acts


def test_a_token_that_may_only_log_is_not_sent_to_add_a_site(api: Rig) -> None:
    api.client("integrator")
    limited = api.holder(api.token("integrator-1", ["log"]))
    told = limited.post("/api/v1/sites/nowhere.example/incidents", json={}).json()
    assert told["type"].endswith(":unknown-site")
    assert [each["act"] for each in told["hints"]] == ["sites"]


def test_a_note_for_nobody_or_without_a_word_is_bad_input(api: Rig) -> None:
    fill(api)
    wrongs: tuple[tuple[dict[str, str], str], ...] = (
        ({"text": "seen", "audience": "everybody"}, "unknown-audience"),
        ({"text": "  "}, "empty-text"), ({}, "invalid"),
    )  # fmt: skip
    for words, problem in wrongs:
        answer = api.client("operator").post("/api/v1/incidents/1-1/notes", json=words)
        assert (answer.status_code, problem in answer.json()["type"]) == (422, True), words
    assert api.entries("note_added") == []


def test_the_person_of_an_action_is_who_signed_in_whatever_the_request_says(api: Rig) -> None:
    fill(api)
    token, session, path = api.client("operator"), api.person("supervisor"), f"{SITE}/incidents"
    other = {"X-Incidents-As": "somebody-else", "From": "somebody-else"}
    for client, by in ((token, "operator-1"), (session, "supervisor-person")):
        assert client.post(path, json={"by": "somebody-else"}).status_code == 422
        assert client.post(path, json={}, params={"as": "somebody-else"}).status_code == 422
        done = client.post(path, json={}, headers=other)
        assert done.json()["incident"]["by"] == by
        assert {event["by"] for event in done.json()["events"]} == {by}


def test_each_act_answers_with_the_etag_that_the_next_one_may_be_done_on(api: Rig) -> None:
    fill(api)
    operator = api.client("operator")
    first = operator.post(f"{SITE}/incidents", json={})
    tag = first.headers["etag"]
    for look in (SITE, f"{SITE}/why", "/api/v1/incidents/1-1"):
        assert operator.get(look).headers["etag"] == tag
    second = operator.post(f"{SITE}/incidents", json={}, headers={"If-Match": tag})
    assert second.status_code == 201
    late = operator.post(f"{SITE}/incidents", json={}, headers={"If-Match": tag})
    assert late.status_code == 412
    nothing = operator.post("/api/v1/incidents/1-2/removed", headers={"If-Match": '"never"'})
    assert nothing.status_code == 412


def test_what_closes_a_site_must_have_been_looked_at_and_be_called_by_its_name(api: Rig) -> None:
    fill(api)
    person = api.person("operator")
    words = {"field": "phone", "evidence": "it is a bakery's"}
    refused, false = "/api/v1/incidents/1-1/refused", f"{SITE}/false-info"
    seen = {"If-Match": person.get(SITE).headers["etag"]}
    for path, body in ((refused, {}), (false, words)):
        assert person.post(path, json=body).status_code == 428
        for confirm in ({}, {"confirm": "other.example"}, {"confirm": "no name !"}):
            answer = person.post(path, json=body | confirm, headers=seen)
            assert answer.status_code == 422
            assert answer.json()["type"] == "urn:incidents:problem:not-confirmed"
    assert person.get(SITE).json()["state"] == "active"
    tried = person.post(f"{refused}?dry_run=true")
    assert tried.status_code == 409, "nobody was told yet"
    typo = person.post(f"{false}?dry_run=true", json=words | {"field": "fone"})
    assert (typo.status_code, typo.json()["type"][22:]) == (422, "unknown-field")
    assert typo.json()["facts"] == {"field": "fone", "nearest": ["phone"]}
    person.post("/api/v1/incidents/1-1/contacts", json={"outcome": "reached"})
    stale = person.post(refused, json={"confirm": "shop.example"}, headers=seen)
    assert stale.status_code == 412
    seen = {"If-Match": person.get(SITE).headers["etag"]}
    closed = person.post(refused, json={"confirm": " SHOP.example "}, headers=seen)
    assert (closed.status_code, closed.json()["site"]["rule"]) == (200, "refusal")


def test_an_answer_to_an_act_shows_no_number(api: Rig) -> None:
    fill(api)
    for role in ("operator", "integrator"):
        answer = api.client(role).post(
            f"{SITE}/incidents", json={"note": f"call {PHONE} or {MAIL}"}
        )
        assert answer.status_code == 201
        assert PHONE not in answer.text
        assert MAIL not in answer.text
        assert "call +86 •••" in answer.json()["incident"]["note"]


def test_numbers_are_masked_until_they_are_asked_for_and_that_goes_on_record(api: Rig) -> None:
    fill(api)
    looks = (
        SITE, f"{SITE}/why", f"{SITE}/timeline", "/api/v1/incidents/1-1", "/api/v1/queue",
        "/api/v1/incidents/1-1/timeline", "/api/v1/incidents", "/api/v1/sites",
        "/api/v1/search?q=shop",
    )  # fmt: skip
    operator, viewer = api.client("operator"), api.client("viewer")
    for look in looks:
        for somebody in (operator, viewer):
            text = somebody.get(look).text
            assert PHONE not in text, look
            assert MAIL not in text, look
    assert api.entries("details_revealed") == []
    assert viewer.get(f"{SITE}?reveal=true").status_code == 403
    assert operator.get(f"{SITE}?reveal=true").json()["phone"] == PHONE
    for look in ("incidents/1-1", "incidents/1-1/timeline", "queue/1-1"):
        assert PHONE in operator.get(f"/api/v1/{look}?reveal=true").text, look
    assert operator.get(f"{SITE}/timeline?reveal=true").status_code == 200
    assert operator.get("/api/v1/queue/9-t9").status_code == 404
    told = [(e["actor"], e["data"]["about"]) for e in api.entries("details_revealed")]
    assert told == [("operator-1", each) for each in ("shop.example", *["1-1"] * 3, "shop.example")]
    [refused] = api.refusals()
    assert (refused["act"], refused["about"]) == ("reveal", "shop.example")


def test_whom_to_call_is_changed(api: Rig) -> None:
    fill(api)
    operator = api.client("operator")
    assert operator.patch(SITE, json={"phone": "+86 10 5555 0100"}).status_code == 200
    shown = operator.get(f"{SITE}?reveal=true").json()
    assert (shown["phone"], shown["email"]) == ("+86 10 5555 0100", MAIL)
    added = operator.post("/api/v1/sites", json={"site": "中文.example", "person": "李"})
    assert (added.status_code, added.json()["site"]["site"]) == (201, "xn--fiq228c.example")


def test_evidence_is_kept_once_by_its_digest(
    api: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(api)
    api.keep_evidence_in(tmp_path / "evidence", limit=1_000)
    operator, path = api.client("operator"), "/api/v1/incidents/1-1/evidence"
    files = {"file": ("证据 <b>.png", b"\x89PNG", "image/png")}
    answer = operator.post(path, files=files)
    [kept] = answer.json()["incident"]["evidence"]
    assert (answer.status_code, kept["size"], kept["name"]) == (201, 4, "证据 <b>.png")
    file = tmp_path / "evidence" / kept["digest"][:2] / kept["digest"]
    assert file.read_bytes() == b"\x89PNG"
    too_large = operator.post(path, files={"file": ("a", b"x" * 1_001)})
    assert too_large.status_code == 413
    far_too_large = operator.post(path, files={"file": ("a", b"x" * 100_000)})
    assert far_too_large.status_code == 413
    assert operator.post(path, files={"file": ("a", b"")}).status_code == 422
    elsewhere = operator.post("/api/v1/incidents/9-9/evidence", files={"file": ("a", b"new")})
    assert elsewhere.status_code == 404
    assert len([each for each in (tmp_path / "evidence").rglob("*") if each.is_file()]) == 1


def test_all_that_one_holds_is_handed_over_once(api: Rig) -> None:
    fill(api)
    operator = api.client("operator")
    operator.post("/api/v1/queue/1-1/claim")
    headers = {"Idempotency-Key": "evening"}
    nobody = operator.post("/api/v1/queue/hand-over", json={"to": "li"}, headers=headers)
    assert nobody.status_code == 409
    assert nobody.json()["type"] == "urn:incidents:problem:no-taker"
    api.account("li", "operator")
    given = operator.post("/api/v1/queue/hand-over", json={"to": "li"}, headers=headers)
    assert [each["site"]["site"] for each in given.json()["items"]] == ["shop.example"]
    again = operator.post("/api/v1/queue/hand-over", json={"to": "li"}, headers=headers)
    assert [each["repeated"] for each in again.json()["items"]] == [True]
    [item] = [i for i in operator.get("/api/v1/queue").json()["items"] if i["id"] == "1-1"]
    assert item["claimed_by"] == "li"


def test_a_used_key_is_called_as_its_caller_called_it(api: Rig) -> None:
    fill(api)
    operator, headers = api.client("operator"), {"Idempotency-Key": "k1"}
    log = {"do": "log", "to": "shop.example"}
    operator.post(f"{SITE}/incidents", json={}, headers=headers)
    one = operator.post(f"{SITE}/incidents", json={"note": "more"}, headers=headers)
    assert one.json()["facts"]["key"] == "k1"
    for key, mine in (("b1", {}), (None, {"key": "k1"})):
        batch = {} if key is None else {"Idempotency-Key": key}
        for note in ("one", "two"):
            commands = [{**log, **mine, "words": {"note": note}}]
            body = {"commands": commands}
            found = operator.post("/api/v1/batch", json=body, headers=batch).json()
        assert found["items"][0]["problem"]["facts"]["key"] == (key or "k1")


def test_a_key_is_its_accounts_own(api: Rig) -> None:
    fill(api)
    headers = {"Idempotency-Key": "k1"}
    for role in ("operator", "supervisor"):
        answer = api.client(role).post(f"{SITE}/incidents", json={}, headers=headers)
        assert not answer.json()["repeated"]


@pytest.mark.parametrize("path", [f"{SITE}/incidents", "/api/v1/incidents/1-1/recur"])
def test_a_violation_may_be_logged_unless_it_closes_the_site(api: Rig, path: str) -> None:
    fill(api)
    client = api.client("operator")
    client.post("/api/v1/incidents/1-1/contacts", json={"outcome": "reached"})
    wary = {"unless_closing": True}
    second = client.post(f"{SITE}/incidents", json={}, params=wary).json()
    assert second["remarks"][0]["name"] == "next_closes"
    refused = client.post(path, json={}, params=wary)
    assert (refused.status_code, refused.json()["type"][22:]) == (409, "would-close")
    assert refused.json()["facts"]["n"] == 3
    assert client.post(path, json={}).json()["site"]["rule"] == "repeat"


def test_two_people_close_a_site_in_person_where_the_policy_says_so(api: Rig) -> None:
    fill(api)
    first, second = api.person("supervisor"), api.person("operator")
    body = {"toml": "[closure]\ntwo_people = true\n", "reason": "nobody alone"}
    assert first.post("/api/v1/policy/activate", json=body).status_code == 200
    assert api.client("supervisor").post("/api/v1/policy/activate", json=body).status_code == 403
    seen = {"If-Match": first.get(SITE).headers["etag"]}
    stated = {"field": "phone", "evidence": "a baker's", "confirm": "shop.example"}
    asked = first.post(f"{SITE}/false-info", json=stated, headers=seen).json()
    assert (asked["site"]["state"], asked["remarks"][0]["name"]) == ("active", "waits_for_second")
    waits = second.get(SITE).json()["closure_request"]
    assert (waits["by"], waits["rule"], waits["reason"]) == (
        "supervisor-person", "false_info", "a baker's",
    )  # fmt: skip
    assert second.get("/api/v1/queue").json()["items"][0]["to_close"]["field"] == "phone"
    yes = {"confirm": "shop.example"}
    path = f"{SITE}/confirm-closure"
    assert second.post(path, json=yes).status_code == 428
    seen = {"If-Match": second.get(SITE).headers["etag"]}
    assert second.post(path, json={"confirm": "x.example"}, headers=seen).status_code == 422
    assert api.client("operator").post(path, json=yes, headers=seen).status_code == 403
    same = first.post(path, json=yes, headers=seen)
    assert (same.status_code, same.json()["type"][22:]) == (403, "same-person")
    done = second.post(path, json=yes, headers=seen).json()
    assert done["site"]["state"] == "closed"


def test_two_people_end_that_two_people_close(api: Rig) -> None:
    first, path = api.person("supervisor"), "/api/v1/policy/activate"
    for handle, role in (("sup-2", "supervisor"), ("op-2", "operator")):
        api.account(handle, role, password=True)
    two = {"toml": "[closure]\ntwo_people = true\n", "reason": "nobody alone"}
    assert first.post(path, json=two).status_code == 200
    one = {"toml": "", "reason": "we are few"}

    def ended(handle: str, password: str = PASSWORD) -> Any:
        return first.post(path, json=one | {"second": {"handle": handle, "password": password}})

    refused = [first.post(path, json=one), ended("sup-2", "a guess"), ended("op-2")]
    assert [(each.status_code, each.json()["type"][22:]) for each in refused] == [
        (403, "second-needed"), (403, "second-sign-in"), (403, "second-role"),
    ]  # fmt: skip
    assert "a guess" not in refused[1].text
    assert api.app.desk.policy().two_people_close
    for _ in range(5):
        ended("sup-2", "a guess")
    assert ended("sup-2").status_code == 429
    api.account("sup-3", "supervisor", password=True)
    assert ended("sup-3").status_code == 200
    past = first.get("/api/v1/policy/history").json()["items"][-1]
    assert (past["by"], past["seconded_by"]) == ("supervisor-person", "sup-3")


def test_a_policy_is_shown_tried_and_activated(api: Rig) -> None:
    supervisor = api.person("supervisor")
    shown = supervisor.get("/api/v1/policy").json()
    assert (len(shown["words"]), shown["activation"]) == (5, None)
    wanted = shown["toml"].replace('suspend_for = "12h"', 'suspend_for = "24h"')
    checked = supervisor.post("/api/v1/policy/check", json={"toml": wanted}).json()
    assert checked["changes"] == [
        {"key": "unreachable.suspend_for", "before": "12h", "after": "24h"}
    ]
    body = {"toml": wanted, "reason": "they were too short"}
    tried = supervisor.post("/api/v1/policy/activate?dry_run=true", json=body)
    assert tried.json()["policy"] == checked["policy"]
    headers = {"Idempotency-Key": "p1"}
    for _ in range(2):
        done = supervisor.post("/api/v1/policy/activate", json=body, headers=headers)
        assert done.json()["changes"] == checked["changes"]
    other = supervisor.post(
        "/api/v1/policy/activate", json=body | {"reason": "another"}, headers=headers
    )
    assert (other.status_code, other.json()["type"][22:]) == (422, "key-reused")
    assert other.json()["detail"].startswith("the key 'p1' was used")
    assert supervisor.post("/api/v1/policy/activate", json=body).status_code == 409
    [past] = supervisor.get("/api/v1/policy/history").json()["items"]
    assert (past["by"], past["reason"]) == ("supervisor-person", "they were too short")
    for toml, told in (("x = 1", "unknown section"), (".".join("x" * 9), "more than 8 parts")):
        bad = supervisor.post("/api/v1/policy/check", json={"toml": toml})
        assert (bad.status_code, told in bad.json()["detail"]) == (422, True), bad.text


def test_scenarios_are_run_in_memory(api: Rig) -> None:
    scenario = """
[[scenario]]
name = "two are not three"
expect = { state = "STATE" }
[[scenario.steps]]
do = "log"
"""
    viewer = api.client("viewer")
    for state, passed in (("active", True), ("closed", False)):
        body = {"scenarios": scenario.replace("STATE", state), "policy": "documented"}
        answer = viewer.post("/api/v1/policy/test", json=body)
        assert (answer.status_code, answer.json().get("passed")) == (200, passed), answer.text
    scenario = scenario.replace("STATE", "active")
    steps = "[[scenario.steps]]\ndo = 'log'\n"
    for sent, told in (
        ("no", "not valid TOML"),
        (scenario + 200 * steps, "201 steps in scenario 1"),
        ("".join(scenario.replace("two", f"{n}") + 199 * steps for n in range(6)), "1,206 steps"),
    ):
        answer = viewer.post("/api/v1/policy/test", json={"scenarios": sent})
        assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text


def test_orders_are_listed_shown_steered_and_compared(api: Rig) -> None:
    fill(api)
    supervisor = api.client("supervisor")
    found = supervisor.get("/api/v1/orders?site=closed.example").json()["items"]
    [closing] = [each for each in found if (each["kind"], each["lane"]) == ("close", "act")]
    path = f"/api/v1/orders/{closing['id']}"
    assert supervisor.get(path).json()["state"] == "waiting"
    for name in ("retry", "release"):
        assert supervisor.post(f"{path}/{name}").status_code == 409
    gone = supervisor.post(f"{path}/cancel", json={"reason": "done by hand"})
    assert gone.status_code == 200
    assert supervisor.get(path).json()["state"] == "cancelled"
    [compared] = supervisor.post("/api/v1/reconcile", json={"sites": ["shop.example"]}).json()[
        "items"
    ]
    assert (compared["site"], compared["ordered"]) == ("shop.example", "active")
    assert supervisor.post("/api/v1/reconcile", json={}).json()["left"] == 0


def test_after_a_loss_a_repair_opens_a_site_by_its_name_alone(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(api)
    panel = Panel()
    panel.sites["shop.example"] = "suspended"
    monkeypatch.setattr(routing, "load", lambda: Routing(default=panel))
    lost = Resumption(cause=ENTRIES_LOST)
    api.app.desk.on_record(lambda connection: resume(connection, lost, clock.now))
    supervisor = api.client("supervisor")

    def verdict(**asked: Any) -> str:
        items = supervisor.post("/api/v1/reconcile", json={"repair": True, **asked}).json()["items"]
        [found] = [each["verdict"] for each in items if each["site"] == "shop.example"]
        return str(found)

    assert verdict(all=True) == "left_down"
    assert verdict(sites=["shop.example"]) == "ordered_again"


def test_an_adapter_that_fails_when_it_is_asked_is_named(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(api)
    panel = Panel()
    panel.bad = {"shop.example"}
    monkeypatch.setattr(routing, "load", lambda: Routing(default=panel))
    answer = api.client("supervisor").post("/api/v1/reconcile", json={"sites": ["shop.example"]})
    assert answer.status_code == 409
    assert "panel: adapter fault: OSError" in answer.json()["detail"]


def test_of_many_sites_in_doubt_the_first_are_compared_and_no_others_are_read(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(api)
    monkeypatch.setattr("incidents.api.endpoints.work.MAX_SITES", 1)
    monkeypatch.setattr("incidents.views.sites", lambda *_a, **_o: 1 / 0)
    supervisor = api.client("supervisor")
    for every, left in ((False, 1), (True, 2)):
        found = supervisor.post("/api/v1/reconcile", json={"all": every}).json()
        assert [each["site"] for each in found["items"]] == ["closed.example"]
        assert found["left"] == left


def test_what_the_settings_do_not_have_is_a_conflict_and_no_fault(api: Rig) -> None:
    fill(api)
    answer = api.client("operator").get("/api/v1/incidents/1-1/link")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:incidents:problem:not-set-up"


def test_links_are_revoked_once_by_whoever_may_give_them(
    api: Rig, write_settings: WriteSettings
) -> None:
    fill(api)
    write_settings(f'[customer]\nbase_url = "{LINKS.base_url}"\nsecret = "{LINKS.secrets[0]}"\n')
    operator, path = api.client("operator"), "/api/v1/incidents/1-1"
    for role in ("viewer", "auditor", "integrator"):
        assert api.client(role).post(f"{path}/revoke-links").status_code == 403
    for repeated in (False, True):
        answer = operator.post(f"{path}/revoke-links", headers={"Idempotency-Key": "k"})
        assert answer.json()["repeated"] is repeated
        assert answer.json()["incident"]["links_revoked"] == 1
    assert operator.get(path).json()["links_revoked"] == 1
    token = operator.get(f"{path}/link").json()["link"].rpartition("/")[2]
    assert LINKS.read(token, clock.now()) == ValidLink((1, 1), 1)


def test_notices_and_alarms_and_duties_are_read(api: Rig) -> None:
    fill(api)
    viewer = api.client("viewer")
    names = [each["notice"] for each in viewer.get("/api/v1/notices").json()["items"]]
    for name in names:
        letters = viewer.get(f"/api/v1/notices/{name}/preview").json()["items"]
        assert all(letter["text"] for letter in letters)
    assert viewer.get("/api/v1/notices/nothing/preview").status_code == 404
    assert viewer.get("/api/v1/notices/closed/preview?incident=1-1").status_code == 403
    alarms = viewer.get("/api/v1/alarms").json()["items"]
    assert "daemon_silent" in [alarm["kind"] for alarm in alarms]
    [duty] = viewer.get("/api/v1/duty").json()["items"]
    assert duty["incident"] == "1-1"
