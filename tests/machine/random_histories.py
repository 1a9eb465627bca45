"""Random histories: the tables from which steps are drawn, and their playing on a case.

Hypothesis draws and shrinks them here; `tests.fire.steps` draws very many from the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.machine.decide import Decision, decide
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.machine.policy import Policy
from tests.machine.random_steps import ACTIVATE as ACTIVATE  # noqa: PLC0414 - handed on
from tests.machine.random_steps import Step as Step  # noqa: PLC0414 - handed on
from tests.machine.random_steps import command as command  # noqa: PLC0414 - handed on

START = datetime(2026, 3, 1, tzinfo=UTC)

Numbers = dict[str, Any]
"""The fields of a policy that differ from the documented one."""

_MINUTE = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)

WAITS = (
    0 * _MINUTE, _MICROSECOND, 5 * _MINUTE, 20 * _MINUTE, 60 * _MINUTE - _MICROSECOND,
    60 * _MINUTE, 60 * _MINUTE + _MICROSECOND, 7 * 60 * _MINUTE, 12 * 60 * _MINUTE,
    12 * 60 * _MINUTE + _MICROSECOND, 13 * 60 * _MINUTE, 24 * 60 * _MINUTE,
    24 * 60 * _MINUTE + _MICROSECOND, -10 * _MINUTE,
    -13 * 60 * _MINUTE,
)  # fmt: skip
AGO = (
    None, 0 * _MINUTE, _MICROSECOND, 30 * _MINUTE, 60 * _MINUTE, 120 * _MINUTE, 23 * 60 * _MINUTE,
    24 * 60 * _MINUTE, 24 * 60 * _MINUTE + _MICROSECOND, -5 * _MINUTE,
)  # fmt: skip
POLICIES: tuple[Numbers, ...] = (
    {},
    {},
    {"repeat_count": 9},
    {"run": "total"},
    {"min_attempts": 1},
    {"removal_within": timedelta(hours=2)},
    {"repeat_count": 9, "run_count": 2},
    {"repeat_count": 2, "repeat_within": timedelta(minutes=30)},
    {"repeat_count": 9, "removal_within": timedelta(hours=7), "run": "total"},
    {"suspend_for": timedelta(hours=1), "unreachable_within": timedelta(minutes=20)},
    {"repeat_count": 1},
    {"repeat_count": 5, "repeat_within": timedelta(hours=48)},
    {"repeat_count": 2, "repeat_within": timedelta(seconds=1)},
    {"run_count": 1, "repeat_count": 9},
    {"run_count": 5, "repeat_count": 9},
    {"run_count": 2, "repeat_count": 9, "run": "total", "min_attempts": 1},
    {"min_attempts": 2, "removal_within": timedelta(hours=1)},
    {"removal_within": timedelta(seconds=1)},
    # A clock, a removal deadline and the end of a suspension can fall due at one instant.
    {
        "suspend_for": timedelta(hours=1),
        "removal_within": timedelta(hours=1),
        "repeat_count": 9,
        "run_count": 9,
    },
    {
        "unreachable_within": timedelta(seconds=1),
        "suspend_for": timedelta(seconds=1),
        "repeat_count": 9,
    },
    {"unreachable_within": timedelta(hours=24), "suspend_for": timedelta(hours=24)},
    {"two_people_close": True},
    {"two_people_close": True, "repeat_count": 9, "removal_within": timedelta(hours=2)},
)

# How often each act is drawn. What ends a history early, a closure by a word, is rare.
WEIGHTS = {
    "elapse": 3, "log": 6, "contact": 7, "void_contact": 3, "void": 2, "removed": 2, "refused": 1,
    "recur": 2, "take_back": 3, "false_info": 1, "confirm_closure": 1, "decline_closure": 1,
    "hold": 1, "unhold": 2, "reinstate": 3, "approve": 3, "decline": 1, "uphold": 2, "import": 1,
    ACTIVATE: 1, "reported": 1, "say_removed": 1, "note": 1, "deliver": 4, "fail": 2, "cancel": 2,
    "retry": 2, "see": 1, "repeat": 1, "change_filing": 2, "remind": 2, "suspect": 1, "footer": 1,
    "revoke_links": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomHistory:
    """A policy to begin with, and the steps."""

    policy: Numbers
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One decision of a history as it was played."""

    before: Case
    command: c.Command
    policy: Policy
    now: datetime
    decision: Decision


