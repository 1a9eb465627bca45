"""The client: what other programs do with a desk over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from incidents.client import Client, InputError, ProblemError
from tests.api.desk import PHONE, fill
from tests.api.rig import BASE, PASSWORD, Rig


def client(api: Rig, role: str = "operator") -> Client:
    token = api.token(api.account(f"{role}-c", role))
    made = Client(BASE, token)
    # The application itself answers; nothing goes over a wire.
    made._exchange.http = api.holder(token)
    return made


def test_a_violation_is_logged_once_and_worked_off(api: Rig, tmp_path: Path) -> None:
    fill(api)
    api.keep_evidence_in(tmp_path / "kept", limit=1_000)
    desk = client(api)
    first = desk.log("shop.example", urls=["https://shop.example/b"], key="k", again=True)
    again = desk.log("shop.example", urls=["https://shop.example/b"], key="k", again=True)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["incident"] is not None
    assert first["incident"]["id"] == "1-2"
    assert desk.claim("1-2")["site"]["site"] == "shop.example"
    assert desk.contact("1-2", "reached")["incidents"][0]["state"] == "notified"
    assert desk.contact("shop.example", "no-answer")["site"]["state"] == "active"
    assert desk.removed("1-2", note="gone")["incidents"][0]["state"] == "removed"
    noted = desk.note("1-2", "thank you", to_customer=True)["incident"]
    assert noted is not None
    assert [(note["audience"], note["text"]) for note in noted["notes"]] == [
        ("customer", "thank you")
    ]
    assert desk.note("1-2", "by 12", dry_run=True)["events"][-1]["kind"] == "note_added"
    file = tmp_path / "a.txt"
    file.write_bytes(b"seen")
    attached = desk.attach("1-2", file)["incident"]
    assert attached is not None
    assert attached["evidence"][0]["name"] == "a.txt"
    assert desk.incident("1-2")["site_document"]["phone"] != PHONE
    assert desk.site("shop.example", reveal=True)["phone"] == PHONE


def test_lists_are_walked_and_the_record_is_followed(api: Rig) -> None:
    fill(api)
    desk = client(api, "supervisor")
    assert [site["site"] for site in desk.sites(limit=1)][:1] == ["closed.example"]
    assert [each["id"] for each in desk.incidents(q="王芳", limit=1)] == ["1-1"]
    assert [line["seq"] for line in desk.timeline("shop.example")] == [1, 2, 3]
    positions = [position for position, _ in desk.entries()]
    assert positions == list(range(1, len(positions) + 1))
    assert list(desk.entries(after=positions[-1])) == []
    assert desk.search("shop")["sites"]["items"][0]["site"] == "shop.example"
    assert desk.policy()["activation"] is None
    assert desk.duties()["items"][0]["incident"] == "1-1"
    assert desk.queue(limit=1)["items"][0]["id"]
    assert desk.orders(site="closed.example")["items"][0]["site"] == "closed.example"
    assert desk.why("shop.example")["text"]


def test_what_is_refused_is_raised_by_its_name(api: Rig) -> None:
    fill(api)
    desk = client(api)
    with pytest.raises(ProblemError) as found:
        desk.site("nobody.example")
    assert (found.value.status, found.value.name) == (404, "unknown_site")
    seen = desk.etag("shop.example")
    desk.log("shop.example", again=True)
    with pytest.raises(ProblemError) as found:
        desk.log("shop.example", again=True, if_match=seen)
    assert found.value.name == "changed_meanwhile"
    results = desk.batch([{"do": "log", "to": "shop.example"}, {"do": "log", "to": "no.example"}])
    assert (results["done"], results["refused"]) == (1, 1)
    before = desk.etag("shop.example")
    assert desk.log("shop.example", again=True, dry_run=True)["incident"] is not None
    assert desk.etag("shop.example") == before
    with pytest.raises(ProblemError) as found:
        list(client(api, "viewer").entries())
    assert found.value.status == 403


def test_a_person_signs_in_for_what_no_token_does(api: Rig) -> None:
    fill(api)
    api.account("sup-1", "supervisor", password=True)
    desk = client(api)
    assert {alarm["kind"] for alarm in desk.alarms()["items"]} == {"daemon_silent"}
    assert desk.item("1-1")["site"] == "shop.example"
    desk.claim("1-1")
    assert [each["site"]["site"] for each in desk.hand_over("sup-1")["items"]] == ["shop.example"]
    with pytest.raises(ProblemError) as found:
        desk.reinstate("closed.example", reason="filed anew")
    assert found.value.problem["why"] == "role"
    with pytest.raises(ProblemError) as found:
        client(api, "supervisor").reinstate("closed.example", reason="filed anew")
    assert found.value.problem["why"] == "in_person"
    with desk.signed_in("sup-1", PASSWORD):
        desk.reinstate("closed.example", reason="filed anew")
    assert desk.site("closed.example")["reinstatement"] is not None
    with pytest.raises(ProblemError) as found:
        desk.approve("closed.example")
    assert found.value.name == "not_let"


def test_a_word_that_no_act_takes_is_refused_before_anything_is_asked(api: Rig) -> None:
    fill(api)
    desk: Any = client(api)
    before = desk.etag("shop.example")
    with pytest.raises(TypeError, match="'dryrun'"):
        desk.log("shop.example", again=True, dryrun=True)
    with pytest.raises(TypeError, match="catgory"):
        desk.log("shop.example", catgory="gambling")
    assert desk.etag("shop.example") == before


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b"])
def test_a_name_that_leads_to_another_path_is_refused_before_anything_is_asked(name: str) -> None:
    desk = Client(BASE, "t", transport=httpx.MockTransport(_never_asked))
    asks: list[Callable[[], object]] = [
        lambda: desk.site(name), lambda: desk.log(name), lambda: desk.contact(name, "reached"),
        lambda: desk.claim(name), lambda: list(desk.timeline(name)),
        lambda: desk.void(name, reason="r"),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(InputError) as found:
            ask()
        assert found.value.message == (
            f"{name!r} is not a name or an ID: give one such as shop.example or 12-3"
        )


@pytest.mark.parametrize("token", ["", " ", "\n"])
def test_an_empty_token_is_refused_with_the_way_to_one(token: str) -> None:
    with pytest.raises(InputError) as found:
        Client(BASE, token)
    assert found.value.message == (
        "the token is empty: make one with incidents token make HANDLE --days 30, or omit it to"
        " sign in"
    )


@pytest.mark.parametrize("token", ["se cret", "se\ncret"])
def test_a_token_with_a_space_is_refused_without_a_word_of_it(token: str) -> None:
    with pytest.raises(InputError, match="it has characters that no token has") as found:
        Client(BASE, token)
    assert "cret" not in found.value.message


def test_one_thing_alone_where_a_list_is_taken_is_refused_with_the_list() -> None:
    desk: Any = Client(BASE, "t", transport=httpx.MockTransport(_never_asked))
    with pytest.raises(InputError) as found:
        desk.log("shop.example", urls="https://shop.example/a")
    assert found.value.message == (
        "urls takes a list: give ['https://shop.example/a'], not 'https://shop.example/a'"
    )
    with pytest.raises(InputError, match=r"presets takes a list: give \['aliyun-access'\], not"):
        desk.file("shop.example", {}, presets="aliyun-access")
    with pytest.raises(InputError, match="commands takes a list"):
        desk.batch({"do": "log", "to": "shop.example"})


def _never_asked(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request.url)


def test_what_a_newer_server_tells_beyond_is_passed_on() -> None:
    told = {"items": [{"kind": "of_tomorrow", "why": "new"}], "more": {"in": [1]}}
    newer = httpx.MockTransport(lambda _: httpx.Response(200, json=told))
    found: Any = Client(BASE, "t", transport=newer).alarms()
    assert found == told


def test_what_would_close_a_site_is_left_to_a_person_where_the_program_says_so(api: Rig) -> None:
    fill(api)
    desk = client(api)
    desk.log("shop.example", again=True, unless_closing=True)
    with pytest.raises(ProblemError) as found:
        desk.log("shop.example", again=True, unless_closing=True)
    assert found.value.name == "would_close"
    assert desk.site("shop.example")["state"] == "active"
