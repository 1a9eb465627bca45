"""Random histories of several sites: what is drawn in very great numbers, fast and by a seed.

The acts, times and policies are those of `tests.machine.random_histories`; a step has besides what
only a desk knows: a site, a transaction that it shares with the step before it, and a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from incidents.machine import commands as c
from incidents.machine.case import Case
from tests.machine import random_histories as one
from tests.machine.random_histories import ACTIVATE, POLICIES, Numbers, Step

T = TypeVar("T")

SITES = ("a.example", "b.example", "c.example", "late.example")
"""The last one is not in the register at the beginning."""

ELAPSE = "elapse"
_DESK_ACTS = ("claim", "release", "hand_over", "done", "attach", "edit", "add")
_NONE = timedelta(0)
_ITEMS = ("1", "2", "t1", "t2", "disputed", "reinstatement")


@dataclass(frozen=True, slots=True, kw_only=True)
class TownStep(Step):
    """A step on one of the sites.

    `together` puts it into the transaction of the step before it, `key` gives the command a key;
    if that was used before, the command is the `same` as then, or a new one under an old key.
    """

    site: int = 0
    together: bool = False
    key: int | None = None
    same: bool = True
    by_id: bool = False
    item: str = ""

    @property
    def alone(self) -> bool:
        """Whether the step cannot share a transaction."""
        return self.act in (ELAPSE, ACTIVATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TownHistory:
    """A policy to begin with, and the steps."""

    policy: Numbers
    steps: tuple[TownStep, ...]

    def batches(self) -> Iterator[list[TownStep]]:
        """The steps by transaction."""
        batch: list[TownStep] = []
        for step in self.steps:
            if batch and not (step.together and not step.alone and not batch[-1].alone):
                yield batch
                batch = []
            batch.append(step)
        if batch:
            yield batch


def drawn(random: Random, steps: int, *, sites: int) -> TownHistory:
    """Draw a history of about `steps` steps on `sites` sites.

    Each has acts and waits of its own that it does without: what all histories do, none does often.
    """
    without = _some(random, sorted(set(_ACTS) - {"log"}))
    acts = [act for act in _ACTS if act not in without]
    waits = sorted(set(one.WAITS) - _some(random, one.WAITS)) or [_NONE]
    found: list[TownStep] = []
    while len(found) < steps:
        site = random.randrange(sites)
        if random.random() < 0.12:
            found += (_told(step, site) for step in random.choice(one.CHAPTERS))
        elif random.random() < 0.02:
            found += (replace(step, site=site) for step in _SHIFT)
        else:
            found.append(_step(random, site, random.choice(acts), random.choice(waits)))
    return TownHistory(policy=random.choice(POLICIES), steps=tuple(found))


def command(step: TownStep, case: Case, now: datetime) -> c.Command:
    """The command of a step on a site that stands like this."""
    n = step.incident(case)
    match step.act:
        case "claim":
            return c.ClaimItem(by=step.by, item=step.item)
        case "release":
            return c.ReleaseItem(by=step.by, item=step.item)
        case "hand_over":
            return c.HandOver(by=step.by, to="q")
        case "done":
            return c.CompleteTask(by=step.by, task=step.contact, outcome="seen")
        case "attach":
            return c.Attach(by=step.by, incident=n, digest=f"{step.contact:064x}", size=3)
        case "edit":
            return c.EditSite(by=step.by, phone="sha256:another")
        case "add":
            return c.AddSite(by=step.by)
        case _:
            return one.command(step, case, now)


def _told(step: Step, site: int) -> TownStep:
    fields = {name: getattr(step, name) for name in Step.__slots__}
    return TownStep(**fields, site=site)


def _step(random: Random, site: int, act: str, wait: timedelta) -> TownStep:
    together = random.random() < 0.4
    fields: dict[str, Any] = {"act": act, "site": site, "together": together}
    fields["wait"] = _NONE if together else wait
    if act in one.OF_AN_INCIDENT or act in _DESK_ACTS:
        fields["back"] = random.choice(one.BACK)
    if act in one.WITH_A_TIME:
        fields |= random.choice(one.TIMES)
    if act in one.DETAILS:
        fields |= random.choice(one.DETAILS[act])
    if act in _DESK_ACTS:
        fields |= {"item": random.choice(_ITEMS), "contact": random.choice((1, 2, 3))}
    fields.setdefault("by", random.choice("ppq"))
    if random.random() < 0.15:
        fields |= {"key": random.randrange(6), "same": random.random() < 0.7}
    fields["by_id"] = random.random() < 0.3
    return TownStep(**fields)


_SHIFT = (
    TownStep(wait=_NONE, act="log"),
    *(TownStep(wait=_NONE, act=act, item="1") for act in ("claim", "hand_over")),
    TownStep(wait=_NONE, act="release", item="1", by="q"),
)
"""A shift hands over to the next one."""


def _some(random: Random, of: Sequence[T]) -> set[T]:
    """None of them to about half of them."""
    share = random.choice((0, 0.2, 0.5))
    return {each for each in of if random.random() < share}


_ACTS = [
    *(act for act, weight in one.WEIGHTS.items() for _ in range(2 * weight)),
    *_DESK_ACTS,
]  # fmt: skip
