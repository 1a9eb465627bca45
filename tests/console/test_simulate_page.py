"""The simulation's page: where policies differ on the history in a file, or what is wrong there."""

import re
from typing import Any

import pytest

from incidents import views
from incidents.history import trial_process
from incidents.history.trial_process import TooCostlyError
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

LINES = "occurred_at,site,contact\n" + "".join(
    f"2026-03-0{day} {hour}:00,shop{day}.example,reached\n" for day in (1, 2) for hour in (10, 11)
)
TWO = "[repeat]\ncount = 2\n"


@pytest.fixture
def somebody(desk: ConsoleDesk) -> Visitor:
    return Visitor(desk, "viewer")


def simulate(by: Visitor, text: str | bytes = LINES, name: str = "h.csv", **fields: Any) -> Any:
    sent = text.encode() if isinstance(text, str) else text
    answer = by.post("/simulate", {"use": "active", **fields}, file=(name, sent))
    return by.get(answer.headers["location"]) if answer.status_code == 303 else answer


def test_two_policies_are_compared_and_the_sites_that_differ_are_named(somebody: Visitor) -> None:
    page = simulate(somebody, toml=TWO)
    assert page.status_code == 200, page.text
    assert "The policies treat 2 of 2 sites differently" in page.text
    assert "shop1.example" in page.text
    assert "Closed (R1)" in page.text


def test_policy_files_are_compared_by_their_names(somebody: Visitor) -> None:
    files = [("strict.toml", TWO.encode()), ("mild.toml", b"[repeat]\ncount = 9\n")]
    answer = somebody.post("/simulate", {}, file=("h.csv", LINES.encode()), policies=files)
    page = somebody.get(answer.headers["location"]).text
    assert "strict.toml" in page
    assert "mild.toml" in page


def test_a_line_that_cannot_be_used_is_named_with_its_number(somebody: Visitor) -> None:
    page = simulate(somebody, LINES + "yesterday,shop.example,reached\n")
    assert page.status_code == 422
    assert "Line 6 cannot be used: occurred_at is &#39;yesterday&#39;" in page.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LINES + "yesterday,shop.example,reached\n", "第 6 行无法使用：occurred_at 为"),
        (LINES + "2026-02-30 10:00,shop.example,reached\n", "没有这样的时间"),
        (LINES + "2026-03-01 10:00,a b.example,reached\n", "不能用：含有空格"),
        (LINES + "2026-03-01 10:00,shop.example,shouted\n", "contact 为"),
        (LINES + "2026-03-01 10:00,shop.example\n", "有 2 个字段，而表头有 3 个"),
        ("site\nshop.example\n", "缺少列 occurred_at"),
        ("when,where\n", "缺少列 occurred_at、site"),
        ("", "文件是空的"),
        (b"occurred_at,site\n\xff,\xff\n", "不是 UTF-8"),
        ('{"occurred_at": 3}\n', "请写成文本"),
        ("{]\n", "不是 JSON"),
        (LINES + "x\n" * 10_000, "有 1 个字段，而表头有 3 个"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_chinese(
    desk: ConsoleDesk, text: str | bytes, told: str
) -> None:
    page = simulate(Visitor(desk, "viewer", "zh"), text)
    assert page.status_code == 422
    [said] = re.findall(r'id="wrong">([^<]*)', page.text)
    assert told in said
    assert not re.search(r"[a-z]{2,} [a-z]{2,}", said.replace("occurred_at", "")), said


def test_such_lines_are_left_out_and_counted_when_that_is_asked_for(somebody: Visitor) -> None:
    page = simulate(somebody, LINES + "yesterday,shop.example,reached\n", skip_bad="1")
    assert page.status_code == 200
    assert "Unusable lines skipped: 1." in page.text


def test_a_urlhaus_dump_is_known_by_its_columns(somebody: Visitor) -> None:
    dump = "# id,dateadded,url,url_status\n1,2026-03-01 10:00:00,http://a.example/x,online\n"
    assert "Reports: 1; counted as violations: 1." in simulate(somebody, dump).text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"toml": "[repeat]\ncounts = 3\n"},
            "The policy “pasted” cannot be used: unknown key counts",
        ),
        ({"group_within": "soon"}, "enter a duration such as 60m"),
        ({"reach": "101"}, "a whole number from 0 to 100"),
        ({"seed": "-1"}, "up to nine digits"),
        ({"use": ""}, "Choose at least one policy."),
    ],
)
def test_what_is_wrong_with_the_form_is_said(
    somebody: Visitor, fields: dict[str, str], told: str
) -> None:
    page = simulate(somebody, **fields)
    assert page.status_code == 422
    assert told in page.text


