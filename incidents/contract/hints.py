"""The hints: acts and looks that fit a finding, by name.

The command line types them (`typed`). The API tells both: by name with their facts, and as command
lines (`commands`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from incidents.contract.action import Action, name_of
from incidents.contract.actions import ACTIONS
from incidents.contract.documents import Hint
from incidents.machine import commands as c
from incidents.machine.command import Choice

if TYPE_CHECKING:
    from incidents.contract.documents.queue import Item, QueueItem

LOOKS = {
    "why": "site why",
    "show": "show",
    "queue": "queue",
    "sites": "site list",
    "order": "acts show",
    "orders": "acts list",
    "orders_of_site": "acts list --site",
    "braked": "acts list --braked",
    "compare": "acts reconcile",
    "repair": "acts reconcile {of} --repair",
    "repair_cancelled": "acts reconcile {of} --repair --cancelled",
    "recover": "recover",
    "accounts": "account list",
    "change_role": "account role {of} ROLE",
    "enable_account": "account enable",
    "sessions": "account sessions",
    "tokens": "token list",
    "new_token": "token make HANDLE --days 30",
    "policy": "policy show",
    "new_log_key": "audit key new",
    "sign_log": "audit checkpoint",
    "filing": "filing show",
    "filing_fields": "filing fields",
    "check_filing": "filing check",
    "check_footer": "filing check-footer",
    "snippet": "filing snippet",
    "elapse": "daemon --once",
    "start_daemon": "daemon",
    "daemon_status": "daemon status",
    "alarms": "alarms",
    "filing_terms": "filing terms",
    "audit_status": "audit status",
    "disable_account": "account disable",
}
"""What is looked at, or done for nobody, by its name, and how it is typed; its target at the end,
or for `{of}`."""

RIGHTS = {"repair": "reconcile", "repair_cancelled": "reconcile", "recover": "recover"}
"""What of these changes something: the right that it takes, as roles have it."""

RELEASE_ORDER = "release_order"
"""The act that retries an order which the brake holds; its command is that of a retry."""


AS_TYPED = "as_typed"
"""What a server of another version has told as a command line alone, which stands in place of the
target."""


def action_of(hint: Hint) -> Action | None:
    """The row of the act; None of a look."""
    return _ROWS.get(hint["act"])


def look(name: str, of: str = "", **facts: str | None) -> Hint:
    """The hint to look at something (`LOOKS`)."""
    return Hint(act=name, of=of, facts=facts)


def do(command: type[c.Command], of: str, **facts: str | None) -> Hint:
    """The hint to do an act."""
    return Hint(act=name_of(command), of=of, facts=facts)


_SHELLS_OWN = re.compile(r"[^\w@%+=:,./-]")


def _quoted(text: str) -> str:
    """For a shell; words in any script stay as they are."""
    return shlex.quote(text) if _SHELLS_OWN.search(text) else text


_UNSAID = {"show": "INCIDENT"}
"""The word for a look's target where the person is to say it."""

_OPTIONS = {"urls": "url"}
"""What a field is called where it is typed one at a time."""


def typed(hint: Hint) -> str:
    """The hint as a command line; what the person is to say stands there as a word in capitals."""
    of, facts = hint["of"], hint["facts"]
    if hint["act"] == AS_TYPED:
        return of
    action = action_of(hint)
    if action is None:
        line = LOOKS[hint["act"]]
        of = of or _UNSAID.get(hint["act"], "")
        line = line.format(of=of) if "{of}" in line else f"{line} {of}".rstrip()
        options = [f"--{name} {said or name[0].upper()}" for name, said in facts.items()]
        return " ".join(["incidents", line, *options])
    parts = ["incidents", action.typed, of]
    if action.command is c.ChangeFiling:
        return " ".join([*parts, *(f"{key}={said or _to_say(key)}" for key, said in facts.items())])
    for each in action.asked:
        if each.name not in facts and not each.required:
            continue
        if each.type is bool:
            parts.append(f"--{action.called(each)}")
            continue
        known = facts.get(each.name)
        # An address from a report may hold what a shell would run.
        said = _quoted(known) if known else "T" if each.is_time else action.asks(each).metavar
        option = _OPTIONS.get(each.name) or action.called(each)
        parts.append(said if isinstance(each.fact, Choice) else f"--{option} {said}")
    return " ".join(parts)


def _to_say(key: str) -> str:
    """What a person is to say of a filing's detail."""
    return "NUMBER" if key.endswith("_number") else "DAY"


def commands(of: Iterable[Hint]) -> list[str]:
    """The command lines of those hints."""
    return [typed(each) for each in of]


def with_commands(item: QueueItem) -> Item:
    """An item as programs have it: with its commands, and the likeliest of them as `next`."""
    found = commands(item["hints"])
    return {**item, "next": found[0], "commands": found}


def first_of_two(item: QueueItem) -> str | None:
    """Who asked for what waits for a second person."""
    return item["asked_by"] or (None if item["closing"] is None else item["closing"]["by"])


def understood(document: Mapping[str, Any]) -> list[Hint]:
    """The hints of a server's document, without those that only a newer one knows.

    Where nothing is left, or of one of before, which tells of no hint, they are its `commands` as
    they stand.
    """
    found = [each for each in _list(document, "hints") if _is_hint(each)]
    typed_ = [each for each in _list(document, "commands") if isinstance(each, str)]
    return found or [look(AS_TYPED, each) for each in typed_]


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    return found if isinstance(found, list) else []


def _is_hint(found: Any) -> TypeGuard[Hint]:
    return (
        isinstance(found, dict)
        and found.get("act") in TYPED
        and isinstance(found.get("of"), str)
        and isinstance(found.get("facts"), dict)
    )


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
        reinstate = to_reinstatement(site, held=held)
    return [do(c.Uphold, site), *reinstate, look("why", site)]


def to_left_closed(site: str, *, suspended: bool) -> list[Hint]:
    """What opens a site that is closed in the world by what is lost."""
    # What a rule had closed is recorded again only where it is a fact: that is for a person to say.
    return [] if suspended else [look("repair", site)]


_TELL = "tell"
"""As in `machine.work`, which takes long to load."""
_ROWS = {action.operation or action.name: action for action in reversed(ACTIONS)}

TYPED = {**LOOKS, **{name: action.typed for name, action in _ROWS.items()}}
"""The words that are typed for each act and each look, by its name."""
