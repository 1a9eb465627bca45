"""The lists of filings over HTTP: customer lists that come in, and exports that go out."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from incidents.api.endpoints import filing_lists
from incidents.api.limits import IMPORTING
from tests.api.desk import fill
from tests.api.rig import Rig
from tests.filing.sheets import xlsx

IMPORT, EXPORT = "/api/v1/filings/import", "/api/v1/filings/export"
PHONE = "+86 138 0013 8000"
LIST = f"""\
域名,level,负责人手机号码,server.main.ip,网站开通日期
shop.example,3,{PHONE},192.0.2.71,2026/1/2
new.example,2,,,2026年1月3日
"""
BAD = LIST + "held.example,high,,,\nheld.example,2,,,yesterday\n"


def send(api: Rig, text: str | bytes, role: str = "operator", **query: bool) -> Any:
    sent = text if isinstance(text, bytes) else text.encode()
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return api.client(role).post(f"{IMPORT}?{asked}", files={"file": ("list", sent)})


def outcomes(answer: Any) -> list[tuple[int, str | None, str]]:
    assert answer.status_code == 200, answer.text
    return [(each["row"], each["site"], each["outcome"]) for each in answer.json()["items"]]


@pytest.fixture
def desk(api: Rig) -> Rig:
    fill(api)
    return api


def test_a_list_is_taken_in_row_by_row_and_once(desk: Rig) -> None:
    done = send(desk, LIST, add_sites=True)
    assert outcomes(done) == [(2, "shop.example", "changed"), (3, "new.example", "added")]
    assert done.json()["items"][0]["changed"] == [
        "level", "opened_on", "responsible_phone", "server.main",
    ]  # fmt: skip
    assert PHONE not in done.text
    again = send(desk, LIST, add_sites=True)
    assert [each[2] for each in outcomes(again)] == ["unchanged", "unchanged"]
    assert [each["actor"] for each in desk.entries("filing_changed")] == ["operator-1"] * 2


def test_a_site_that_is_new_is_refused_by_name_unless_it_may_come_in(desk: Rig) -> None:
    done = send(desk, LIST)
    assert outcomes(done)[1] == (3, "new.example", "refused")
    refusal = done.json()["items"][1]["refusal"]
    assert refusal["name"] == "unknown_site"
    assert "new.example" in refusal["sentence"]
    token = desk.token(desk.account("robot", "integrator"), ["change_filing"])
    answer = desk.holder(token).post(f"{IMPORT}?add_sites=true", files={"file": ("a", b"site\n")})
    assert (answer.status_code, answer.json()["act"]) == (403, "add_site")


def test_a_dry_run_says_of_each_row_what_would_come_of_it_and_what_the_checks_say(
    desk: Rig,
) -> None:
    tried = send(desk, BAD, dry_run=True)
    assert [each[2] for each in outcomes(tried)] == [
        "changed", "refused", "unreadable", "unreadable",
    ]  # fmt: skip
    first, _, bad, twice = tried.json()["items"]
    assert {each["field"] for each in first["findings"]} == {"responsible_phone"}
    assert [(each["field"], each["column"]) for each in bad["problems"]] == [("level", "level")]
    assert {each["field"] for each in twice["problems"]} == {"opened_on", "site"}
    assert PHONE not in tried.text
    assert "yesterday" not in tried.text
    assert desk.entries("filing_changed") == []


def test_of_a_row_that_cannot_be_used_only_its_number_is_told_and_it_can_be_left_out(
    desk: Rig,
) -> None:
    refused = send(desk, BAD)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:incidents:problem:bad-rows")
    assert [each["loc"] for each in refused.json()["errors"]] == [
        ["body", "file", "4"], ["body", "file", "5"],
    ]  # fmt: skip
    assert "yesterday" not in refused.text
    assert desk.entries("filing_changed") == []
    taken = send(desk, BAD, skip_bad=True, add_sites=True)
    assert [each[2] for each in outcomes(taken)] == ["changed", "added", "unreadable", "unreadable"]


def test_columns_that_are_no_field_are_left_out_where_that_is_asked_for(desk: Rig) -> None:
    sent = b"site,colour,level\nshop.example,red,3\n"
    assert send(desk, sent).status_code == 422
    taken = send(desk, sent, ignore_columns=True)
    assert [each["changed"] for each in taken.json()["items"]] == [["level"]]


def test_what_is_no_customer_list_is_a_problem_in_words(desk: Rig) -> None:
    for sent in (
        b"", b"\0\0\0", b"[" * 60_000, b"PK\x03\x04no zip", "site,电话 13800138000\n".encode(),
        b'site\n"shop.example', b"\xff\xfe\0", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"level\n3\n",
    ):  # fmt: skip
        answer = send(desk, sent)
        assert answer.status_code == 422, (sent[:20], answer.text)
        assert answer.json()["type"] == "urn:incidents:problem:no-customer-list"
        [error] = answer.json()["errors"]
        assert error["loc"][:2] == ["body", "file"]
        assert error["msg"]
        assert "13800138000" not in answer.text


def test_more_rows_than_one_request_may_have_are_refused(
    desk: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing_lists, "MAX_ROWS", 1)
    for dry_run, skip_bad in ((False, False), (True, False), (False, True)):
        answer = send(desk, LIST, dry_run=dry_run, skip_bad=skip_bad)
        assert answer.json()["type"] == "urn:incidents:problem:too-many-rows", answer.text
    assert desk.entries("filing_changed") == []


@pytest.mark.parametrize(
    "text",
    [
        "site,level,opened_on\na.example,3,2026/1/2\nb.example,3,2026/1/2\n",
        'site,documents\na.example,"{""a"":{},""b"":{},""c"":{},""d"":{},""e"":{},""f"":{}}"\n',
        '{"site":"a.example","details":{"no":"1","more":"2","field":"3","at":"4","all":"5"}}',
        "site,level\n" + ",\n" * 60,
    ],
    ids=["cells", "documents", "fields that are none", "empty cells"],
)
def test_more_cells_than_one_request_may_have_are_refused_whatever_they_hold(
    desk: Rig, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing_lists, "MAX_VALUES", 5)
    monkeypatch.setattr(filing_lists, "_MAX_MARKS", 50)
    answer = send(desk, text, dry_run=True, add_sites=True)
    assert (answer.status_code, answer.json()["type"][22:]) == (413, "too-many-values"), answer.text


def test_a_spreadsheet_of_more_elements_than_its_cells_need_is_refused(
    desk: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if no part of it has so many: of these 30 the sheet has 17."""
    content = xlsx()
    assert send(desk, content, dry_run=True).status_code == 200
    monkeypatch.setattr(filing_lists, "_MAX_ELEMENTS", 20)
    answer = send(desk, content, dry_run=True)
    assert (answer.status_code, answer.json()["type"][22:]) == (422, "no-customer-list")
    assert "more than" in answer.json()["errors"][0]["msg"]


