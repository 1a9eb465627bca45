"""The filings over HTTP: looked at, changed, checked, due by a day, and shown on paper."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from incidents import clock
from tests.api.desk import fill
from tests.api.rig import Rig

SITE = "/api/v1/sites/shop.example"
FILING = f"{SITE}/filing"
PHONE, MAIL = "+86 138 0013 8000", "wang@shop.example"
DETAILS: dict[str, Any] = {
    "subject_kind": "person",
    "subject_name": "王芳, ring +86 138 0013 8000",
    "subject_number": "11010119900101000X",
    "responsible_phone": PHONE,
    "responsible_email": MAIL,
    "icp_number": "京ICP备12345678号-1",
    "public_security_number": "京公网安备 11010102000001号",
    "level": "3",
    "server.main": {"ip": "192.0.2.71 192.0.2.72", "city": "北京", "place": f"room 3, {PHONE}"},
    "document.contract": {"kind": "access_contract", "digest": "ab" * 32, "size": "12"},
}
SECRETS = (PHONE, MAIL, "11010119900101000X")
_TYPE = "urn:incidents:problem:"


@pytest.fixture
def filed(api: Rig) -> Rig:
    """A desk with that filing."""
    fill(api)
    answer = change(api, "operator", DETAILS)
    assert answer.status_code == 200, answer.text
    return api


def change(api: Rig, role: str, details: dict[str, Any], **sent: Any) -> Any:
    return api.client(role).patch(FILING, json={"details": details}, **sent)


def plain(api: Rig) -> dict[str, Any]:
    found: dict[str, Any] = api.client("operator").get(f"{FILING}?reveal=true").json()["details"]
    return found


def test_what_is_filed_is_read_again_with_what_is_missing_and_why(filed: Rig) -> None:
    found = filed.client("operator").get(f"{FILING}?reveal=true")
    assert found.json()["details"] == DETAILS
    assert 0 < found.json()["score"] < 100
    missing = {each["field"]: each["words"] for each in found.json()["missing"]}
    assert "level" not in missing
    assert missing["opened_on"]
    assert all(missing.values())


def test_people_s_own_details_are_masked_unless_they_are_asked_for_which_goes_on_record(
    filed: Rig,
) -> None:
    for role in ("viewer", "integrator", "operator"):
        shown = filed.client(role).get(FILING)
        assert all(secret not in shown.text for secret in SECRETS), role
        details = shown.json()["details"]
        assert details["responsible_phone"] == "+86 ••• •••• ••00"
        assert details["responsible_email"] == "w•••@shop.example"
        assert details["subject_number"] == "••••••••••••••••0X"
        assert details["server.main"] == {
            "ip": "192.0.2.71 192.0.2.72", "city": "北京", "place": "room 3, +86 ••• •••• ••00",
        }  # fmt: skip
        assert details["icp_number"] == DETAILS["icp_number"]
        assert details["document.contract"] == DETAILS["document.contract"]
    assert filed.entries("personal_revealed") == []
    for role in ("viewer", "integrator", "administrator"):
        refused = filed.client(role).get(f"{FILING}?reveal=true")
        assert (refused.status_code, refused.json()["act"]) == (403, "reveal")
    assert plain(filed) == DETAILS


def test_no_answer_of_the_api_has_a_detail_in_full_for_who_may_not_be_shown_it(
    filed: Rig,
) -> None:
    viewer = filed.client("viewer")
    asked = [
        SITE, f"{SITE}/why", f"{SITE}/timeline", FILING, f"{FILING}/findings", f"{FILING}/form",
        f"{FILING}/snippet", "/api/v1/queue", "/api/v1/filings/terms", "/api/v1/search?q=138",
    ]  # fmt: skip
    for path in asked:
        answer = viewer.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert all(secret not in answer.text for secret in SECRETS), path
    # The events of an act are told to who has acted, and of a batch and of an answer that is
    # given again too.
    changes = {"responsible_phone": "+86 139 0013 9000", "support_phone": PHONE}
    acted = change(filed, "integrator", changes, headers={"Idempotency-Key": "k"})
    again = change(filed, "integrator", changes, headers={"Idempotency-Key": "k"})
    assert again.json()["repeated"]
    commands = [{"do": "filing", "to": "shop.example", "words": {"details": DETAILS}}]
    batch = filed.client("operator").post("/api/v1/batch", json={"commands": commands})
    assert batch.json()["done"] == 1, batch.text
    for answer in (acted, again, batch):
        assert "filing_changed" in answer.text
        assert all(secret not in answer.text for secret in (*SECRETS, "139 0013 9000"))
    [event] = [e for e in acted.json()["events"] if e["kind"] == "filing_changed"]
    assert event["details"]["responsible_phone"] == "+86 ••• •••• ••00"
    exported = filed.client("administrator").get("/api/v1/export")
    assert "filing_changed" in exported.text
    assert all(secret not in exported.text for secret in SECRETS)


def test_a_detail_is_taken_away_by_null_or_nothing_and_a_part_of_a_server_by_itself(
    filed: Rig,
) -> None:
    gone = {"level": None, "icp_number": "", "responsible_email": "  "}
    changed = {"server.main": {"count": "2", "place": None}, "document.contract": None, **gone}
    answer = change(filed, "integrator", changed)
    assert answer.status_code == 200, answer.text
    found = plain(filed)
    assert found["server.main"] == {"ip": "192.0.2.71 192.0.2.72", "city": "北京", "count": "2"}
    assert not found.keys() & {"document.contract", *gone}


def test_a_preset_files_its_details_and_what_is_given_beside_it_wins(filed: Rig) -> None:
    [preset, *_] = filed.client("viewer").get("/api/v1/filings/presets").json()["items"]
    key = next(iter(preset["details"]))
    body = {"presets": [preset["preset"]], "details": {key: "another"}}
    assert filed.client("operator").patch(FILING, json=body).status_code == 200
    found = plain(filed)
    assert found[key] == "another"
    rest = {name: text for name, text in preset["details"].items() if name != key}
    assert rest.items() <= found.items()
    refused = filed.client("operator").patch(FILING, json={"presets": ["no-such"]})
    assert (refused.status_code, refused.json()["type"]) == (422, f"{_TYPE}unknown-preset")


_NO_DETAILS: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"phone +86 138 0013 8000": "x"}, []),
    ({"server.UPPER": {}}, []),
    ({"level": {"deep": "x"}}, ["level"]),
    ({"level": 3}, ["level"]),
    ({"level": ["3"]}, ["level"]),
    ({"server.main": {"ip": {"deep": {"deeper": []}}}}, ["server.main", "ip"]),
    ({"server.main": {"rack 138 0013 8000": "3"}}, ["server.main"]),
    ({"document.contract": {"size": 12}}, ["document.contract", "size"]),
)
_UNFIT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"opened_on": "yesterday"}, "bad-day"),
    ({"opened_on": "2999-01-01"}, "day-in-future"),
    ({"server.main": "a rack"}, "bad-item"),
    ({"server.main": "[" * 3_000}, "bad-item"),
    ({"level": "3\u0007"}, "bad-text"),
    ({"level": "3" * 65}, "unfit-detail"),
    ({"ip": "1" * 201}, "text-too-long"),
    ({"document.contract": {"digest": "a" * 500}}, "text-too-long"),
    ({"document.contract": {"digest": "a" * 63}}, "bad-item"),
    ({f"server.n{n}": {"ip": "192.0.2.1"} for n in range(101)}, "too-many-items"),
    ({}, "input"),
)


def test_what_is_no_detail_is_told_by_its_place_and_not_said_again(filed: Rig) -> None:
    for details, where in _NO_DETAILS:
        answer = change(filed, "operator", details)
        assert answer.status_code == 422, answer.text
        [error] = answer.json()["errors"]
        assert error["loc"] == ["body", "details", *where]
        assert "138" not in answer.text
        assert "deep" not in answer.text


def test_what_cannot_be_filed_is_a_problem_in_words(filed: Rig) -> None:
    for details, name in _UNFIT:
        answer = change(filed, "operator", details)
        assert answer.status_code == (409 if name == "too-many-items" else 422), answer.text
        assert answer.json()["type"] == f"{_TYPE}{name}"
        assert answer.json()["detail"]


def test_a_body_of_brackets_within_brackets_is_refused(filed: Rig) -> None:
    for deep in ('{"details": ' + "[" * 50_000, '{"details": {"level": ' + '{"a":' * 5_000):
        answer = filed.client("operator").patch(
            FILING, content=deep, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_change_holds_for_what_was_seen_and_is_done_once_under_its_key(filed: Rig) -> None:
    tag = filed.client("operator").get(FILING).headers["etag"]
    assert tag == filed.client("operator").get(SITE).headers["etag"]
    first = change(filed, "operator", {"level": "2"}, headers={"If-Match": tag})
    assert (first.status_code, first.headers["etag"]) == (200, _etag(filed))
    stale = change(filed, "operator", {"level": "3"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["type"]) == (412, f"{_TYPE}changed-meanwhile")
    kept = {"Idempotency-Key": "panel-1"}
    assert not change(filed, "operator", {"level": "3"}, headers=kept).json()["repeated"]
    change(filed, "operator", {"level": "2"})
    assert change(filed, "operator", {"level": "3"}, headers=kept).json()["repeated"]
    assert plain(filed)["level"] == "2"
    other = change(filed, "operator", {"level": ""}, headers=kept)
    assert (other.status_code, other.json()["type"]) == (422, f"{_TYPE}key-reused")


def test_a_dry_run_changes_nothing(filed: Rig) -> None:
    client = filed.client("operator")
    tried = client.patch(f"{FILING}?dry_run=true", json={"details": {"level": "2"}})
    assert [each["kind"] for each in tried.json()["events"]] == ["filing_changed"]
    assert plain(filed)["level"] == "3"


def test_a_filing_of_a_site_that_is_not_there_is_unknown(filed: Rig) -> None:
    client = filed.client("operator")
    there = "/api/v1/sites/nobody.example/filing"
    for answer in (
        client.get(there), client.patch(there, json={"details": {"level": "3"}}),
        client.get(f"{there}/findings"), client.get(f"{there}/snippet"),
        client.get("/api/v1/filings/export?site=nobody.example", headers={}),
    ):  # fmt: skip
        assert answer.status_code in (403, 404), answer.text
    export = filed.client("supervisor").get("/api/v1/filings/export?site=nobody.example")
    assert (export.status_code, export.json()["type"]) == (404, f"{_TYPE}unknown-site")


def test_each_finding_has_its_verdict_its_sentence_and_its_source(filed: Rig) -> None:
    found = filed.client("viewer").get(f"{FILING}/findings").json()
    assert found["site"] == "shop.example"
    told = {(each["field"], each["code"]) for each in found["findings"]}
    assert ("subject_number", "person_number_check_digit") in told
    assert all(each["sentence"] and each["source"] for each in found["findings"])


@pytest.mark.both_databases
def test_terms_are_told_page_by_page_the_most_urgent_first(filed: Rig) -> None:
    today = clock.now().astimezone(filed.app.settings.zone).date()
    for name, ago in (("shop", 10), ("held", 40)):
        opened = (today - timedelta(days=ago)).isoformat()
        answer = filed.client("operator").patch(
            f"/api/v1/sites/{name}.example/filing", json={"details": {"opened_on": opened}}
        )
        assert answer.status_code == 200, answer.text
    viewer = filed.client("viewer")
    first = viewer.get("/api/v1/filings/terms?limit=1").json()
    then = viewer.get(f"/api/v1/filings/terms?limit=1&cursor={first['next']}").json()
    told = [(each["site"], each["days_left"]) for each in first["items"] + then["items"]]
    assert told == [("held.example", -10), ("shop.example", 20)]
    assert then["next"] is None
    due = viewer.get(f"/api/v1/filings/terms?until={today}").json()["items"]
    assert [each["site"] for each in due] == ["held.example"]
    of_sites = viewer.get("/api/v1/sites?limit=1").json()["next"]
    assert viewer.get(f"/api/v1/filings/terms?cursor={of_sites}").status_code == 422
    ics = viewer.get("/api/v1/filings/terms.ics")
    assert ics.headers["content-type"].startswith("text/calendar")
    assert ics.text.count("BEGIN:VEVENT") == 2
    assert "held.example" in ics.text


def test_the_foot_of_the_pages_is_written_for_the_numbers_on_record(filed: Rig) -> None:
    answer = filed.client("viewer").get(f"{FILING}/snippet?icon=/a%22b.png")
    assert "code=11010102000001" in answer.text
    assert "/a&quot;b.png" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    nothing = filed.client("viewer").get("/api/v1/sites/held.example/filing/snippet")
    assert (nothing.status_code, nothing.json()["type"]) == (409, f"{_TYPE}no-number")


def test_the_form_is_printed_masked_or_in_full(filed: Rig) -> None:
    viewer, operator = filed.client("viewer"), filed.client("operator")
    assert PHONE not in viewer.get(f"{FILING}/form").text
    assert viewer.get(f"{FILING}/form?reveal=true").status_code == 403
    page = operator.get(f"{FILING}/form?reveal=true")
    assert page.headers["content-type"].startswith("text/html")
    assert PHONE in page.text


def test_the_fields_of_a_filing_are_told_with_their_choices(filed: Rig) -> None:
    found = filed.client("viewer").get("/api/v1/filings/fields").json()
    level = next(each for each in found["items"] if each["key"] == "level")
    assert [each["code"] for each in level["choices"]] == ["2", "3"]
    assert {each["key"] for each in found["server"]} >= {"ip", "place"}


def _etag(api: Rig) -> str:
    return str(api.client("operator").get(FILING).headers["etag"])
