"""Refusals and remarks: each has one sentence that its facts fill and that names a way out."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from incidents import machine
from incidents.contract.hints import TYPED
from incidents.contract.refusal_hints import OF_REFUSALS
from incidents.locale import refusals
from incidents.locale.language import ENGLISH
from incidents.machine import commands as c
from incidents.machine import filing
from incidents.machine.policy import Policy
from incidents.machine.refusal import RefusedError
from tests.machine.history import ANN, History
from tests.machine.order_history import OrderHistory

URL = "http://a.example/"
TWO = Policy(two_people_close=True)

REFUSED: dict[str, Callable[[], History]] = {
    "already_held": lambda: History().hold().hold(),
    "already_reported": lambda: History().log().reported(1).reported(1),
    "already_requested": lambda: History().false_info().reinstate().reinstate(),
    "already_said": lambda: History().log().says_removed(1).says_removed(1),
    "already_voided": lambda: History().log().contact(1).void_contact(1).void_contact(1),
    "bad_day": lambda: History().filed(opened_on="yesterday"),
    "before_incident": lambda: History().log().contact(1, at="09:00"),
    "before_told": lambda: History(at="10:00").log(at="09:00").contact(1).refused(1, at="09:30"),
    "claimed": lambda: History().log().claim("1").claim("1", by="eve"),
    "closure_asked": lambda: History(policy=TWO).false_info().false_info(by="eve"),
    "day_in_future": lambda: History().filed(opened_on="2026-03-03"),
    "double_entry": lambda: History().log(URL).log(URL),
    "future": lambda: History().log(at="11:00"),
    "held": lambda: History().hold().false_info().reinstate(),
    "in_force_already": lambda: OrderHistory().repeat(),
    "no_closure_asked": lambda: History(policy=TWO).confirm_closure(),
    "no_request": lambda: History().false_info().approve(),
    "nobody_to_tell": lambda: History().contact(None),
    "not_claimed": lambda: History().log().release("1"),
    "not_disputed": lambda: History().uphold(),
    "not_held": lambda: History().unhold(),
    "not_lifted": lambda: OrderHistory().hold().lifted("suspend"),
    "nothing_held": lambda: History().hand_over("eve"),
    "nothing_to_take_back": lambda: History().log().take_back(1),
    "order_dead": lambda: OrderHistory().hold().failed("suspend").failed("suspend"),
    "order_in_hand": lambda: (
        OrderHistory(at="10:00").hold().tried("suspend", until="10:01").cancelled("suspend")
    ),
    "order_not_dead": lambda: OrderHistory().hold().retried("suspend", "notice"),
    "overtaken": lambda: OrderHistory().hold().failed("suspend").unhold().retried("suspend"),
    "recurred_already": lambda: History().log().contact(1).after("25h").recur(1).recur(1),
    "same_person": lambda: History().false_info().reinstate().approve(by=ANN),
    "seen_too_early": lambda: OrderHistory().do(
        c.RecordState(by=ANN, adapter="panel", seen="active", in_force="active", last_act=1)
    ),
    "site_closed": lambda: History().false_info().false_info(),
    "site_exists": lambda: History().do(c.AddSite(by=ANN)),
    "site_not_closed": lambda: History().reinstate(),
    "state_forbids": lambda: History().log().refused(1),
    "too_many_items": lambda: History().filed(
        **{f"{filing.SERVER}n{n}": "sha256:1" for n in range(filing.MAX_ITEMS + 1)}
    ),
    "unknown_contact": lambda: History().log().void_contact(1),
    "unknown_detail": lambda: History().filed(colour="red"),
    "unknown_incident": lambda: History().removed(7),
    "unknown_item": lambda: History().claim("7"),
    "unknown_order": lambda: OrderHistory().delivered(7, "notice"),
    "unknown_task": lambda: History().done(7),
}

REMARKED: dict[str, Callable[[], History]] = {
    "counted": lambda: History().log(),
    "next_closes": lambda: History().log().log(),
    "next_miss_closes": lambda: (
        History().miss().after("14h").miss().after("14h").log().contact(3).removed(3).void(3)
    ),
    "others_close": lambda: History().log().log().log(ago="30h"),
    "waits_for_second": lambda: History(policy=TWO).false_info(),
    "too_late": lambda: History().miss().contact(1),
    "closure_fell": lambda: History(policy=TWO).log().contact(1).refused(1).removed(1),
    "tell_withdrawn": lambda: History().closed_by_repeat().void(2),
    "tell_again": lambda: History().closed_by_repeat().void(2).uphold(),
    "from_before": lambda: (
        History().miss().contact(1, at="10:30").false_info().reinstate().approve().void_contact(1)
    ),
    "not_covered": lambda: History().log().after("1m").log().contact(None, at="10:00"),
}


SOURCE = "".join(path.read_text() for path in sorted(Path(machine.__path__[0]).rglob("*.py")))
BY_THE_RULES = frozenset(re.findall(r'RefusedError\(\s*"(\w+)"', SOURCE))
REMARKS = {
    code.removeprefix("remark.").partition(".")[0]
    for code in ENGLISH.phrases
    if code.startswith("remark.")
}
OF_REPORTS = {each for each in REMARKS if each.startswith("report")}
OF_REPORTS |= {"incident_stays", "reason_not_told"}
OF_RULES = REMARKS - OF_REPORTS - {"other_host"}
"""The remarks that are the machine's; the desk has its own, most of them on reports."""


