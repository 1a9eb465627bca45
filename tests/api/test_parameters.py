"""The parameters: a mistyped one is refused, and does not make a request of every site."""

from __future__ import annotations

from fastapi.routing import APIRoute

from incidents.api import parameters
from incidents.api.operation import PREFIX
from tests.api.desk import fill
from tests.api.rig import PASSWORD, Rig


def test_a_name_that_is_not_taken_is_refused_with_those_that_are(api: Rig) -> None:
    answer = api.client("viewer").get("/api/v1/sites?stat=closed")
    assert (answer.status_code, answer.json()["type"]) == (
        422, "urn:incidents:problem:invalid-request",
    )  # fmt: skip
    [error] = answer.json()["errors"]
    assert (error["loc"], error["type"]) == (["query"], "unknown_parameter")
    assert "state" in error["msg"].partition("use ")[2].split(", ")
    assert "stat," not in answer.text
    assert "closed" not in answer.text


def test_an_act_with_a_mistyped_name_is_not_done(api: Rig) -> None:
    fill(api)
    operator = api.client("operator")
    path = "/api/v1/sites/shop.example"
    before = operator.get(path).json()["seq"]
    answer = operator.post(f"{path}/incidents?dryrun=true", json={"note": "x"})
    assert answer.status_code == 422
    assert operator.get(path).json()["seq"] == before


def test_who_is_not_let_in_is_not_told_what_there_is(api: Rig) -> None:
    assert api.nobody().get("/api/v1/sites?stat=closed").status_code == 401


def test_what_needs_no_act_takes_no_other_names_either(api: Rig) -> None:
    person = {"handle": "nobody", "password": PASSWORD}
    assert api.nobody().post("/api/v1/session?x=1", json=person).status_code == 422
    assert api.nobody().post("/api/v1/session?zone=UTC", json=person).status_code == 401


def test_that_nothing_is_to_be_tried_may_be_said_to_what_cannot_be_tried(api: Rig) -> None:
    viewer = api.client("viewer")
    assert viewer.get("/api/v1/sites?dry_run=false").status_code == 200
    answer = viewer.get("/api/v1/sites?dry_run=true")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:incidents:problem:no-dry-run")


def test_beside_the_api_any_parameter_goes(api: Rig) -> None:
    for path in ("/healthz?x=1", "/readyz?x=1", "/openapi.json?x=1"):
        assert api.nobody().get(path).status_code == 200, path


def test_each_operation_takes_what_its_description_names(api: Rig) -> None:
    paths = api.description["paths"]
    routes = [route for route in api.asgi_app.routes if isinstance(route, APIRoute)]
    checked = 0
    for route in routes:
        if not (route.path.startswith(PREFIX) and route.include_in_schema):
            continue
        for method in route.methods or ():
            told = paths[route.path_format][method.lower()].get("parameters", [])
            named = {each["name"] for each in told if each["in"] == "query"}
            assert named | {parameters.PARAMETER} == parameters.names(route), route.path
            checked += 1
    assert checked > 50
