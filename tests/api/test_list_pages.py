"""Pages of lists: they stay true while rows are added, filters, and what a search finds."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient

from incidents import clock
from incidents.clock import rfc3339
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.store import pages
from incidents.views import incident_list
from tests.api.desk import PHONE, fill
from tests.api.rig import Rig


def add_sites(api: Rig, names: list[str]) -> None:
    api.app.desk.submit([Envelope(site=name, command=c.AddSite(by="li")) for name in names])


def log(api: Rig, site: str, **words: Any) -> None:
    api.app.desk.submit([Envelope(site=site, command=c.Log(by="li", **words))])


def walk(client: TestClient, path: str, limit: int) -> list[Any]:
    """The items of all pages."""
    found, sign = [], "&" if "?" in path else "?"
    page = client.get(f"{path}{sign}limit={limit}").json()
    while True:
        found += page["items"]
        if page["next"] is None:
            return found
        page = client.get(f"{path}{sign}limit={limit}&cursor={page['next']}").json()


@pytest.mark.both_databases
def test_each_site_is_seen_once_though_others_are_added_meanwhile(api: Rig) -> None:
    names = [f"s{n:02}.example" for n in range(0, 40, 2)]
    add_sites(api, names)
    viewer, seen, cursor, n = api.client("viewer"), [], "", 1
    while True:
        page = viewer.get(f"/api/v1/sites?limit=3{cursor}").json()
        seen += [site["site"] for site in page["items"]]
        if page["next"] is None:
            break
        add_sites(api, [f"s{n:02}.example"])
        n += 2
        cursor = f"&cursor={page['next']}"
    assert [name for name in seen if name in names] == names
    assert seen == sorted(set(seen))


def test_incidents_are_walked_to_the_end_and_filtered(api: Rig) -> None:
    add_sites(api, ["a.example", "b.example"])
    for site in ("a.example", "b.example"):
        for n in range(4):
            log(api, site, category="drugs" if n % 2 else "gambling", again=True)
    viewer, path = api.client("viewer"), "/api/v1/incidents"
    ids = [each["id"] for each in walk(viewer, path, 3)]
    assert ids == [f"{site}-{n}" for site in (1, 2) for n in (1, 2, 3, 4)]
    drugs = walk(viewer, f"{path}?site=b.example&category=drugs", 1)
    assert [each["id"] for each in drugs] == ["2-2", "2-4"]
    moot = {each["state"] for each in walk(viewer, f"{path}?state=open", 100)}
    assert moot == {"open"}
    assert walk(viewer, f"{path}?since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z", 9) == []
    assert viewer.get(f"{path}?site=nobody.example").status_code == 404
    lines = [line["seq"] for line in walk(viewer, "/api/v1/sites/a.example/timeline", 2)]
    assert lines == list(range(1, len(lines) + 1))
    one = walk(viewer, f"{path}/1-1/timeline", 1)
    assert one[0]["incident"] == "1-1"


@pytest.mark.both_databases
def test_incidents_are_listed_the_newest_first_and_filtered_by_their_item(api: Rig) -> None:
    add_sites(api, ["a.example", "b.example"])
    for site in ("a.example", "b.example", "a.example"):
        log(api, site, again=True)
    api.app.desk.submit([Envelope(site=2, command=c.ClaimItem(by="chen", item="1"))])
    api.app.desk.submit(
        [Envelope(site=1, command=c.StateFalse(by="wang", field="phone", evidence="a bakery"))]
    )
    viewer, path = api.client("viewer"), "/api/v1/incidents"

    def ids(asked: str) -> list[str]:
        return [each["id"] for each in walk(viewer, f"{path}?{asked}", 1)]

    assert ids("order=newest") == ["1-2", "2-1", "1-1"]
    assert ids("order=newest&holder=chen") == ["2-1"]
    assert ids("rule=false_info&logged_by=li") == ["1-1", "1-2"]
    assert ids("due_before=2020-01-01T00:00:00Z") == []
    assert ids("due_before=2100-01-01T00:00:00Z&order=newest") == ["2-1"]
    first = viewer.get(f"{path}?limit=1&order=newest").json()
    other = viewer.get(f"{path}?limit=1&cursor={first['next']}")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:incidents:problem:bad-cursor"


@pytest.mark.both_databases
def test_incidents_are_filtered_as_the_overview_counts_them(api: Rig) -> None:
    add_sites(api, ["a.example", "b.example"])
    yesterday = clock.now() - timedelta(days=1)
    log(api, "a.example", category="drugs, or more", again=True, at=yesterday)
    log(api, "a.example", category="gambling", again=True)
    log(api, "b.example", again=True)
    reached = c.RecordContact(by="li", incident=2, outcome="reached")
    void = c.VoidIncident(by="li", incident=1, reason="slip")
    api.app.desk.submit([Envelope(site=1, command=reached), Envelope(site=2, command=void)])
    viewer, noon = api.client("viewer"), rfc3339(yesterday + timedelta(hours=12))

    def ids(asked: str) -> list[str]:
        return [each["id"] for each in walk(viewer, f"/api/v1/incidents?{asked}", 1)]

    assert (ids("voided=true"), ids("voided=false")) == (["2-1"], ["1-1", "1-2"])
    assert (ids("categorised=false"), ids("categorised=true")) == (["2-1"], ["1-1", "1-2"])
    assert ids("category_not=gambling") == ["1-1"]
    assert ids("category_not=gambling&category_not=drugs, or more") == []
    assert ids(f"occurred_until={noon}") == ["1-1"]
    assert ids(f"occurred_since={noon}") == ["1-2", "2-1"]
    # It took no time; nobody else was reached.
    assert ids("contact_within_s=300") == ["1-2"]
    assert ids("contact_over_s=300") == []


def test_orders_and_police_reports_are_walked_and_filtered(api: Rig) -> None:
    fill(api)
    log(api, "closed.example", again=True)
    viewer = api.client("viewer")
    orders = [each["id"] for each in walk(viewer, "/api/v1/orders", 1)]
    assert orders == [each["id"] for each in walk(viewer, "/api/v1/orders", 100)]
    assert len(orders) > 2
    notices = walk(viewer, "/api/v1/orders?lane=notice", 1)
    assert {each["lane"] for each in notices} == {"notice"}
    assert walk(viewer, "/api/v1/orders?late=true", 1) == []
    ids = [each["incident"] for each in walk(viewer, "/api/v1/duty", 1)]
    assert ids == ["1-1", "2-1"]
    spam = walk(viewer, "/api/v1/duty?category=gambling&state=open", 1)
    assert [each["incident"] for each in spam] == ["1-1"]
    assert walk(viewer, "/api/v1/duty?due_before=2020-01-01T00:00:00Z", 1) == []


def test_sites_are_filtered_by_how_they_stand(api: Rig) -> None:
    fill(api)
    viewer = api.client("viewer")
    for asked, name in (("state=closed", "closed.example"), ("held=true", "held.example")):
        found = viewer.get(f"/api/v1/sites?{asked}").json()["items"]
        assert [site["site"] for site in found] == [name]
    assert viewer.get("/api/v1/sites?disputed=true").json()["items"] == []


def test_a_state_that_is_none_is_answered_with_all_there_are(api: Rig) -> None:
    viewer = api.client("viewer")
    for path, states in (
        ("sites", "'active', 'suspended' or 'closed'"),
        (
            "incidents",
            "'open', 'notified', 'unreached', 'removed', 'refused', 'voided' or 'moot'",
        ),
    ):
        problem = viewer.get(f"/api/v1/{path}?state=xyz-7").json()
        assert [each["msg"] for each in problem["errors"]] == [f"Input should be {states}"]
        assert "xyz-7" not in str(problem)


def test_what_is_no_cursor_of_that_list_is_refused_as_bad_input(api: Rig) -> None:
    add_sites(api, ["shop.example"])
    viewer = api.client("viewer")
    for path in ("sites", "incidents", "queue", "sites/shop.example/timeline"):
        for cursor in (
            "", "x", "~~~", "====", "c2l0ZXM", "c2l0ZXMgaTo1", "c2l0ZXMgPnM6YX5zOmI", "A" * 1_999,
            "é",
        ):  # fmt: skip
            answer = viewer.get(f"/api/v1/{path}", params={"cursor": cursor})
            assert answer.status_code == 422, (path, cursor, answer.text)


def test_a_cursor_with_keys_of_another_type_or_size_reaches_no_database(api: Rig) -> None:
    viewer = api.client("viewer")
    for kind, bookmark in (
        ("sites", ">i:5"), ("sites", "<s:a"), ("sites", ">s:a~s:b"), ("sites", ">s:a\0"),
        ("incidents", ">s:a~i:1"), ("incidents", f">i:{10**30}~i:1"), ("incidents", ">i:1"),
        ("incidents", f">i:1~i:{10**17}"), ("other", ">s:a"),
    ):  # fmt: skip
        cursor = base64.urlsafe_b64encode(f"{kind} {bookmark}".encode()).decode().rstrip("=")
        answer = viewer.get(f"/api/v1/{kind if kind != 'other' else 'sites'}?cursor={cursor}")
        assert answer.status_code == 422, (kind, bookmark, answer.text)


@pytest.mark.both_databases
def test_names_addresses_and_notes_are_searched_in_any_script(api: Rig) -> None:
    fill(api)
    add_sites(api, ["赌场.example"])
    log(api, "shop.example", urls=("https://shop.example/路径/100%25_a",), again=True)
    note = c.AddNote(by="li", incident=2, audience="customer", text="Please delete 全部 of it")
    api.app.desk.submit([Envelope(site="shop.example", command=note)])
    viewer = api.client("viewer")

    def found(q: str) -> list[str]:
        answer = viewer.get("/api/v1/incidents", params={"q": q})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert found("王芳") == ["1-1"], "a note"
    assert found("NOBODY THERE") == ["1-1"], "a note on a contact"
    assert found("DELETE 全部") == ["1-2"], "a note of its own"
    assert found("shop.example/A") == ["1-1"], "a web address"
    assert found("路径") == ["1-2"], "a web address in its own signs"
    assert found("100%25_") == ["1-2"], "signs that a database might take for others"
    assert found("%") == ["1-2"]
    assert found("shop.ex") == ["1-1", "1-2"], "a name"
    assert found("nothing of the kind") == []
    names = viewer.get("/api/v1/sites", params={"q": "赌场.example"}).json()["items"]
    assert len(names) == 1
    both = viewer.get("/api/v1/search", params={"q": "shop"}).json()
    assert [site["site"] for site in both["sites"]["items"]] == ["shop.example"]
    assert [each["id"] for each in both["incidents"]["items"]] == ["1-1", "1-2"]


def test_what_has_been_erased_is_not_found(api: Rig) -> None:
    fill(api)
    viewer = api.client("viewer")
    assert viewer.get("/api/v1/incidents", params={"q": "王芳"}).json()["items"]
    with api.app.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sealed")
    assert viewer.get("/api/v1/incidents", params={"q": "王芳"}).json()["items"] == []


def test_nobody_guesses_a_masked_number_by_searching_for_it(api: Rig) -> None:
    fill(api)
    digits = PHONE[7:11]
    asked = {"q": digits}
    assert api.client("operator").get("/api/v1/incidents", params=asked).json()["items"] == []
    shown = api.client("operator").get("/api/v1/incidents", params={**asked, "reveal": True})
    assert [each["id"] for each in shown.json()["items"]] == ["1-1"]


def test_where_a_search_goes_on_tells_nothing_of_what_is_masked(api: Rig) -> None:
    add_sites(api, ["shop.example"])
    for note in ("ring +86 10 5555 0123", "ring him", "+86 10 5555 0123", "ring her"):
        log(api, "shop.example", note=note, again=True)
    viewer = api.client("viewer")

    def told(q: str) -> Any:
        return viewer.get("/api/v1/incidents", params={"q": q, "limit": 1}).json()

    assert told("5555 0123") == told("5555 0124") == {"items": [], "next": None}
    assert [each["id"] for each in walk(viewer, "/api/v1/incidents?q=ring", 1)] == [
        "1-1", "1-2", "1-4",
    ]  # fmt: skip
    assert [each["id"] for each in walk(viewer, "/api/v1/incidents?q=ring", 3)][2:] == ["1-4"]


def test_a_search_through_many_that_are_masked_is_broken_off_between_them(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sites(api, ["shop.example"])
    for _ in range(3):
        log(api, "shop.example", note="+86 10 5555 0123", again=True)
    monkeypatch.setattr(pages, "SEARCHED_S", 0)
    monkeypatch.setattr(incident_list, "_SEARCHED_AT_ONCE", 1)
    asked = {"q": "5555 0123", "limit": 1}
    answer = api.client("viewer").get("/api/v1/incidents", params=asked)
    assert answer.json()["type"] == "urn:incidents:problem:too-costly"


@pytest.mark.both_databases
def test_a_search_that_takes_too_long_is_broken_off(
    api: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(api)

    def endless(connection: Connection, *_: Any, **__: Any) -> None:
        counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        connection.exec_driver_sql(f"{counting} SELECT max(i) FROM n")

    monkeypatch.setattr(pages, "SEARCHED_S", 0.1)
    monkeypatch.setattr(pages, "page", endless)
    for path in ("sites", "incidents"):
        answer = api.client("viewer").get(f"/api/v1/{path}", params={"q": "a"})
        assert answer.status_code == 409, answer.text
        assert answer.json()["type"] == "urn:incidents:problem:too-costly"
    assert api.client("viewer").get("/api/v1/sites/shop.example").status_code == 200