def test_every_refusal_and_remark_is_known_here() -> None:
    assert set(REFUSED) == BY_THE_RULES
    assert set(REMARKED) == OF_RULES


def test_every_name_that_the_machine_uses_has_a_sentence_and_none_is_left_over() -> None:
    assert set(refusals.NAMES) >= BY_THE_RULES
    assert set(re.findall(r'\.remark\(\s*"(\w+)"', SOURCE)) == OF_RULES


@pytest.mark.parametrize("name", REFUSED)
def test_the_facts_of_a_refusal_fill_its_sentence(name: str) -> None:
    site = REFUSED[name]()
    assert site.refused_with == name
    assert site.happened == []
    sentence = site.answer
    assert not re.search(r"[{}]|\bNone\b", sentence)
    for fact in set(re.findall(r"\{(\w+)\}", ENGLISH.phrases[f"refused.{name}"])):
        assert site.decision.refusal is not None
        assert str(site.decision.refusal.facts[fact]) in sentence


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_more_than_no_it_names_a_way_out_or_why_there_is_nothing_to_do(
    name: str,
) -> None:
    sentence, ways = ENGLISH.phrases[f"refused.{name}"], OF_REFUSALS.get(name)
    assert ways or re.search(r"[:;(].*\w", sentence) or "only when" in sentence


NAMES_A_COMMAND = re.compile(
    "|".join(re.escape(typed) for typed in TYPED.values() if " " in typed and "{" not in typed)
    + r"|--\w|do\["
)


def test_no_sentence_of_a_refusal_or_a_remark_names_a_command_or_an_option() -> None:
    assert NAMES_A_COMMAND.search("(site hold --lift lifts it)")
    said = [
        sentence
        for code, sentence in ENGLISH.phrases.items()
        if code.startswith(("refused.", "remark."))
    ]
    assert [each for each in said if NAMES_A_COMMAND.search(each)] == []


@pytest.mark.parametrize("name", REMARKED)
def test_the_facts_of_a_remark_fill_its_sentence(name: str) -> None:
    site = REMARKED[name]()
    assert [remark.name for remark in site.decision.remarks] == [name]
    assert site.refused_with is None
    assert not re.search(r"[{}]|\bNone\b", site.answer)


def test_times_in_a_sentence_are_written_as_the_reader_wants_them() -> None:
    refusal = History().log(at="11:00").decision.refusal
    assert refusal is not None

    def in_words(at: datetime) -> str:
        return f"{at:%H} o'clock"

    assert refusals.sentence(refusal, when=in_words).startswith("11 o'clock is in the future")


def test_several_things_in_a_sentence_are_listed() -> None:
    site = History(policy=Policy(repeat_count=9)).log().after("1m").log().log()
    site.contact(None, at="10:00")
    assert site.answer.endswith("12-2, 12-3")


def test_a_person_whose_name_looks_like_a_placeholder_is_quoted_as_they_are() -> None:
    site = History().hold(by="{site}").hold()
    assert "{site}" in site.answer


def test_a_refusal_that_nobody_caught_would_say_its_name() -> None:
    assert str(RefusedError("held", site="site.example")) == "held"