def test_a_second_import_is_asked_to_come_again(desk: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.api.limits.PATIENCE_S", 0)
    with IMPORTING.taken():
        assert send(desk, LIST).status_code == 503


def test_an_export_has_people_s_own_details_for_who_may_be_shown_them_alone(desk: Rig) -> None:
    send(desk, LIST)
    for form in ("jsonl", "json", "csv"):
        open_ = desk.client("administrator").get(f"{EXPORT}?format={form}")
        assert open_.status_code == 200, open_.text
        assert "2026-01-02" in open_.text
        assert PHONE not in open_.text
        assert "server.main" not in open_.text
    refused = desk.client("administrator").get(f"{EXPORT}?with_words=true")
    assert (refused.status_code, refused.json()["act"]) == (403, "reveal")
    for role in ("viewer", "operator", "integrator"):
        assert desk.client(role).get(EXPORT).status_code == 403
    told = desk.client("auditor").get(f"{EXPORT}?with_words=true&site=shop.example").text
    assert json.loads(told) == {
        "site": "shop.example",
        "details": {
            "level": "3", "opened_on": "2026-01-02", "responsible_phone": PHONE,
            "server.main": {"ip": "192.0.2.71"},
        },
    }  # fmt: skip


@pytest.mark.both_databases
def test_an_export_comes_in_again_unchanged_and_without_words_changes_nothing(desk: Rig) -> None:
    send(desk, LIST, add_sites=True)
    supervisor = desk.client("supervisor")
    for query in ("with_words=true", "with_words=false"):
        for form in ("jsonl", "json", "csv"):
            told = supervisor.get(f"{EXPORT}?format={form}&{query}")
            again = send(desk, told.content, "supervisor")
            assert {each[2] for each in outcomes(again)} == {"unchanged"}, (form, query)
    told = supervisor.get(f"{EXPORT}?format=csv&site=new.example&site=shop.example").text
    rows = list(csv.DictReader(io.StringIO(told.removeprefix("\ufeff"))))
    assert [row["site"] for row in rows] == ["new.example", "shop.example"]