def test_a_form_without_a_file_says_so(somebody: Visitor) -> None:
    page = somebody.post("/simulate", {"use": "active"})
    assert "Choose a history file." in page.text


def test_whose_other_trial_runs_is_asked_to_come_again(desk: ConsoleDesk) -> None:
    vera = Visitor(desk, "vera")
    with desk.app.processor_budget.charge("vera"):
        page = simulate(vera)
        tried = vera.post("/policy/try", {"toml": TWO, "days": "30"})
    for each in (page, tried):
        assert "Your account is running a trial" in each.text
        assert "Try again in 5 seconds." in each.text


def test_too_large_a_file_is_refused_before_it_is_read(
    somebody: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.console.simulation_form.MAX_BYTES", 2**20)
    page = simulate(somebody, b"x" * (2**20 + 1))
    assert "The file is larger than 1 MiB" in page.text


def test_one_that_takes_too_long_is_ended_and_says_so(
    somebody: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise TooCostlyError(limit_s=60)

    monkeypatch.setattr(trial_process, "run_trial", ended)
    assert "more than 60 seconds of processor time" in simulate(somebody).text


def test_more_reports_than_are_worked_through_are_refused(
    somebody: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.console.simulation_form.MAX_REPORTS", 3)
    assert "more than 3 reports" in simulate(somebody).text


@pytest.mark.parametrize("sites", [250, pytest.param(3_000, marks=pytest.mark.long)])
def test_many_sites_that_differ_are_read_page_by_page(somebody: Visitor, sites: int) -> None:
    lines = "occurred_at,site,contact\n" + "".join(
        f"2026-03-01 10:0{n},s{site:05}.example,reached\n" for site in range(sites) for n in (1, 2)
    )
    answer = somebody.post("/simulate", {"use": "active", "toml": TWO}, file=("h", lines.encode()))
    place = answer.headers["location"]
    first, last = somebody.get(place), somebody.get(place, page=999)
    assert first.text.count('<th scope="row"><bdi>s') == 100
    assert f"Page 1 of {-(-sites // 100)}" in first.text
    assert f"s{sites - 1:05}.example" in last.text
    assert "s00000.example" not in last.text


def test_a_hostile_name_of_a_file_stays_text(somebody: Visitor) -> None:
    files = [(HOSTILE, TWO.encode())]
    answer = somebody.post("/simulate", {}, file=(HOSTILE, LINES.encode()), policies=files)
    assert "<script>document" not in somebody.get(answer.headers["location"]).text


def test_what_somebody_else_has_worked_out_is_not_shown(desk: ConsoleDesk) -> None:
    viewer, operator = Visitor(desk, "viewer"), Visitor(desk, "operator")
    place = viewer.post("/simulate", {"use": "active"}, file=("h", LINES.encode()))
    assert operator.get(place.headers["location"]).status_code == 404


def test_nothing_is_stored(desk: ConsoleDesk) -> None:
    somebody = Visitor(desk, "viewer")
    simulate(somebody, toml=TWO)
    with desk.app.reading() as connection:
        assert list(views.sites(connection)) == []


def test_it_is_chinese_for_who_reads_chinese(desk: ConsoleDesk) -> None:
    page = simulate(Visitor(desk, "viewer", "zh"), toml=TWO)
    assert "2 个网站中有 2 个在不同策略下处理不同" in page.text
