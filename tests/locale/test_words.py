"""The words: times, spans, states, and a sentence for every kind of event."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incidents.contract.case_documents import event_document
from incidents.contract.documents.sites import Incident, Site
from incidents.locale.event_sentence import order_of_site, sentence
from incidents.locale.language import ENGLISH, language
from incidents.locale.words import TimeFormat, Wording
from incidents.machine.events import KINDS
from incidents.machine.policy import Policy
from tests.machine.order_history import OrderHistory

WHY_NOT = {
    code.removeprefix("why_not."): said
    for code, said in ENGLISH.phrases.items()
    if code.startswith("why_not.")
}
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
WHEN = TimeFormat(zone=ZoneInfo("Asia/Shanghai"), now=NOW)
WORDING = Wording(site="shop.example", site_id=1, when=WHEN)
CHINESE = replace(WORDING, when=replace(WHEN, language=language("zh_CN")))


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(days=2, minutes=5), "2 d"),
        (timedelta(days=2, hours=3, minutes=5), "2 d 3 h"),
    ],
)
def test_a_span_is_told_in_its_largest_unit_and_the_next(length: timedelta, told: str) -> None:
    assert ENGLISH.span(length) == told


def test_times_are_told_in_the_zone_with_seconds_only_where_there_are_any() -> None:
    assert WHEN(NOW) == "2026-03-01 10:00"
    assert WHEN("2026-03-01T02:00:30Z") == "2026-03-01 10:00:30"
    assert WHEN.until(NOW + timedelta(minutes=59)) == ("2026-03-01 10:59 Asia/Shanghai (in 59 min)")
    assert WHEN.left(NOW + timedelta(minutes=59, seconds=58)) == "in 1 h"
    assert WHEN.left(NOW + timedelta(minutes=9, seconds=59)) == "in 9 min"
    assert WHEN.left(NOW - timedelta(minutes=12)) == "12 min overdue"
    assert WHEN.ago(NOW - timedelta(minutes=12)) == "12 min ago"
    assert WHEN.ago(NOW + timedelta(minutes=12)) == "in 12 min"
    assert WHEN.ago(NOW + timedelta(milliseconds=40)) == "0 s ago"


def test_every_kind_of_event_has_a_sentence() -> None:
    assert [kind for kind in KINDS if f"happened.{kind}" not in ENGLISH.phrases] == []


def test_an_event_of_an_unknown_kind_is_told_by_its_name() -> None:
    assert sentence(WORDING, {"kind": "site_painted"}) == "site_painted"


OF_ORDERS: dict[str, tuple[Callable[[OrderHistory], OrderHistory], str]] = {
    "enforced": (
        lambda site: site.delivered("suspend"),
        "Carried out by panel: shop.example is now suspended",
    ),
    "open again": (
        lambda site: site.unhold().delivered("reopen"),
        "Carried out by panel: shop.example is now open",
    ),
    "not enforced": (
        lambda site: site.delivered("suspend", enforced=False),
        "panel only logged the order to suspend shop.example: NOTHING IS ENFORCED",
    ),
    "written": (
        lambda site: site.delivered("suspend", "notice"),
        "Customer notified (suspend) by panel",
    ),
    "told": (
        lambda site: site.log().log().log().delivered("call", "desk"),
        "Desk alerted (call) by panel",
    ),
    "given up": (
        lambda site: site.failed("suspend"),
        "GAVE UP: suspend shop.example, after 9 attempts by panel (http_503)",
    ),
    "given up at once": (
        lambda site: site.failed("suspend", attempts=1),
        "GAVE UP: suspend shop.example, after 1 attempt by panel (http_503)",
    ),
    "given up writing": (
        lambda site: site.failed("suspend", "notice"),
        "GAVE UP: notify customer (suspend), after 9 attempts by panel (http_503)",
    ),
    "lifted": (
        lambda site: site.unhold().lifted("suspend"),
        "Not carried out: suspend shop.example (the measure was lifted)",
    ),
    "by hand": (
        lambda site: site.cancelled("suspend"),
        "Not carried out: suspend shop.example (cancelled by hand)",
    ),
    "for a reason of others": (
        lambda site: site.cancelled("suspend", "notice", why="on_holiday"),
        "Not carried out: notify customer (suspend) (on_holiday)",
    ),
    "tried again": (
        lambda site: site.failed("suspend").retried("suspend"),
        "Retrying now: suspend shop.example",
    ),
    "seen": (
        lambda site: site.seen("suspended"),
        "panel reports the actual state of shop.example: suspended",
    ),
    "repeated": (lambda site: site.repeat(), "Ordered again: suspend shop.example"),
    "reported": (lambda site: site.log().reported(1), "12-1: reported to the police"),
    "said removed": (
        lambda site: site.log().says_removed(1),
        "12-1: the customer reports the content removed; not checked yet",
    ),
}


@pytest.mark.parametrize("what", OF_ORDERS)
def test_what_became_of_an_order_and_what_was_said_is_told(what: str) -> None:
    tell, words = OF_ORDERS[what]
    event = tell(OrderHistory().hold()).decision.events[0]
    assert sentence(WORDING, event_document(12, event, 1)) == words


@pytest.mark.parametrize(
    ("lane", "words"),
    [
        ("act", "suspend a.example"),
        ("notice", "notify customer (suspend) for a.example"),
        ("desk", "alert desk (suspend) for a.example"),
    ],
)
def test_an_order_that_only_tells_of_a_suspension_is_none(lane: str, words: str) -> None:
    order: Any = {"kind": "suspend", "lane": lane, "site": "a.example"}
    assert order_of_site(order, language("en", "cli")) == words


@pytest.mark.parametrize("end", ["its time", "a correction"])
def test_a_suspension_that_ends_under_a_hold_leaves_the_site_held(end: str) -> None:
    site = OrderHistory().miss().hold()
    site = site.void(1) if end == "a correction" else site.after("13h").elapse()
    events = [each for each in site.decision.events if each.kind.startswith("suspension_")]
    (event,) = (event_document(12, each, 1) for each in events)
    assert sentence(WORDING, event).endswith("; the site stays down, held by order")
    assert sentence(CHINESE, event).endswith("；网站仍依令停用")


def test_only_what_counted_no_longer_counts_once_voided() -> None:
    counted, moot = OrderHistory().log().void(1), OrderHistory().false_info().log().void(1)
    told = [sentence(WORDING, event_document(12, s.decision.events[0], 1)) for s in (counted, moot)]
    assert told == ["12-1 voided: it no longer counts", "12-1 voided"]


def test_a_lifted_hold_names_the_suspension_that_still_runs() -> None:
    event = OrderHistory().miss().hold().unhold().decision.events[0]
    told = sentence(WORDING, event_document(12, event, 1))
    assert told == "Hold on shop.example lifted; the site stays suspended"


IN_A_ROW = "Misses in a row: {}. The site closes at 3 (R3){}."
TRIED = ": the next miss after 2 or more attempts by the deadline closes the site"
ALONE = ": the next miss closes the site, and no second person needs to confirm"
WHEN_OPEN = "the next miss closes the site, if it is open then"
RUNS: list[tuple[Policy, int, str, str]] = [
    (Policy(), 1, "active", ""),
    (Policy(), 2, "active", ": the next miss closes the site"),
    (Policy(min_attempts=2), 2, "active", TRIED),
    (Policy(two_people_close=True), 2, "active", ALONE),
    (Policy(), 2, "suspended", f": {WHEN_OPEN}"),
    (Policy(), 3, "active", f", but a recount alone does not close it: {WHEN_OPEN}"),
]


@pytest.mark.parametrize(("policy", "run", "state", "told"), RUNS)
def test_the_run_is_told_with_what_the_next_miss_does(
    policy: Policy, run: int, state: str, told: str
) -> None:
    assert WORDING.place_in_run(run, policy, state) == IN_A_ROW.format(run, told)


def test_the_run_is_told_in_chinese_too() -> None:
    told = CHINESE.place_in_run(2, Policy(min_attempts=2, two_people_close=True), "active")
    assert told == (
        "已连续 2 次无法联系；连续 3 次即关闭网站（R3）：时限内至少联系 2 次而再次无法联系，即关闭"
        "网站，无须另一人批准。"
    )


@pytest.mark.parametrize("why", WHY_NOT)
def test_each_reason_not_to_carry_an_order_out_has_its_words(why: str) -> None:
    event = {"kind": "order_cancelled", "order_kind": "notify", "lane": "notice", "why": why}
    assert sentence(WORDING, event).endswith(f"({WHY_NOT[why]})")
    assert WHY_NOT[why] != why


def _incident(state: str, **fields: Any) -> Any:
    return {"id": "1-3", "state": state, "contact_due": None, "removal_due": None, **fields}


@pytest.mark.parametrize(
    ("incident", "told"),
    [
        (_incident("open", contact_due="2026-03-01T03:00:00Z"), "by 2026-03-01 11:00"),
        (_incident("open"), "1-3 is open; no active clock"),
        (_incident("unreached"), "keep calling"),
        (_incident("notified"), "check whether the content is removed"),
        (
            _incident("notified", removal_due="2026-03-01T03:00:00Z"),
            "record the removal by 2026-03-01 11:00",
        ),
        (_incident("voided"), "1-3 is voided"),
    ],
)
def test_an_incident_is_told_with_what_it_waits_for(incident: "Incident", told: str) -> None:
    assert told in WORDING.incident_state(incident)


def test_no_clock_is_told_on_a_closed_site() -> None:
    waiting = _incident("open", contact_due="2026-03-01T03:00:00Z")
    assert WORDING.incident_state(waiting, site_closed=True) == (
        "1-3 is open; no active clock on a closed site"
    )


def _site(state: str, **fields: Any) -> Any:
    default = {"rule": None, "held": False, "disputed": False, "run": 0, "suspended_until": None}
    return {"state": state, **default, **fields}


@pytest.mark.parametrize(
    ("site", "told"),
    [
        (_site("active"), "shop.example is active"),
        (_site("suspended", held=True), "held by order"),
        (_site("suspended", suspended_until="2026-03-01T15:00:00Z"), "until 2026-03-01 23:00"),
        (_site("closed", rule="repeat"), "closed (R1, repeat): no after-sales service, no refund"),
        (_site("closed", rule="refusal", disputed=True), "the closure is disputed"),
    ],
)
def test_a_site_is_told_with_its_rule_and_its_terms(site: "Site", told: str) -> None:
    assert told in WORDING.site_state(site)
