"""The reference of the roles: who may do which act, from the program's own table."""

from __future__ import annotations

from incidents.accounts import identity
from incidents.accounts.identity import PROOF_TTL
from incidents.contract.actions import ACTIONS
from incidents.contract.rights import RIGHTS
from scripts.generated.markdown import page, table

COMMANDS = {
    **{right.name: (right.command,) for right in RIGHTS if right.command is not None},
    **{action.name: (action.typed,) for action in ACTIONS},
    "retry_order": ("orders retry", "orders release"),
}
"""The commands that each action is, where it is one."""

_MINUTES = int(PROOF_TTL.total_seconds() // 60)


def text() -> str:
    """The page."""
    return page(
        "# Roles",
        "Where a database has accounts, each has one role. What a token may do is what the role of"
        " its account may, or those acts of it that it was made for. Over HTTP whoever may not is"
        " answered with 403, and that is counted (`incidents account refusals`).",
        table(("role", ""), ((f"`{role}`", what) for role, what in identity.SUMMARIES.items())),
        f"What is marked *in person* is done by a person who has signed in, and has proved who they"
        f" are within the last {_MINUTES} minutes; no token does it.",
        table(("act", "command", *identity.ROLES, ""), map(_action, identity.ACTION_NAMES)),
        "`own_account`, `set_password` and `make_token` are about oneself. Another's account,"
        " password and tokens take `keep_accounts` as well to change them, and `see_accounts` to"
        " see them.",
    )


def _action(action: str) -> tuple[str, ...]:
    marks = ("yes" if identity.may(role, action) else "" for role in identity.ROLES)
    return (
        f"`{action}`",
        _commands(action),
        *marks,
        "in person" if action in identity.IN_PERSON else "",
    )


def _commands(action: str) -> str:
    """The commands of an action; other rights have none."""
    return ", ".join(f"`{each}`" for each in COMMANDS.get(action, ()))
