"""The hints: actions and queries that fit a finding, by name.

The command line shows each hint as a command line (`typed`). The API gives both the names with
their facts and the command lines (`commands`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from incidents.contract.action import Action, name_of
from incidents.contract.actions import ACTIONS
from incidents.contract.documents import Hint
from incidents.machine import commands as c
from incidents.machine.command import Choice

if TYPE_CHECKING:
    from incidents.contract.documents.queue import Item, QueueItem


class Look(NamedTuple):
    """A query, or an action without a target: its command line, and the name of its right.

    `{of}` in the command line stands for the target; without `{of}`, the target comes last. If
    `right` is None, anybody at the machine can run the command.
    """

    typed: str
    right: str | None = "look"


LOOKS = {
    "why": Look("site why"),
    "show": Look("show"),
    "queue": Look("queue"),
    "sites": Look("site list"),
    "order": Look("orders show"),
    "orders": Look("orders list"),
    "orders_of_site": Look("orders list --site"),
    "braked": Look("orders list --braked"),
    "compare": Look("orders reconcile", "reconcile"),
    "repair": Look("orders reconcile {of} --repair", "reconcile"),
    "repair_cancelled": Look("orders reconcile {of} --repair --cancelled", "reconcile"),
    "recover": Look("recover", "recover"),
    "accounts": Look("account list", "see_accounts"),
    "change_role": Look("account role {of} ROLE", "keep_accounts"),
    "enable_account": Look("account enable", "keep_accounts"),
    "sessions": Look("account sessions", "own_account"),
    "invitations": Look("account invitations", "see_accounts"),
    "tokens": Look("token list", "own_account"),
    "new_token": Look("token make HANDLE --days 30", "make_token"),
    "policy": Look("policy show"),
    "new_log_key": Look("audit key new", None),
    "sign_log": Look("audit checkpoint", "export"),
    "filing": Look("filing show"),
    "filing_fields": Look("filing fields"),
    "check_filing": Look("filing check"),
    "check_footer": Look("filing check-footer"),
    "snippet": Look("filing snippet"),
    "elapse": Look("daemon --once", None),
    "start_daemon": Look("daemon", None),
    "daemon_status": Look("daemon status"),
    "alarms": Look("alarms"),
    "filing_terms": Look("filing terms"),
    "reports": Look("report list"),
    "intake_rules": Look("report rules show"),
    "join_report": Look("report join", "settle_report"),
    "reopen_report": Look("report reopen {of} --reason R", "settle_report"),
    "audit_status": Look("audit status"),
    "disable_account": Look("account disable", "keep_accounts"),
}
"""The queries, and the actions without a target, by name."""

RELEASE_ORDER = "release_order"
"""The action that releases a braked order; its command is the same as for a retry."""


AS_TYPED = "as_typed"
"""A hint that a server of another version gave only as a command line, kept in `of`."""


def action_of(hint: Hint) -> Action | None:
    """The row of the action that the hint suggests; None for a query."""
    return _ROWS.get(hint["act"])


def right_of(hint: Hint) -> str | None:
    """The right that the hint's action or query requires; None if none is required or known."""
    action, found = action_of(hint), LOOKS.get(hint["act"])
    return action.name if action is not None else None if found is None else found.right


def look(name: str, of: str = "", **facts: str | None) -> Hint:
    """The hint for a query (`LOOKS`)."""
    return Hint(act=name, of=of, facts=facts)


def do(command: type[c.Command], of: str, **facts: str | None) -> Hint:
    """The hint for an action."""
    return Hint(act=name_of(command), of=of, facts=facts)


_SHELLS_OWN = re.compile(r"[^\w@%+=:,./-]")


def _quoted(text: str) -> str:
    """Quote a text for a shell; words in any script stay unchanged."""
    return shlex.quote(text) if _SHELLS_OWN.search(text) else text


_UNSAID = {"show": "INCIDENT"}
"""The placeholder for a target that the hint does not name, by query."""

_OPTIONS = {"urls": "url"}
"""The options for fields with several values, of which each option takes one."""


def typed(hint: Hint, placeholder: Callable[[str, str], str] | None = None) -> str:
    """The hint as a command line; text that the person must give is a word in capitals.

    `placeholder` returns another word for it, by its option (empty if it has none) and that word.
    """
    if placeholder is None:
        placeholder = _in_capitals
    of, facts = hint["of"], hint["facts"]
    if hint["act"] == AS_TYPED:
        return of
    action = action_of(hint)
    if action is None:
        line = LOOKS[hint["act"]].typed
        unsaid = _UNSAID.get(hint["act"])
        of = of or (placeholder("", unsaid) if unsaid else "")
        line = line.format(of=of) if "{of}" in line else f"{line} {of}".rstrip()
        options = [
            f"--{name} {said or placeholder(name, name[0].upper())}" for name, said in facts.items()
        ]
        return " ".join(["incidents", line, *options])
    parts = ["incidents", action.typed, of]
    if action.command is c.ChangeFiling:
        said_ = (f"{key}={said or placeholder('', _to_say(key))}" for key, said in facts.items())
        return " ".join([*parts, *said_])
    for each in action.asked:
        if each.name not in facts and not each.required:
            continue
        if each.type is bool:
            parts.append(f"--{action.called(each)}")
            continue
        known = facts.get(each.name)
        # An address from a report may hold what a shell would run.
        option = _OPTIONS.get(each.name) or action.called(each)
        unsaid = "T" if each.is_time else action.asks(each).metavar
        said = _quoted(known) if known else placeholder(option, unsaid or "")
        parts.append(said if isinstance(each.fact, Choice) else f"--{option} {said}")
    return " ".join(parts)


def _in_capitals(_option: str, word: str) -> str:
    return word


def _to_say(key: str) -> str:
    """The placeholder for the text of a filing's detail."""
    return "NUMBER" if key.endswith("_number") else "DAY"


def commands(of: Iterable[Hint]) -> list[str]:
    """The command lines of the hints."""
    return [typed(each) for each in of]


def with_commands(item: QueueItem) -> Item:
    """An item for programs: with its command lines, and the likeliest of them as `next`."""
    found = commands(item["hints"])
    return {**item, "next": found[0], "commands": found}


def understood(document: Mapping[str, Any]) -> list[Hint]:
    """The hints in a server's document, without hints that only a newer version knows.

    If no hint is left, or if an older server gives none, the result is the command lines in the
    document's `commands`, unchanged.
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


_ROWS = {action.operation or action.name: action for action in reversed(ACTIONS)}

TYPED = {
    **{name: each.typed for name, each in LOOKS.items()},
    **{name: action.typed for name, action in _ROWS.items()},
}
"""The words to type for each query and each action, by name."""
