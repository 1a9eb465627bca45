"""The acts in words: what each act of the roles is on the command line, and who may do it."""

from __future__ import annotations

from incidents.accounts import roles
from incidents.contract.actions import ACTIONS

WORDS = {
    "look": "look",
    "simulate": "simulate",
    "metrics": "metrics",
    "reveal": "see numbers and addresses in full",
    "export": "audit export",
    "give_link": "link",
    **{action.name: action.typed for action in ACTIONS},
    "retry_order": "acts retry or acts release",
    "reconcile": "acts reconcile",
    "recover": "recover",
    "activate_policy": "policy activate",
    "erase": "person erase",
    "try_alarms": "alarms test",
    "see_accounts": "account list",
    "keep_accounts": "the keeping of accounts",
    "see_sign_ins": "account sign-ins",
    "own_account": "the keeping of one's own account",
    "set_password": "account password",
    "make_token": "token make",
}
"""The command that an act is, or each of several; or what it is where it is none."""


def commands(act: str) -> list[str]:
    """Each command that the act is, or what it is where it is none."""
    return WORDS[act].split(" or ")


def words(act: str) -> str:
    """What people call that act; what is no act of the table is called as it is."""
    return WORDS.get(act, act)


def who_may(act: str) -> str:
    """Who may do that act, such as `an operator or a supervisor`."""
    *others, last = (_one(role) for role in roles.ROLES if roles.may(role, act))
    return f"{', '.join(others)} or {last}" if others else last


def _one(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
