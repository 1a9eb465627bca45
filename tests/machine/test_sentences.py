"""What is said, word for word: who reads it acts by it, and scripts look for it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from incidents.locale import refusals
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from tests.machine.history import ANN, BOB, History, utc
from tests.machine.test_refusals import BY_THE_RULES, OF_RULES, REFUSED, REMARKED

SAID = {
    "already_held": "site.example is already held: ann set the hold at 10:00",
    "already_reported": (
        "incident 12-1 was already reported to the police at 10:00; nothing left to report"
    ),
    "already_requested": (
        "ann already requested the reinstatement of site.example; another person must approve or"
        " decline it"
    ),
    "already_said": ("12-1 was already reported as removed; nothing more to do"),
    "already_voided": "contact 12-1-1 is already voided; nothing left to void",
    "bad_day": "'yesterday' is not a valid date for opened_on; write it like 2026-03-01",
    "before_incident": ("09:00 is before the incident (10:00); check the time"),
    "before_told": (
        "09:30 is before 10:00, when the customer was told about the incident; check the time"
    ),
    "claimed": "12-1 is claimed by ann; ask them to release it or hand it over",
    "closure_asked": (
        "ann already requested the closure of site.example; another person must confirm or decline"
        " it"
    ),
    "day_in_future": ("2026-03-03 is in the future; record opened_on on or after that day"),
    "double_entry": (
        "incident 12-1 of site.example already has http://a.example/ and is still open; if this"
        " is another violation, log a separate incident; if the content is still there after a"
        " call, record a recurrence"
    ),
    "future": ("11:00 is in the future (now is 10:00); record it once it has happened"),
    "held": ("site.example is held by order and cannot be reinstated; lift the hold first"),
    "in_force_already": ("the actual state of site.example is already active; no order to repeat"),
    "no_closure_asked": (
        "nobody requested the closure of site.example; to request it under a two-person policy,"
        " state false details or a refusal"
    ),
    "no_request": "nobody requested the reinstatement of site.example; request it first",
    "nobody_to_tell": (
        "site.example has no open or unreached incident up to 10:00 that this call covers; to"
        " record the call, name an incident"
    ),
    "not_claimed": "12-1 is not claimed; nothing to release or hand over",
    "not_disputed": ("the closure of site.example is not disputed; nothing to uphold"),
    "not_held": "site.example is not held; nothing to lift",
    "not_lifted": "order 12-o2 still applies; it must be carried out",
    "nothing_held": ("ann has claimed nothing on site.example; nothing to hand over"),
    "nothing_to_take_back": (
        "incident 12-1 is open; you can withdraw only a recorded removal or refusal"
    ),
    "order_dead": "12-o2 is already a dead letter; you can retry it",
    "order_in_hand": "12-o2 is being carried out; wait until 10:01, then check the result",
    "order_not_dead": "12-o2.notice is not a dead letter; it retries automatically",
    "overtaken": (
        "12-o2 is outdated: it would undo a later order for site.example; cancel 12-o2, or check"
        " the actual state of the site"
    ),
    "recurred_already": (
        "a recurrence of 12-1 is already logged as 12-2 (open), and nobody has been reached"
        " about it. Log a separate recurrence only for another violation"
    ),
    "same_person": "ann made this request; another person must decide on it",
    "seen_too_early": (
        "an order for site.example was given or carried out after you checked the site; check the"
        " site again"
    ),
    "site_closed": (
        "site.example is closed (R4, false information); stating false information is not possible"
        " on a closed site"
    ),
    "site_exists": "site.example already exists",
    "site_not_closed": ("site.example is active, not closed; nothing to reinstate"),
    "state_forbids": (
        "incident 12-1 is open; stating a refusal is possible only when it is notified"
    ),
    "too_many_items": (
        "the filing would have too many servers: 101; the limit is 100. Delete some first"
    ),
    "unknown_contact": "incident 12-1 has no contact 1",
    "unknown_detail": (
        "a filing has no detail 'colour' (servers and documents are server.LABEL and"
        " document.LABEL; LABEL uses a-z, 0-9 and -)"
    ),
    "unknown_incident": "no incident 12-7",
    "unknown_item": "the queue has no item 12-7",
    "unknown_order": "order 12-o7.notice is neither waiting nor a dead letter",
    "unknown_task": "no open task 12-t7",
    "counted": "violation 1 of 3 in 24 h",
    "next_closes": "violation 2 of 3 in 24 h: another violation by 10:00 closes this site",
    "next_miss_closes": "misses on site.example so far: 2. The next miss closes the site (R3)",
    "others_close": (
        "violation 1 of 3 in 24 h, but later violations count too: one more by 10:00 closes this"
        " site"
    ),
    "waits_for_second": (
        "site.example is not closed yet: the policy requires two people, so another person must"
        " confirm or decline the closure"
    ),
    "too_late": (
        "this contact missed 12-1's deadline, 11:00, so no clock stopped. If it was in time,"
        " record it again with its time"
    ),
    "closure_fell": (
        "this withdraws ann's request to close site.example: 12-1 is removed; undoing that does"
        " not bring the request back"
    ),
    "tell_withdrawn": (
        "removed from the queue while the closure is disputed: 12-t1 (call about closure)"
    ),
    "tell_again": "returned to the queue: 12-t1 (call about closure)",
    "from_before": (
        "case 1 of site.example is from before the reinstatement and counts for nothing"
    ),
    "not_covered": "not covered by this call, because they happened after the call: 12-2",
}


def said(site: History) -> list[str]:
    """What the last act was answered, times as hours and minutes."""

    def in_short(at: datetime) -> str:
        return f"{at:%H:%M}"

    told = [refusals.remark(each, when=in_short) for each in site.decision.remarks]
    refusal = site.decision.refusal
    return told if refusal is None else [*told, refusals.sentence(refusal, when=in_short)]


@pytest.mark.parametrize("name", SAID)
def test_each_refusal_and_each_remark_has_its_words(name: str) -> None:
    assert said({**REFUSED, **REMARKED}[name]()) == [SAID[name]]


def test_all_that_can_be_said_stands_here() -> None:
    assert set(SAID) == BY_THE_RULES | OF_RULES


ON_A_CLOSED_SITE: dict[str, Callable[[History], History]] = {
    "stating false information": lambda site: site.false_info(),
    "stating a refusal": lambda site: site.refused(1),
    "logging a recurrence": lambda site: site.recur(1),
}


@pytest.mark.parametrize("act", ON_A_CLOSED_SITE)
def test_an_act_that_a_closed_site_does_not_take_is_named_with_the_rule(act: str) -> None:
    site = History().log().contact(1).false_info()
    assert said(ON_A_CLOSED_SITE[act](site)) == [
        (f"site.example is closed (R4, false information); {act} is not possible on a closed site")
    ]


STAYS = " (a voided incident stays voided)"

IN_A_STATE: dict[str, tuple[Callable[[], History], str]] = {
    "contact of voided": (
        lambda: History().log().void(1).contact(1),
        "voided; recording a contact is possible only when it is not voided" + STAYS,
    ),
    "removed of removed": (
        lambda: History().log().removed(1).removed(1),
        "removed; recording the removal is possible only when it is open or notified or unreached",
    ),
    "refused of open": (
        lambda: History().log().refused(1),
        "open; stating a refusal is possible only when it is notified",
    ),
    "refused of unreached": (
        lambda: History().miss().refused(1),
        "unreached; stating a refusal is possible only when it is notified",
    ),
    "refused of removed": (
        lambda: History().log().removed(1).refused(1),
        "removed; stating a refusal is possible only when it is notified",
    ),
    "removed of moot": (
        lambda: History().false_info().log().contact(1).removed(1),
        (
            "moot; recording the removal is possible only when it is open or notified or"
            " unreached (a moot incident can only be voided)"
        ),
    ),
    "recur of open": (
        lambda: History().log().recur(1),
        "open; logging a recurrence is possible only when it is notified or unreached or removed",
    ),
    "reported of voided": (
        lambda: History().log().void(1).reported(1),
        "voided; recording a report to the police is possible only when it is not voided" + STAYS,
    ),
    "said of removed": (
        lambda: History().log().removed(1).says_removed(1),
        "removed; this is possible only when it is open or notified or unreached",
    ),
    "void of voided": (
        lambda: History().log().void(1).void(1),
        (
            "voided; voiding is possible only when it is open or notified or unreached or removed"
            " or refused or moot (a voided incident stays voided)"
        ),
    ),
}


@pytest.mark.parametrize("case", IN_A_STATE)
def test_a_state_that_forbids_an_act_is_named_with_those_that_allow_it(case: str) -> None:
    history, words = IN_A_STATE[case]
    assert said(history()) == [f"incident 12-1 is {words}"]


def test_an_imported_fact_from_before_its_incident_is_refused_with_both_times() -> None:
    site = History(at="10:00").imported(at="09:00", removed="08:59")
    (words,) = said(site)
    assert words.startswith("08:59 is before the incident (09:00);")


def test_an_imported_fact_from_the_future_is_refused_whichever_it_is() -> None:
    future = utc("10:01")
    for command in (
        c.ImportIncident(by=ANN, at=future),
        c.ImportIncident(by=ANN, at=utc("09:00"), contact="reached", contact_at=future),
        c.ImportIncident(by=ANN, at=utc("09:00"), removed_at=future),
    ):
        assert said(History(at="10:00").do(command)) == [
            "10:01 is in the future (now is 10:00); record it once it has happened"
        ]


def test_a_claim_of_another_person_is_refused_with_their_name() -> None:
    words = ["12-1 is claimed by ann; ask them to release it or hand it over"]
    assert said(History().log().claim("1").claim("1", by=BOB)) == words
    assert said(History().log().claim("1").release("1", by=BOB)) == words


WITHDRAWN = "this withdraws ann's request to close site.example, because "
FELL: dict[str, Callable[[History], History]] = {
    "12-1 is voided": lambda site: site.void(1),
    (
        "no valid contact shows that the customer was told about 12-1 before refusing. Call again;"
        " if the customer still refuses, state the refusal again"
    ): lambda site: site.void_contact(1),
}


@pytest.mark.parametrize("why", FELL)
def test_a_request_that_falls_says_why(why: str) -> None:
    site = History(policy=Policy(two_people_close=True)).log().contact(1).refused(1)
    assert said(FELL[why](site)) == [WITHDRAWN + why]


def test_a_call_that_came_after_the_refusal_does_not_keep_the_request() -> None:
    site = History(policy=Policy(two_people_close=True)).log().contact(1).refused(1)
    (told,) = said(site.after("1m").contact(1).void_contact(1, 1))
    assert told.startswith(f"{WITHDRAWN}no valid contact shows that the customer was told")


def test_a_miss_that_needs_attempts_to_close_is_told_with_them() -> None:
    site = History().miss().after("14h").miss().after("14h").log().contact(3).removed(3)
    (told,) = said(site.under(Policy(min_attempts=2)).void(3))
    assert told.endswith(
        ". The next miss after 2 or more attempts by the deadline closes the site (R3)"
    )


def test_a_held_site_is_named_when_its_reinstatement_is_approved() -> None:
    site = History().false_info().reinstate().hold().approve()
    assert said(site) == [SAID["held"]]


def test_a_decline_by_the_same_person_is_refused_like_an_approval() -> None:
    site = History().false_info().reinstate(by=BOB).decline(by=BOB)
    assert said(site) == ["bob made this request; another person must decide on it"]


def test_who_happened_to_be_told_at_that_moment_is_not_named_as_left_out() -> None:
    site = History(policy=Policy(repeat_count=9)).log().contact(None)
    assert said(site) == []
    site.log().after("1m").log().contact(None, ago=timedelta(minutes=1))
    assert said(site) == ["not covered by this call, because they happened after the call: 12-3"]
