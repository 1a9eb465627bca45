"""The message after an act: its corrections, and what each would do."""

import re
from datetime import timedelta

import pytest
from fastapi import Request
from starlette.responses import Response

from incidents.console.flash import Correction, Flash, read_flash, set_flash
from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

SITE, MINUTE = "shop.example", timedelta(minutes=1)
NO_ANSWER = c.RecordContact(by="li", incident=1, outcome="no-answer")


def said(who: Visitor, path: str, fields: dict[str, str]) -> str:
    """The message on the page that comes after the form was sent."""
    answer = who.post(path, fields)
    assert answer.status_code == 303
    shown = who.get(answer.headers["location"].partition("#")[0]).text
    [found] = re.findall(r'<p class="said done".*?</p>', shown, re.DOTALL)
    return str(found)


def policy(desk: ConsoleDesk, text: str) -> None:
    desk.app.desk.activate(text, by="wang", login="desk1", reason="agreed", signed_in=True)


def call(desk: ConsoleDesk, who: Visitor, incident: str = "1-1", **fields: str) -> str:
    return said(
        who, f"/incidents/{incident}/contact",
        {"outcome": "reached", "seen": str(desk.site(SITE)["seq"]), **fields},
    )  # fmt: skip


def test_a_voided_call_starts_the_hour_of_the_policy_in_force(desk: ConsoleDesk) -> None:
    policy(desk, "[unreachable]\nwithin = '30m'\n")
    desk.violation(SITE, ago=10 * MINUTE)
    told = call(desk, Visitor(desk, "li"))
    assert 'href="/incidents/1-1?void=1-1-1#void-1-1-1">Void this record</a>' in told
    assert "Voiding it: 1-1 is open again. A new contact clock of 30 min starts." in told


def test_a_voided_attempt_changes_nothing(desk: ConsoleDesk) -> None:
    desk.violation(SITE)
    told = call(desk, Visitor(desk, "li"), outcome="no-answer")
    assert "Voiding it: No state and no deadline changes." in told


def test_a_removal_that_is_undone_on_an_open_incident_starts_its_clock(desk: ConsoleDesk) -> None:
    desk.violation(SITE)
    li = Visitor(desk, "li")
    told = said(li, "/incidents/1-1/removed", {"seen": str(desk.site(SITE)["seq"])})
    assert 'href="/incidents/1-1#act-take-back">Undo the removal</a>' in told
    assert "Undoing it: 1-1 is open again. A new contact clock of 1 h starts." in told


def test_a_removal_that_is_undone_after_a_call_starts_the_removal_deadline(
    desk: ConsoleDesk,
) -> None:
    policy(desk, "[refusal]\nremoval_within = '2h'\n")
    desk.violation(SITE)
    desk.do(SITE, c.RecordContact(by="li", incident=1, outcome="reached"))
    li = Visitor(desk, "li")
    told = said(li, "/incidents/1-1/removed", {"seen": str(desk.site(SITE)["seq"])})
    assert "1-1 is notified again. A new removal deadline starts, 2 h from then." in told


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "1-1 is unreached again. The removal deadline"),
        ("zh", "1-1 恢复为“未联系上”。取消删除时限 "),
    ],
)
def test_a_voided_late_call_ends_the_removal_deadline_that_it_set(
    desk: ConsoleDesk, language: str, words: str
) -> None:
    policy(desk, "[refusal]\nremoval_within = '2h'\n")
    desk.violation(SITE, ago=61 * MINUTE)
    desk.elapse()
    assert words in call(desk, Visitor(desk, "li", language))


def test_voiding_late_truth_lets_the_case_count_again(desk: ConsoleDesk) -> None:
    desk.violation(SITE, ago=61 * MINUTE)
    desk.elapse()
    told = call(desk, Visitor(desk, "li"), at="30m ago")
    assert desk.site(SITE)["run"] == 0
    assert f"Case 1 of {SITE} is valid again; the site is not suspended again." in told


def test_a_call_about_a_whole_site_has_a_way_back_for_each_record(desk: ConsoleDesk) -> None:
    desk.violation(SITE, ago=50 * MINUTE)
    desk.do(SITE, c.Log(by="li", again=True), ago=40 * MINUTE)
    li = Visitor(desk, "li")
    seen = str(desk.site(SITE)["seq"])
    told = said(li, f"/sites/{SITE}/contact", {"outcome": "reached", "seen": seen})
    for n in (1, 2):
        link = f'<a href="/incidents/1-{n}?void=1-{n}-1#void-1-{n}-1">Void record 1-{n}-1</a>'
        assert f"{link} <small>Voiding it: 1-{n} is open again." in told


def test_a_call_about_many_incidents_leads_to_the_list_of_them(desk: ConsoleDesk) -> None:
    policy(desk, "[repeat]\ncount = 9\n")
    desk.violation(SITE, ago=50 * MINUTE)
    for _ in range(4):
        desk.do(SITE, c.Log(by="li", again=True), ago=40 * MINUTE)
    li = Visitor(desk, "li", "zh")
    seen = str(desk.site(SITE)["seq"])
    told = said(li, f"/sites/{SITE}/contact", {"outcome": "reached", "seen": seen})
    assert f'<a href="/sites/{SITE}#h-incidents">共 5 条记录，请在各违规页面作废</a>' in told
    assert "?void=" not in told


def test_a_message_that_is_too_long_for_a_cookie_loses_its_links_and_not_its_words() -> None:
    back = tuple(Correction(f"/incidents/1-{n}", "作废此记录", "作废后：" * 40) for n in range(3))
    words = "已联系到负责人。" * 90
    answer = set_flash(Response(), Flash("done", words, back))
    kept = answer.headers["set-cookie"].partition(";")[0]
    assert len(kept) < 4_096
    shown = read_flash(Request({"type": "http", "headers": [(b"cookie", kept.encode())]}))
    assert shown == Flash("done", words)
