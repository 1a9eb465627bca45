"""The hints: the acts and looks that fit what was found, by name.

The command line types them (`typed`). The API tells both: by name with their facts, and as command
lines (`told`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from incidents.contract.action import Action, name_of
from incidents.contract.actions import ACTIONS
from incidents.machine import commands as c
from incidents.values.fact import Choice

LOOKS = {
    "why": "site why",
    "show": "show",
    "queue": "queue",
    "order": "acts show",
    "orders": "acts list",
    "orders_of_site": "acts list --site",
    "compare": "acts reconcile",
    "accounts": "account list",
    "filing": "filing show",
    "filing_fields": "filing fields",
    "check_filing": "filing check",
    "check_footer": "filing check-footer",
    "snippet": "filing snippet",
    "elapse": "daemon --once",
}
"""What is looked at, or done for nobody, by its name, and how it is typed."""

RELEASE_ORDER = "release_order"
"""The act that retries an order which the brake holds; its command is that of a retry."""


AS_TYPED = "as_typed"
"""What a server of another version has told as a command line alone, which stands in place of the
target."""


@dataclass(frozen=True, slots=True)
class Hint:
    """An act that fits, or a look, by its name; `of` is the id or the name of its target.

    `facts` are what is known of it. What is null there, and what must be given besides, is for the
    person to say.
    """

    act: str
    of: str = ""
    facts: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def action(self) -> Action | None:
        """The row of the act; None of a look."""
        return _ROWS.get(self.act)


def do(command: type[c.Command], of: str, **facts: str | None) -> Hint:
    """The hint to do an act."""
    return Hint(name_of(command), of, facts)


def typed(hint: Hint) -> str:
    """The hint as a command line; what the person is to say stands there as a word in capitals."""
    if hint.act == AS_TYPED:
        return hint.of
    action = hint.action
    if action is None:
        return f"incidents {LOOKS[hint.act]} {hint.of}".rstrip()
    parts = ["incidents", action.typed, hint.of]
    if action.command is c.ChangeFiling:
        return " ".join([*parts, *(f"{key}={day or 'DAY'}" for key, day in hint.facts.items())])
    for each in action.asked:
        if each.name not in hint.facts and not each.required:
            continue
        said = hint.facts.get(each.name) or action.asks(each).metavar
        parts.append(said if isinstance(each.fact, Choice) else f"--{action.called(each)} {said}")
    return " ".join(parts)


def told(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document for programs: its hints, and the `commands` that can be typed for them."""
    found: list[Hint] = document["hints"]
    commands = [typed(each) for each in found]
    return {**document, "commands": commands, "hints": [asdict(each) for each in found]}


def heard(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of which a server has told, with its hints.

    What only a newer one knows is left out. Where nothing is left, or of one of before, which tells
    of no hint, they are its `commands` as they stand.
    """
    told = [each for each in document.get("hints", ()) if each["act"] in TYPED]
    found = [Hint(each["act"], each["of"], each["facts"]) for each in told]
    if not found:
        found = [Hint(AS_TYPED, each) for each in document.get("commands", ())]
    return {**document, "hints": found}


def after(incident: Mapping[str, Any], site: Mapping[str, Any]) -> list[Hint]:
    """What to do next about an incident, the likeliest first; empty if nothing must be."""
    name = incident["id"]
    match incident["state"]:
        case "open" | "unreached":
            return [contact(name, "reached"), contact(name, "no-answer")]
        case "notified" if site["state"] != "closed" and site.get("asked_by"):
            # One closure is asked for already: another statement would be refused.
            return [do(c.StateRemoved, name), *to_closure(site["site"])]
        case "notified" if site["state"] != "closed":
            return [do(c.StateRemoved, name), do(c.StateRefused, name)]
        case "notified":
            return [do(c.StateRemoved, name)]
        case _:
            return []


def contact(incident: str, outcome: str) -> Hint:
    """To record a contact with that outcome."""
    return do(c.RecordContact, incident, outcome=outcome)


def to_task(task: str, kind: str) -> Hint:
    """To complete a task; of a call its outcome is that they were told."""
    return do(c.CompleteTask, task, **({"outcome": "told"} if kind == _TELL else {}))


def to_closure(site: str) -> list[Hint]:
    """The answers where a closure waits for a second person."""
    return [do(c.ConfirmClosure, site), do(c.DeclineClosure, site, reason=None)]


def to_reinstatement(site: str, *, held: bool = False) -> list[Hint]:
    """The answers where a reinstatement waits for a second person; a held site is not opened."""
    return [*([] if held else [do(c.Approve, site)]), do(c.Decline, site, reason=None)]


def to_dispute(site: str, *, held: bool, asked_by: str | None) -> list[Hint]:
    """The answers where a closure is disputed; a held site is not opened."""
    reinstate = [] if held else [do(c.AskReinstatement, site)]
    if asked_by:
        reinstate = to_reinstatement(site)
    return [do(c.Uphold, site), *reinstate, Hint("why", site)]


_TELL = "tell"
"""As in `machine.work`, which takes long to load."""
_ROWS = {action.operation or action.name: action for action in reversed(ACTIONS)}

TYPED = {**LOOKS, **{name: action.typed for name, action in _ROWS.items()}}
"""The words that are typed for each act and each look, by its name."""
