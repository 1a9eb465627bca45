"""Authentication: who is let in, what is answered, and how errors look."""

from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.api.rig import Rig


def add(api: Rig, site: str = "shop.example") -> None:
    api.app.desk.submit([Envelope(site=site, command=c.AddSite(by="li"))])


def test_without_a_token_every_path_answers_401_as_a_problem(api: Rig) -> None:
    for path in ("/api/v1/queue", "/api/v1/sites/shop.example"):
        answer = api.nobody().get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:incidents:problem:not-signed-in"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_of_nobody_is_answered_otherwise_than_no_token(api: Rig) -> None:
    told = api.nobody().get("/api/v1/queue").json()["detail"]
    wrong = api.nobody().get("/api/v1/queue", headers={"Authorization": "Bearer inc_mistyped"})
    assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:incidents:problem:not-signed-in")
    assert told.startswith("this needs a session, or a token")
    assert wrong.json()["detail"].startswith("the token is not valid here")
    assert "inc_mistyped" not in wrong.text


def test_who_has_looked_again_may_ask_again_with_the_same_key(api: Rig) -> None:
    add(api)
    operator, path = api.client("operator"), "/api/v1/sites/shop.example/incidents"
    before = operator.get("/api/v1/sites/shop.example").headers["etag"]
    assert operator.post(path, json={}).status_code == 201
    for expected in (412, 201, 201):
        headers = {"If-Match": before, "Idempotency-Key": "k1"}
        answer = operator.post(path, json={"again": True}, headers=headers)
        assert answer.status_code == expected
        before = operator.get("/api/v1/sites/shop.example").headers["etag"]
    assert answer.json()["repeated"]


def test_what_was_seen_of_another_site_or_weakly_is_not_what_the_act_is_on(api: Rig) -> None:
    add(api)
    add(api, "other.example")
    operator = api.client("operator")
    of_shop, of_other = (
        operator.get(f"/api/v1/sites/{site}").headers["etag"]
        for site in ("shop.example", "other.example")
    )
    path = "/api/v1/sites/other.example/incidents"
    for tag in (of_shop, f"W/{of_other}", f"{of_shop}, {of_other}"):
        assert operator.post(path, json={}, headers={"If-Match": tag}).status_code == 412, tag
    assert operator.post(path, json={}, headers={"If-Match": of_other}).status_code == 201


def test_a_key_that_is_kept_for_good_is_not_taken_for_a_while(api: Rig) -> None:
    for role, path, body in (
        ("supervisor", "reconcile", {}),
        ("operator", "batch", {"commands": [{"do": "add", "to": "shop.example"}]}),
    ):
        headers = {"Idempotency-Key": "k", "Idempotency-Key-For": "60"}
        answer = api.client(role).post(f"/api/v1/{path}", json=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"] == "urn:incidents:problem:kept-for-good"
    paths = api.description["paths"]
    for path in ("policy/activate", "batch", "reconcile"):
        told = {each["name"] for each in paths[f"/api/v1/{path}"]["post"]["parameters"]}
        assert "Idempotency-Key" in told
        assert "Idempotency-Key-For" not in told, path


def test_what_a_role_may_not_do_is_refused_and_counted_beside_the_record(api: Rig) -> None:
    add(api)
    client = api.client("viewer")
    for _ in range(3):
        answer = client.post("/api/v1/sites/shop.example/incidents", json={})
        assert answer.status_code == 403
    assert (answer.json()["why"], answer.json()["act"]) == ("role", "log")
    assert answer.json()["detail"] == (
        "viewer-1 has the role viewer, which may not log a violation: an operator, a supervisor or"
        " an integrator may"
    )
    [counted] = api.refusals()
    told = {name: counted[name] for name in ("handle", "act", "why", "about", "count")}
    assert told == {
        "handle": "viewer-1", "act": "log", "why": "role", "about": "shop.example", "count": 3,
    }  # fmt: skip
    assert api.entries("access_refused") == []


def test_a_request_that_is_not_as_described_is_told_without_what_was_given(api: Rig) -> None:
    add(api)
    answer = api.client("operator").post(
        "/api/v1/sites/shop.example/incidents", json={"urls": 7, "s3cr3t": 1, "s3cr3t 2": "s3cr3t"}
    )
    assert answer.status_code == 422
    assert [(each["loc"], each["type"]) for each in answer.json()["errors"]] == [
        (["body", "urls"], "list_type"), (["body"], "extra_forbidden"),
    ]  # fmt: skip
    assert "s3cr3t" not in answer.text


def test_an_unknown_key_is_answered_with_the_known_ones(api: Rig) -> None:
    add(api)
    operator = api.client("operator")
    told = operator.post("/api/v1/sites/shop.example/incidents", json={"url": "x"}).json()
    assert told["errors"] == [{
        "loc": ["body"], "type": "extra_forbidden",
        "msg": "unknown key: this takes at, urls, category, note, again",
    }]  # fmt: skip
    words = {"do": "log", "to": "shop.example", "words": {"url": "x"}}
    [done] = operator.post("/api/v1/batch", json={"commands": [words]}).json()["items"]
    assert [each["msg"] for each in done["problem"]["errors"]] == [told["errors"][0]["msg"]]
    asked = {"commands": [{**words, "words": {}, "no-such": 1}]}
    [nested] = operator.post("/api/v1/batch", json=asked).json()["errors"]
    assert nested["loc"] == ["body", "commands", "0"]
    assert nested["msg"].startswith("unknown key: this takes do, to, ")


def test_a_time_without_its_offset_is_bad_input_and_not_taken_for_one_of_utc(api: Rig) -> None:
    add(api)
    operator, path = api.client("operator"), "/api/v1/sites/shop.example/incidents"
    for at in ("2026-03-02T12:50:00", "2026-03-02 12:50", "04:50"):
        answer = operator.post(path, json={"at": at})
        assert answer.status_code == 422, at
        assert answer.json()["type"] == "urn:incidents:problem:no-offset"
        assert "2026-03-01T02:50:00+08:00" in answer.json()["detail"]
        assert operator.get("/api/v1/incidents", params={"since": at}).status_code == 422
    assert operator.post(path, json={"at": "2026-03-02T12:50:00+08:00"}).status_code == 201