OF_AN_INCIDENT = frozenset(
    {"contact", "void_contact", "void", "removed", "refused", "recur", "take_back", "reported",
     "say_removed", "note", "revoke_links"}
)  # fmt: skip
OF_AN_ORDER = frozenset({"deliver", "fail", "cancel", "retry"})
GOING_BACK = OF_AN_INCIDENT | OF_AN_ORDER
WITH_A_TIME = frozenset({"log", "contact", "removed", "refused", "recur", "import", "reported"})

BACK = (0, 0, 1, 2, 3, -1)
TIMES: tuple[dict[str, Any], ...] = (
    *({"ago": ago} for ago in AGO),
    *({"at_deadline": True, "off": off} for off in (-_MICROSECOND, _MICROSECOND)),
    *3 * ({"at_deadline": True},),
)
_BY = ({"by": "p"}, {"by": "q"})
_LANES = (ACT, ACT, ACT, NOTICE, DESK)
DETAILS: dict[str, tuple[dict[str, Any], ...]] = {
    "log": tuple(
        {"urls": urls, "again": again}
        for urls in ((), ("https://u.example/1",), ("https://u.example/2",),
                     ("https://u.example/2", "https://u.example/1"))
        for again in (False, True)
    ),
    "contact": tuple(
        {"outcome": outcome, "whole_site": whole_site}
        for outcome in ("reached", "reached", "no-answer")
        for whole_site in (False, False, True)
    ),
    "void_contact": tuple({"contact": contact} for contact in (1, 2, 3)),
    "import": tuple(
        {"urls": urls, "outcome": outcome, "again": again}
        for urls in ((), ("https://u.example/1",))
        for outcome in ("", "reached", "no-answer")
        for again in (False, True)
    ),
    "confirm_closure": _BY,
    "decline_closure": _BY,
    "reinstate": _BY,
    "approve": _BY,
    "decline": _BY,
    "note": ({"again": False}, {"again": True}),
    "change_filing": tuple(
        {"details": details}
        for details in (
            (("opened_on", "2026-01-31"),), (("opened_on", "2026-02-14"),), (("opened_on", ""),),
            (("filed_on", "2026-02-28"),), (("filed_on", ""),),
            (("approved_on", "2026-02-01"), ("shown_on", "")), (("shown_on", "2026-03-01"),),
            (("level", "2"), ("nature", "commercial")), (("level", "3"),), (("colour", "red"),),
        )
    ),
    "remind": tuple({"back": half_days} for half_days in (0, 0, 0, 1, -1, 9)),
    "suspect": tuple({"outcome": field} for field in ("level", "nature", "colour")),
    "footer": tuple(
        {"urls": problems} for problems in ((), ("icon_missing",), ("number_missing",))
    ),
    ACTIVATE: tuple({"policy": n} for n in range(len(POLICIES))),
    "deliver": tuple(
        {"lane": lane, "again": again} for lane in _LANES for again in (True, True, False)
    ),
    "fail": tuple({"lane": lane} for lane in _LANES),
    "cancel": tuple(
        {"lane": lane, "outcome": why, "contact": tried}
        for lane in _LANES
        for why in ("lifted", "lifted", "by_hand", "expired")
        for tried in (1, 2, 3)
    ),
    "retry": tuple({"lane": lane} for lane in _LANES),
    "see": tuple(
        {"outcome": state, "back": early}
        for state in ("active", "suspended", "closed")
        for early in (0, 0, 1)
    ),
}  # fmt: skip
"""The further parts of an act: one of these, each as likely as the other."""

