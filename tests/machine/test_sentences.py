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
    "already_held": "site.example is held already, since 10:00 by ann",
    "already_reported": ("incident 12-1 was reported already, at 10:00: nothing is left to report"),
    "already_requested": (
        "ann has asked for the reinstatement of site.example already: it waits for another person"
    ),
    "already_said": (
        "that the content of 12-1 is gone was said already: the desk has been told, and there is "
        "nothing more to say"
    ),
    "already_voided": "contact 12-1-1 is voided already: there is nothing left to void",
    "bad_day": "'yesterday' is no day for opened_on: write one such as 2026-03-01",
    "before_incident": (
        "09:00 lies before the incident, 10:00: what has to do with it cannot have happened "
        "before it; check the time"
    ),
    "before_told": (
        "09:30 lies before 10:00, when the customer was told: nobody refuses before being asked; "
        "check the time"
    ),
    "claimed": "12-1 is claimed by ann: ask them to release it or to hand over",
    "closure_asked": (
        "ann has asked for the closure of site.example already: it waits for another person"
    ),
    "day_in_future": (
        "2026-03-03 is still to come: put opened_on on record when that day has begun"
    ),
    "double_entry": (
        "incident 12-1 of site.example has http://a.example/ already and is still open: log it as"
        " another violation if it is one, or that the content is still there after a call"
    ),
    "future": ("11:00 is in the future (it is 10:00): a fact is logged when it has happened"),
    "held": ("site.example is held by order and cannot be reinstated: lift the hold first"),
    "in_force_already": (
        "site.example is active in the world too: there is nothing to order once more"
    ),
    "no_closure_asked": (
        "nobody has asked for the closure of site.example: where the policy wants two people, who"
        " states a false detail or a refusal asks for it"
    ),
    "no_request": "nobody has asked for the reinstatement of site.example",
    "nobody_to_tell": (
        "site.example has no open or unreached incident that had happened by 10:00: there is "
        "nothing to tell; name an incident to record a contact on it"
    ),
    "not_claimed": "12-1 is not claimed by anybody: there is nothing to release",
    "not_disputed": ("the closure of site.example is not disputed: there is nothing to uphold"),
    "not_held": "site.example is not held: there is nothing to lift",
    "not_lifted": "what 12-o2 orders has not been lifted: it is carried out",
    "nothing_held": ("ann has claimed nothing on site.example: there is nothing to hand over"),
    "nothing_to_take_back": (
        "incident 12-1 is open: only a removed or a refused can be taken back"
    ),
    "order_dead": "12-o2 is a dead letter already",
    "order_in_hand": (
        "12-o2 is being carried out at this moment: wait until 10:01, and look at what came of it"
    ),
    "order_not_dead": "12-o2.notice is no dead letter: it is tried by itself",
    "overtaken": (
        "12-o2 is not what is ordered for site.example any more: it would undo what came after it"
    ),
    "recurred_already": (
        "that the content of 12-1 is still there is logged already, as 12-2, which is open: "
        "nobody has been told of that one yet; log it once more only if it is another violation"
    ),
    "same_person": "ann asked for this: another person must answer it",
    "seen_too_early": (
        "site.example was looked at before something else was ordered or carried out: look again"
    ),
    "site_closed": (
        "site.example is closed (false_info): stating false information is not possible on a "
        "closed site"
    ),
    "site_exists": "site.example is in the register already",
    "site_not_closed": ("site.example is active, not closed: there is nothing to reinstate"),
    "state_forbids": (
        "incident 12-1 is open: stating a refusal is possible only when it is notified"
    ),
    "too_many_items": (
        "the filing would have 101 servers, and 100 are the most: take some away first"
    ),
    "unknown_contact": "incident 12-1 has no contact 1",
    "unknown_detail": (
        "a filing has no detail 'colour' (servers and documents are server.LABEL and "
        "document.LABEL, the label of a-z, 0-9 and -)"
    ),
    "unknown_incident": "there is no incident 12-7",
    "unknown_item": "the queue has no item 12-7",
    "unknown_order": "no order 12-o7.notice waits to be carried out or is a dead letter",
    "unknown_task": "there is no open task 12-t7",
    "counted": "violation 1 of 3 in 24 h",
    "next_closes": "violation 2 of 3 in 24 h: another one by 10:00 closes this site",
    "next_miss_closes": "the run of site.example is 2 now: the next miss closes it (R3)",
    "others_close": (
        "violation 1 of 3 in 24 h, and others are enough of them: another one by 10:00 closes "
        "this site"
    ),
    "waits_for_second": (
        "site.example is not closed yet: the policy asks for two people, and another one confirms"
        " or declines it"
    ),
    "too_late": (
        "the contact on 12-1 was recorded after its deadline, 11:00, so it stopped no clock; if "
        "the call was made in time, record it again with the time of the call"
    ),
    "closure_fell": (
        "what ann asked for, that site.example be closed, has fallen with this: nobody refuses "
        "any more, or nobody was told before they refused; a refusal that stands all the same is "
        "stated anew"
    ),
    "tell_withdrawn": (
        "12-t1, to tell the customer of the closure, is not in the queue while the closure is "
        "disputed"
    ),
    "tell_again": "12-t1, to tell the customer of the closure, is in the queue again",
    "not_covered": "not covered by this call, since they happened after it: 12-2",
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
        (f"site.example is closed (false_info): {act} is not possible on a closed site")
    ]


