"""The next step: a command that fits what stands there, and who may give it if not anybody may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.machine import commands as c

if TYPE_CHECKING:
    from incidents.contract.action import Action
    from incidents.contract.documents import Hint

_ANOTHERS = (c.ConfirmClosure, c.Approve, c.Decline)
"""What whoever asked may not do: it is the other person's of two."""


def told(hint: Hint, asked_by: str | None = None) -> str:
    """The command, and who may give it; `asked_by` asked for what waits for a second person."""
    from incidents.contract.hints import action_of, typed

    action = action_of(hint)
    who = "" if action is None else _who(action, asked_by)
    return f"{typed(hint)} ({who})" if who else typed(hint)


def _who(action: Action, asked_by: str | None) -> str:
    from incidents.accounts import identity
    from incidents.locale import refusal_words

    who = []
    if action.command in _ANOTHERS and asked_by is not None:
        who.append(f"a second person, not {asked_by}")
    if not identity.may("operator", action.name):
        who.append(f"with accounts, {refusal_words.who_may(action.name)}")
    return "; ".join(who)
