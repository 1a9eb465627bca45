"""The programs: what the operator does, one act after the other, and under which policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.machine.policy import Policy
from tests.fire.interleaving_design import DESIGNS, Design

START = datetime(2026, 3, 1, tzinfo=UTC)
HAIR = timedelta(microseconds=1)
HOUR = timedelta(hours=1)

OPERATOR, SUPERVISOR = "operator-1", "supervisor-1"


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its command is made of the case that it meets, so that it means what is there.

    It is about the site's latest incident. An act with a key is repeated after a crash.
    """

    name: str
    command: Callable[[Case, datetime], c.Command]
    keyed: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """The program to search: acts after a past, a policy, a step order, a slow second clock."""

    acts: tuple[Act, ...]
    policy: Policy
    design: Design
    past: str = "new"
    slow: timedelta = timedelta(0)

    def __str__(self) -> str:
        acts = ", ".join(act.name + ("" if act.keyed else " (no key)") for act in self.acts)
        changed = {
            section: values
            for section, values in self.policy.document().items()
            if values != Policy().document()[section]
        }
        return (
            f"{self.design.name}, a site that is {self.past}: {acts}; policy"
            f" {changed or 'as documented'}; the second daemon's clock {self.slow} behind"
        )


def _latest(case: Case) -> int:
    return max(1, case.last_incident)


def _due(case: Case) -> datetime | None:
    incident = case.incidents.get(_latest(case))
    return None if incident is None else incident.contact_due


def _reached(case: Case, at: datetime | None) -> c.Command:
    return c.RecordContact(by=OPERATOR, incident=_latest(case), outcome="reached", at=at)


def _at_the_deadline(case: Case, now: datetime) -> c.Command:
    due = _due(case)
    return _reached(case, None if due is None else min(due, now))


def _after_the_deadline(case: Case, now: datetime) -> c.Command:
    due = _due(case)
    return _reached(case, None if due is None else min(due + HAIR, now))


def _contact_voided(case: Case, _now: datetime) -> c.Command:
    incident = case.incidents.get(_latest(case))
    last = 1 if incident is None else max(1, len(incident.contacts))
    return c.VoidContact(by=OPERATOR, incident=_latest(case), contact=last, reason="a slip")


ACTS: dict[str, Callable[[Case, datetime], c.Command]] = {
    "log": lambda case, now: c.Log(by=OPERATOR),
    "log at the same address": lambda case, now: c.Log(by=OPERATOR, urls=("https://a.example/",)),
    "reached": lambda case, now: _reached(case, None),
    "reached --at the deadline": _at_the_deadline,
    "reached --at after the deadline": _after_the_deadline,
    "reached, the whole site": lambda case, now: c.RecordContact(
        by=OPERATOR, incident=None, outcome="reached"
    ),
    "no-answer": lambda case, now: c.RecordContact(
        by=OPERATOR, incident=_latest(case), outcome="no-answer"
    ),
    "void-contact": _contact_voided,
    "void": lambda case, now: c.VoidIncident(
        by=OPERATOR, incident=_latest(case), reason="not one"
    ),
    "removed": lambda case, now: c.StateRemoved(by=OPERATOR, incident=_latest(case)),
    "refused": lambda case, now: c.StateRefused(by=OPERATOR, incident=_latest(case)),
    "take-back": lambda case, now: c.TakeBack(
        by=OPERATOR, incident=_latest(case), reason="of another one"
    ),
    "recur": lambda case, now: c.Recur(by=OPERATOR, incident=_latest(case)),
    "false-info": lambda case, now: c.StateFalse(by=OPERATOR, field="phone", evidence="said so"),
    "hold": lambda case, now: c.SetHold(by=SUPERVISOR, reason="ordered"),
    "unhold": lambda case, now: c.LiftHold(by=SUPERVISOR, reason="ordered"),
    "reinstate": lambda case, now: c.AskReinstatement(by=OPERATOR, reason="settled"),
    "approve": lambda case, now: c.Approve(by=SUPERVISOR),
    "uphold": lambda case, now: c.Uphold(by=SUPERVISOR, reason="grave"),
    "elapse": lambda case, now: c.Elapse(),
}  # fmt: skip
"""The possible acts, by the words of the command line; `elapse` does only what is due."""

_DAY = 24 * HOUR
_MISS = ((_DAY, "log"), (HOUR + HAIR, "elapse"))
_SAT_OUT = ((12 * HOUR + HAIR, "elapse"),)
_CLOSED = ((_DAY, "log"), (HAIR, "log"), (HAIR, "log"))

PASTS: dict[str, tuple[tuple[timedelta, str], ...]] = {
    "new": (),
    "called about": ((_DAY, "log"),),
    "told": ((_DAY, "log"), (HOUR / 2, "reached")),
    "told of deleted content": ((_DAY, "log"), (HOUR / 2, "reached"), (HOUR, "removed")),
    "suspended": _MISS,
    "one miss from closing": (*_MISS, *_SAT_OUT, *_MISS, *_SAT_OUT),
    "held": ((_DAY, "hold"),),
    "suspended and held": (*_MISS, (HOUR, "hold")),
    "closed": _CLOSED,
    "disputed": (*_CLOSED, (HOUR, "void")),
    "asked to be open again": (*_CLOSED, (HOUR, "reinstate")),
}
"""The pasts of the site when the search begins: acts with the time between them."""

POLICIES = (
    Policy(),
    Policy(run_count=1),
    Policy(run_count=2, run="total"),
    Policy(repeat_count=2),
    Policy(repeat_count=1),
    Policy(min_attempts=1),
    Policy(removal_within=HOUR),
    # A clock and the end of a suspension can fall due at one instant.
    Policy(suspend_for=HOUR, repeat_count=9),
)


def program(
    *names: str,
    design: Design,
    policy: Policy = POLICIES[0],
    past: str = "new",
    slow: timedelta = timedelta(0),
    unkeyed: bool = False,
) -> Program:
    """The program of the acts of those names."""
    acts = tuple(Act(name, ACTS[name], keyed=not unkeyed) for name in names)
    return Program(acts, policy, design, past, slow)


def drawn(random: Random, acts: int) -> Program:
    """Draw a program of `acts` acts; on a new site the first of them logs a violation."""
    past = random.choice(list(PASTS))
    names = random.choices(list(ACTS), k=acts)
    return program(
        *(["log", *names[1:]] if past == "new" else names),
        design=random.choice(list(DESIGNS.values())),
        policy=random.choice(POLICIES),
        past=past,
        slow=random.choice((0, 0, 1, 90)) * HOUR / 60,
        unkeyed=random.random() < 0.25,
    )
