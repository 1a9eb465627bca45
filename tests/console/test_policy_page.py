"""The policy's page: in force, in words, its history; tried on the record, and then activated."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from incidents.audit import fold
from incidents.console import policy_form
from incidents.console.figures.layouts import LAYOUTS
from incidents.console.figures.machine import KINDS
from incidents.history import trial_process
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED, Policy
from tests.api.rig import PASSWORD
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

TWO = "[repeat]\ncount = 2\n"
KEPT = "[closure]\ntwo_people = true\n"
CONFIRM = "activate"


@pytest.fixture
def supervisor(desk: ConsoleDesk) -> Visitor:
    """At a desk with a site that two violations would have closed."""
    desk.do("shop.example", c.AddSite(by="li"))
    for _ in range(2):
        desk.do("shop.example", c.Log(by="li", again=True))
    return Visitor(desk, "supervisor")


def tried(by: Visitor, toml: str = TWO, **fields: Any) -> str:
    """Where what came of a trial is."""
    answer = by.post("/policy/try", {"toml": toml, "days": "30", **fields})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def activated(by: Visitor, place: str, **fields: str) -> Any:
    return by.post(f"{place}/activate", {"reason": "两次就够", "confirm": CONFIRM, **fields})


def test_the_policy_in_force_is_told_in_both_languages_and_drawn(desk: ConsoleDesk) -> None:
    english = Visitor(desk, "viewer").get("/policy").text
    chinese = Visitor(desk, "viewer", "zh").get("/policy").text
    assert "R1 repeat: 3 violations within 24h close the site." in english
    assert "R1 重复违规：24 小时内违规达 3 次的，关闭网站。" in chinese
    for page in (english, chinese):
        assert page.count('<svg class="machine"') == 4
        assert "<script>" not in page


def test_every_move_of_the_machines_is_listed_with_a_link_to_its_arc(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "viewer").get("/policy").text
    arcs = [each for layout in LAYOUTS.values() for each in layout.routes]
    assert page.count('<li data-arc="') == page.count('<g class="arc ') - len(KINDS) == len(arcs)
    for told in ("trigger.", "guard."):
        assert told not in page


@pytest.mark.parametrize("short", [trial_process.SHORT, 0], ids=["here", "apart"])
def test_a_trial_on_the_record_shows_what_would_have_differed_and_changes_nothing(
    desk: ConsoleDesk, supervisor: Visitor, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_process, "SHORT", short)
    page = supervisor.get(tried(supervisor)).text
    assert "The policies treat 1 of 1 sites differently" in page
    assert "<li>Violations that close a site: 3 → <b>2</b></li>" in page
    assert re.search(r"new policy: closures 0 → 1, suspensions \d → \d", page)
    assert "<bdi>Closed (R1)</bdi> <b>0 → 1</b>" in page
    assert desk.app.desk.policy() == DOCUMENTED


def test_a_trial_on_a_file_names_the_line_that_cannot_be_used(supervisor: Visitor) -> None:
    fields = {"toml": TWO, "days": "file"}
    page = supervisor.post("/policy/try", fields, file=("h.csv", b"occurred_at,site\nno,a.b\n"))
    assert page.status_code == 422
    assert "Line 2 cannot be used" in page.text
    good = b"occurred_at,site\n2026-03-01 10:00,a.example\n2026-03-01 11:00,a.example\n"
    answer = supervisor.post("/policy/try", fields, file=("h.csv", good))
    assert "a.example" in supervisor.get(answer.headers["location"]).text


def test_activation_is_on_record_with_who_and_why_and_stands_in_the_history(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    answer = activated(supervisor, tried(supervisor))
    assert answer.headers["location"] == "/policy"
    assert desk.app.desk.policy() == Policy(repeat_count=2)
    with desk.app.reading() as connection:
        [(_, activation)] = fold.activations(connection)
    assert activation.by == "supervisor-1"
    page = supervisor.get("/policy").text
    assert "is active." in page
    assert "<q>两次就够</q>" in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"confirm": "yes"}, "Not activated: type activate to confirm."),
        ({"confirm": ""}, "Not activated: type activate to confirm."),
        ({"reason": " "}, "Not activated: enter a reason."),
    ],
)
def test_without_confirmation_or_reason_nothing_is_activated(
    desk: ConsoleDesk, supervisor: Visitor, fields: dict[str, str], told: str
) -> None:
    page = activated(supervisor, tried(supervisor), **fields)
    assert page.status_code == 422
    assert told in page.text
    assert desk.app.desk.policy() == DOCUMENTED


def test_who_may_not_activate_sees_no_form_for_it_and_is_refused(
    desk: ConsoleDesk,
) -> None:
    operator = Visitor(desk, "operator")
    place = tried(operator)
    page = operator.get(place).text
    assert "/activate" not in page
    assert activated(operator, place).status_code == 403
    assert desk.app.desk.policy() == DOCUMENTED
    [counted] = desk.refusals()
    assert (counted["act"], counted["why"]) == ("activate_policy", "role")


def test_a_policy_activated_meanwhile_by_another_is_not_replaced_unawares(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    place = tried(supervisor)
    desk.app.desk.activate("[repeat]\ncount = 5\n", by="zhang", login=None, reason="r")
    page = activated(supervisor, place)
    assert "somebody activated another policy after your trial" in page.text
    assert desk.app.desk.policy().repeat_count == 5


def test_that_two_people_close_is_ended_by_two_who_sign_in_in_one_form(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    desk.account("sup-2", "supervisor", password=True)
    assert 'name="second"' not in supervisor.get(tried(supervisor)).text
    desk.app.desk.activate(KEPT, by="zhang", login=None, reason="r")
    place = tried(supervisor)
    assert 'name="second"' in supervisor.get(place).text
    for fields, told in (
        ({}, "a second person who can activate policies must also sign in here"),
        ({"second": "sup-2"}, "the second person must enter their password again"),
        ({"second": "sup-2", "second_password": "a guess"}, "username or password of the second"),
    ):
        page = activated(supervisor, place, **fields)
        assert (page.status_code, told in page.text) == (422, True)
        assert "a guess" not in page.text
    beside = {"second": "sup-2", "second_password": PASSWORD}
    assert activated(supervisor, place, **beside).status_code == 303
    assert "seconded by <bdi>sup-2</bdi>" in supervisor.get("/policy").text
    assert not desk.app.desk.policy().two_people_close


def test_the_page_that_asks_again_who_you_are_shows_no_second_password(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    place = tried(supervisor)
    desk.pass_time(timedelta(minutes=6))
    page = activated(supervisor, place, second="sup-2", second_password=PASSWORD)
    assert 'name="proves"' in page.text
    assert 'value="sup-2"' in page.text
    assert PASSWORD not in page.text


def test_the_same_form_sent_twice_activates_once(desk: ConsoleDesk, supervisor: Visitor) -> None:
    place = tried(supervisor)
    assert [activated(supervisor, place).status_code for _ in range(2)] == [303, 303]
    with desk.app.reading() as connection:
        assert len(list(fold.activations(connection))) == 1


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("", "Choose or paste a policy."),
        ("[repeat]\ncount = 3\n", "This policy is already active."),
        (
            "[repeat]\ncounts = 2\n",
            "The policy “new policy” cannot be used: unknown key counts in [repeat]",
        ),
    ],
)
def test_what_cannot_be_tried_is_said(supervisor: Visitor, toml: str, told: str) -> None:
    page = supervisor.post("/policy/try", {"toml": toml, "days": "30"})
    assert page.status_code == 422
    assert told in page.text


def test_a_hostile_reason_stays_text(desk: ConsoleDesk, supervisor: Visitor) -> None:
    desk.app.desk.activate(TWO, by="zhang", login="x<y", reason=HOSTILE)
    page = supervisor.get("/policy").text
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title" in page


def test_a_form_from_elsewhere_does_nothing(desk: ConsoleDesk, supervisor: Visitor) -> None:
    place = tried(supervisor)
    answer = supervisor.client.post(f"{place}/activate", data={"reason": "r", "confirm": CONFIRM})
    assert answer.status_code == 403
    assert desk.app.desk.policy() == DOCUMENTED


def test_a_policy_is_tried_by_its_numbers(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    page = wang.get("/policy").text
    assert 'name="repeat.count" value="3"' in page
    fields = {
        "by_numbers": "1", "days": "30", "repeat.count": "4", "repeat.within": "24h",
        "unreachable.within": "1h", "unreachable.suspend_for": "12h",
        "unreachable.min_attempts": "0", "unreachable_run.count": "3",
        "unreachable_run.run": "total", "refusal.removal_within": "", "closure.two_people": "1",
    }  # fmt: skip
    tried = wang.post("/policy/try", fields)
    assert tried.status_code == 303, tried.text
    found = wang.get(tried.headers["location"]).text
    assert 'name="repeat.count" value="4"' in found, "to be changed and tried again"
    assert "needs a second person: no → <b>yes</b>" in found
    wrong = wang.post("/policy/try", fields | {"repeat.within": "a day"})
    assert (wrong.status_code, 'value="a day"' in wrong.text) == (422, True)


def test_a_number_that_cannot_be_is_said_of_the_field_by_its_label(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    numbers = policy_form.numbers_of(DOCUMENTED) | {"by_numbers": "1", "days": "30"}
    page = wang.post("/policy/try", numbers | {"repeat.count": "none"})
    assert page.status_code == 422
    told = "“Violations that close a site” must be a whole number from 1 to 1000, not “none”."
    assert told in page.text
    [field] = re.findall(r"<input[^>]*aria-invalid[^>]*>", page.text)
    assert 'name="repeat.count"' in field
    assert 'aria-describedby="wrong-number" autofocus' in field


@pytest.mark.parametrize("typed", ["24h😀", "24h\x7f", '24h"\\', "24h\x01"])
def test_whatever_is_typed_as_a_number_is_answered(desk: ConsoleDesk, typed: str) -> None:
    wang = Visitor(desk, "supervisor")
    numbers = policy_form.numbers_of(DOCUMENTED) | {"by_numbers": "1", "days": "30"}
    page = wang.post("/policy/try", numbers | {"repeat.within": typed})
    assert (page.status_code, 'name="repeat.within"' in page.text) == (422, True)


def test_each_number_names_its_rules_in_the_punctuation_of_its_language(desk: ConsoleDesk) -> None:
    english = Visitor(desk, "supervisor").get("/policy").text
    chinese = Visitor(desk, "supervisor", "zh").get("/policy").text
    assert 'needs a second person <span class="soft">(R4, R5)</span>' in english
    assert '须经第二人批准 <span class="soft">（R4、R5）</span>' in chinese
    assert '删除内容的时限 <span class="soft">（R5）</span>' in chinese
