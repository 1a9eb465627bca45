"""The next step: a command that fits what stands there, and who may give it if not anybody may."""

from __future__ import annotations

from functools import cache

_ANOTHERS = frozenset({"confirm_closure", "approve", "decline"})
"""What whoever asked may not do: it is the other person's of two."""


def told(command: str, asked_by: str | None = None) -> str:
    """The command, and who may give it; `asked_by` asked for what waits for a second person."""
    who = _who(_act(command), asked_by)
    return f"{command} ({who})" if who else command


def _act(command: str) -> str | None:
    """The act that a line such as `incidents site approve shop.example` is."""
    words = command.split()[1:3]
    return _acts().get(" ".join(words)) or _acts().get(words[0])


@cache
def _acts() -> dict[str, str]:
    from incidents.accounts import act_words

    return {command: act for act in act_words.WORDS for command in act_words.commands(act)}


def _who(act: str | None, asked_by: str | None) -> str:
    from incidents.accounts import act_words, roles

    who = []
    if act in _ANOTHERS and asked_by is not None:
        who.append(f"a second person, not {asked_by}")
    if act is not None and not roles.may("operator", act):
        who.append(f"with accounts, {act_words.who_may(act)}")
    return "; ".join(who)
