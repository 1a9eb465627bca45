"""The shift: what one operator wants to do next, drawn from a seed, and what becomes of it.

Each act has a person of its own, `operator-2-17`, so that the record alone tells whose act an entry
is. Acts are kept as words, and made into commands from these: what is sent again after a crash is
what was written down before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from incidents.clock import read_rfc3339, rfc3339
from incidents.machine import commands as c
from tests.fire.ledger import DESK, Intent

ACTIVATE = "Activate"
"""The one act that is no command to a site: another policy."""

SITES = tuple(f"fire-{n}.example" for n in range(40))

POLICIES = tuple(
    f"""
[unreachable]
within = "{within}"
suspend_for = "{suspend_for}"
min_attempts = {attempts}
[unreachable_run]
run = "{run}"
[refusal]
removal_within = "{removal}"
"""
    for within, suspend_for, attempts, run, removal in (
        ("2s", "3s", 0, "consecutive", ""),
        ("1s", "2s", 0, "consecutive", "6s"),
        ("1s", "4s", 0, "total", "8s"),
        ("2s", "2s", 1, "consecutive", ""),
    )
)
"""Each is as documented, but its hours are seconds, so that a run sees many of them."""

_BACKDATED = timedelta(days=120)
_LATE = timedelta(seconds=6)
# R1 looks at 24 hours: so many violations are found now that a window is sometimes met.
_FOUND_NOW = 0.15


@dataclass(slots=True)
class Known:
    """The last known state of a site."""

    state: str = "active"
    incident: int = 1
    task: int = 1
    contact: int = 1


@dataclass(slots=True)
class Shift:
    """One operator's acts, in order; the same seed and the same answers give the same acts."""

    operator: int
    seed: int
    known: dict[str, Known] = field(default_factory=dict)

    def act(self, n: int, now: datetime) -> Intent:
        """The act number `n`, at `now`."""
        chance = random.Random(f"{self.seed}-{self.operator}-{n}")
        actor = f"operator-{self.operator}-{n}"
        site = chance.choice(SITES)
        known = self.known.setdefault(site, Known())
        wishes = _AT_A_CLOSED_SITE if known.state == "closed" else _WISHES
        [(kind, wish)] = chance.choices(list(wishes), weights=list(wishes.values()))
        words = wish(known, chance, now)
        if words.pop("type_is", None) == ACTIVATE:
            site, command = DESK, {"type": ACTIVATE} | words
        else:
            command = {"type": words.pop("type"), "by": actor} | words
        return Intent(
            key=f"{self.seed}-{actor}", site=site, actor=actor, kind=kind, command=command
        )

    def hear(self, site: str, document: Mapping[str, Any]) -> None:
        """Remember what an answer says of the site."""
        known = self.known.setdefault(site, Known())
        if document.get("site"):
            known.state = document["site"]["state"]
        for incident in document.get("incidents", ()):
            known.incident = max(known.incident, int(incident["id"].split("-")[1]))
            known.contact = max(1, len(incident["contacts"]))
        for event in document.get("events", ()):
            if event["kind"] == "task_opened":
                known.task = int(event["task"].split("-t")[1])


def command_of(intent: Intent) -> c.Command:
    """The command that the act's words stand for."""
    words = dict(intent.command)
    kind: type[c.Command] = getattr(c, words.pop("type"))
    found: c.Command = kind(**{name: _value(name, words[name]) for name in words})
    return found


def words_of(command: c.Command) -> dict[str, Any]:
    """A command as an intent keeps it."""
    words = {each.name: getattr(command, each.name) for each in fields(command)}
    return {"type": type(command).__name__} | {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in words.items()
        if value is not None
    }


def _value(name: str, word: Any) -> Any:
    if name == "at":
        return read_rfc3339(word)
    return tuple(word) if name == "urls" else word


# An operator's wishes. Each returns the words of the command, without the person.

Words = dict[str, Any]
Wish = Callable[[Known, random.Random, datetime], Words]


def _incident(known: Known, chance: random.Random) -> int:
    # The late ones are those that the others act on too.
    return max(1, known.incident - chance.choice((0, 0, 0, 1, 1, 2, 3, 5)))


def _log(_: Known, chance: random.Random, now: datetime) -> Words:
    url = f"http://page.example/{chance.getrandbits(64):x}"
    found_now = chance.random() < _FOUND_NOW
    at = None if found_now else rfc3339(now - chance.random() * _BACKDATED)
    return {"type": "Log", "urls": [url]} | ({} if at is None else {"at": at})


def _contact(known: Known, chance: random.Random, now: datetime) -> Words:
    incident = chance.choice((None, *[_incident(known, chance)] * 4))
    outcome = chance.choice(("reached", "reached", "no-answer", "bounced"))
    words: Words = {"type": "RecordContact", "incident": incident, "outcome": outcome}
    if chance.random() < 0.3:
        # Late truth: a call that was made before, typed now.
        words["at"] = rfc3339(now - chance.random() * _LATE)
    return words


def _of_incident(name: str, **more: Any) -> Wish:
    return lambda known, chance, _: {
        "type": name, "incident": _incident(known, chance), **more,
    }  # fmt: skip


def _void_contact(known: Known, chance: random.Random, _: datetime) -> Words:
    contact = chance.randint(1, known.contact)
    return _of_incident("VoidContact", contact=contact, reason="misdialled")(known, chance, _)


def _of_site(name: str, **more: Any) -> Wish:
    return lambda known, chance, _: {"type": name, **more}


def _complete(known: Known, _chance: random.Random, _: datetime) -> Words:
    return {"type": "CompleteTask", "task": known.task}


def _activate(_: Known, chance: random.Random, _now: datetime) -> Words:
    # The one with alarms is rare: under it nobody is suspended.
    toml = chance.choices(POLICIES, weights=(5, 4, 4, 1))[0]
    return {"type": ACTIVATE, "toml": toml, "reason": "a trial"}


_WISHES: dict[tuple[str, Wish], float] = {
    ("incident_logged", _log): 28,
    ("contact_recorded", _contact): 14,
    ("incident_removed", _of_incident("StateRemoved")): 6,
    ("incident_voided", _of_incident("VoidIncident", reason="no violation")): 5,
    ("contact_voided", _void_contact): 4,
    ("statement_taken_back", _of_incident("TakeBack", reason="the wrong one")): 4,
    ("incident_refused", _of_incident("StateRefused")): 2,
    ("incident_logged", _of_incident("Recur")): 2,
    ("site_edited", _of_site("EditSite", person="The owner")): 1,
    ("hold_set", _of_site("SetHold", reason="by order")): 2,
    ("hold_lifted", _of_site("LiftHold", reason="order lifted")): 4,
    ("site_closed", _of_site("StateFalse", field="phone", evidence="no such number")): 0.5,
    ("reinstatement_asked", _of_site("AskReinstatement", reason="an appeal")): 3,
    ("site_reinstated", _of_site("Approve")): 3,
    ("reinstatement_declined", _of_site("Decline")): 0.5,
    ("closure_upheld", _of_site("Uphold", reason="it stands")): 0.5,
    ("task_completed", _complete): 3,
    ("policy_activated", _activate): 0.2,
}
_MORE_WHEN_CLOSED = {"reinstatement_asked": 10, "site_reinstated": 10, "hold_lifted": 3}
_AT_A_CLOSED_SITE: dict[tuple[str, Wish], float] = {
    wish: weight * _MORE_WHEN_CLOSED.get(wish[0], 1) for wish, weight in _WISHES.items()
}