_ACTS = st.sampled_from([act for act, weight in WEIGHTS.items() for _ in range(weight)])
_WAITS = st.sampled_from(WAITS)
_BACK = st.sampled_from(BACK)
_TIMES = st.sampled_from(TIMES)
_DETAILS = {act: st.sampled_from(details) for act, details in DETAILS.items()}


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """One step, with what its act needs and no more: each draw costs."""
    act = draw(_ACTS)
    step = Step(wait=draw(_WAITS), act=act)
    if act in GOING_BACK:
        step = replace(step, back=draw(_BACK))
    if act in WITH_A_TIME:
        step = replace(step, **draw(_TIMES))
    if act in _DETAILS:
        step = replace(step, **draw(_DETAILS[act]))
    return step


def histories(most: int = 30) -> st.SearchStrategy[RandomHistory]:
    """Draw histories of up to `n` single steps or chapters, all lengths equally likely."""

    def of_length(n: int) -> st.SearchStrategy[RandomHistory]:
        drawn = st.lists(_PARTS, min_size=n, max_size=n).map(lambda parts: sum(parts, ()))
        return st.builds(RandomHistory, policy=st.sampled_from(POLICIES), steps=drawn)

    return st.integers(1, most).flatmap(of_length)


_DAY, _HOUR = 24 * 60 * _MINUTE, 60 * _MINUTE

# Steps alone seldom come to a run of three or to the time after a reinstatement.
CHAPTERS: tuple[tuple[Step, ...], ...] = (
    (Step(act="log", wait=_DAY), Step(act="elapse", wait=_HOUR + _MICROSECOND)),  # a miss
    (Step(act="log", wait=_DAY), Step(act="elapse", wait=_HOUR + _MICROSECOND)),
    (Step(act="log", wait=13 * _HOUR), Step(act="log", wait=20 * _MINUTE),
     Step(act="contact", wait=20 * _MINUTE)),  # the first will be missed, the second is told
    (Step(act="log", wait=_DAY), Step(act="contact", wait=5 * _MINUTE)),  # told in time
    (Step(act="log", wait=11 * _HOUR + 30 * _MINUTE), Step(act="elapse", wait=13 * _HOUR)),
    (Step(act="reinstate", wait=0 * _MINUTE, by="p"), Step(act="approve", wait=_MINUTE, by="q")),
    (Step(act="contact", wait=_MINUTE, at_deadline=True),),  # in time, perhaps recorded late
    (Step(act="contact", wait=_MINUTE, at_deadline=True),
     Step(act="void_contact", wait=_MINUTE)),  # late truth, and that it was none
    (Step(act="contact", wait=13 * _HOUR), Step(act="contact", wait=_MINUTE)),  # late, and again
    (Step(act="contact", wait=_MINUTE), Step(act="refused", wait=_MINUTE)),
    (Step(act="hold", wait=_MINUTE),),
    (Step(act="void_contact", wait=_MINUTE),),
    (Step(act="void", wait=_MINUTE),),
    (Step(act="hold", wait=_MINUTE), Step(act="deliver", wait=_MINUTE, again=True)),
    (Step(act="hold", wait=_MINUTE), Step(act="fail", wait=_MINUTE),
     Step(act="retry", wait=_MINUTE)),
    (Step(act="hold", wait=_MINUTE), Step(act="unhold", wait=_MINUTE),
     Step(act="cancel", wait=_MINUTE, back=1, outcome="lifted"),
     Step(act="cancel", wait=_MINUTE, outcome="lifted")),  # nobody was told of either
    (Step(act="see", wait=_MINUTE, outcome="suspended"), Step(act="repeat", wait=_MINUTE)),
)  # fmt: skip
_PARTS = steps().map(lambda step: (step,)) | st.sampled_from(CHAPTERS)


def play(history: RandomHistory) -> Iterator[Moment]:
    """Play a history on a new site, and tell of each decision."""
    policy, now = Policy(**history.policy), START
    case = Case(site_id=1, site="site.example")
    first = c.AddSite(by="p")
    decision = decide(case, first, policy, now)
    yield Moment(before=case, command=first, policy=policy, now=now, decision=decision)
    for step in history.steps:
        now += step.wait
        case = decision.case
        asked = command(step, case, now)
        decision = decide(case, asked, policy, now)
        yield Moment(before=case, command=asked, policy=policy, now=now, decision=decision)
        if step.act == ACTIVATE:
            policy = Policy(**POLICIES[step.policy])