STAYS = " (a voided incident stays so)"

IN_A_STATE: dict[str, tuple[Callable[[], History], str]] = {
    "contact of voided": (
        lambda: History().log().void(1).contact(1),
        "voided: recording a contact is possible only when it is not voided" + STAYS,
    ),
    "removed of removed": (
        lambda: History().log().removed(1).removed(1),
        "removed: recording the removal is possible only when it is open or notified or unreached",
    ),
    "refused of open": (
        lambda: History().log().refused(1),
        "open: stating a refusal is possible only when it is notified",
    ),
    "refused of unreached": (
        lambda: History().miss().refused(1),
        "unreached: stating a refusal is possible only when it is notified",
    ),
    "refused of removed": (
        lambda: History().log().removed(1).refused(1),
        "removed: stating a refusal is possible only when it is notified",
    ),
    "removed of moot": (
        lambda: History().false_info().log().contact(1).removed(1),
        (
            "moot: recording the removal is possible only when it is open or notified or unreached"
            " (found on a closed site, it can only be voided)"
        ),
    ),
    "recur of open": (
        lambda: History().log().recur(1),
        "open: logging a recurrence is possible only when it is notified or unreached or removed",
    ),
    "reported of voided": (
        lambda: History().log().void(1).reported(1),
        "voided: recording a report to the police is possible only when it is not voided" + STAYS,
    ),
    "said of removed": (
        lambda: History().log().removed(1).says_removed(1),
        "removed: this is possible only when it is open or notified or unreached",
    ),
    "void of voided": (
        lambda: History().log().void(1).void(1),
        (
            "voided: voiding is possible only when it is open or notified or unreached or removed"
            " or refused or moot (a voided incident stays so)"
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
    assert words.startswith("08:59 lies before the incident, 09:00:")


def test_an_imported_fact_from_the_future_is_refused_whichever_it_is() -> None:
    future = utc("10:01")
    for command in (
        c.ImportIncident(by=ANN, at=future),
        c.ImportIncident(by=ANN, at=utc("09:00"), contact="reached", contact_at=future),
        c.ImportIncident(by=ANN, at=utc("09:00"), removed_at=future),
    ):
        assert said(History(at="10:00").do(command)) == [
            "10:01 is in the future (it is 10:00): a fact is logged when it has happened"
        ]


def test_a_claim_of_another_person_is_refused_with_their_name() -> None:
    words = ["12-1 is claimed by ann: ask them to release it or to hand over"]
    assert said(History().log().claim("1").claim("1", by=BOB)) == words
    assert said(History().log().claim("1").release("1", by=BOB)) == words


def test_a_held_site_is_named_when_its_reinstatement_is_approved() -> None:
    site = History().false_info().reinstate().hold().approve()
    assert said(site) == [SAID["held"]]


def test_a_decline_by_the_same_person_is_refused_like_an_approval() -> None:
    site = History().false_info().reinstate(by=BOB).decline(by=BOB)
    assert said(site) == ["bob asked for this: another person must answer it"]


def test_who_happened_to_be_told_at_that_moment_is_not_named_as_left_out() -> None:
    site = History(policy=Policy(repeat_count=9)).log().contact(None)
    assert said(site) == []
    site.log().after("1m").log().contact(None, ago=timedelta(minutes=1))
    assert said(site) == ["not covered by this call, since they happened after it: 12-3"]
