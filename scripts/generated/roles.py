"""The reference of the roles: who may do what, from the program's own table."""

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
"""The commands of each action and right that has some."""

_MINUTES = int(PROOF_TTL.total_seconds() // 60)


def text() -> str:
    """The page."""
    return page(
        "# Roles",
        "Which role may do what, where there are accounts. Each account has one role. A token may"
        " do what the role of its account may, or only the actions it was made for. Over HTTP"
        " everybody else gets 403, and that is counted (`incidents account refusals`).",
        table(("role", ""), ((f"`{role}`", what) for role, what in identity.SUMMARIES.items())),
        f"An action *in person* takes a person who has signed in and has entered their password (or"
        f" signed in at the provider) within the last {_MINUTES} minutes. No token does it.",
        table(("action", "command", *identity.ROLES, ""), map(_action, identity.ACTION_NAMES)),
        "`own_account`, `set_password` and `make_token` are about your own account. To change"
        " another account, its password or its tokens takes `keep_accounts` as well; to see them,"
        " `see_accounts`.",
    )


def _action(name: str) -> tuple[str, ...]:
    marks = ("yes" if identity.may(role, name) else "" for role in identity.ROLES)
    return f"`{name}`", _commands(name), *marks, "in person" if name in identity.IN_PERSON else ""


def _commands(name: str) -> str:
    """The commands of an action; other rights have none."""
    return ", ".join(f"`{each}`" for each in COMMANDS.get(name, ()))
