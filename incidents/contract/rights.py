"""The rights: what somebody may do that is no act on a site, who may, and what it is called.

The acts themselves are in `actions`; a role's rights are both (`accounts.identity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from incidents.contract.action import DESK, SUPERVISOR, Role

_ALL: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Right:
    """A right by its name, and its `roles`.

    `typed` is the command that it is for, or what it is where it is none. `in_person`: a person
    does it who has just proved who they are, and no token.
    """

    name: str
    typed: str
    roles: tuple[Role, ...]
    in_person: bool = False


_HOUSE: tuple[Role, ...] = ("supervisor", "administrator")
_KEEPER: tuple[Role, ...] = ("administrator",)

LOOKING = (
    Right("look", "look", _ALL),
    Right("simulate", "simulate", _ALL),
    Right("metrics", "metrics", _ALL),
    Right("reveal", "see numbers and addresses in full", (*DESK, "auditor")),
    Right("export", "audit export", ("supervisor", "auditor", "administrator")),
    Right("give_link", "link", DESK),
)
OF_THE_HOUSE = (
    Right("reconcile", "acts reconcile", SUPERVISOR),
    Right("recover", "recover", SUPERVISOR),
    Right("activate_policy", "policy activate", _HOUSE, in_person=True),
    Right("erase", "person erase", _HOUSE, in_person=True),
    Right("try_alarms", "alarms test", _HOUSE),
    Right("see_accounts", "account list", _KEEPER),
    Right("keep_accounts", "the keeping of accounts", _KEEPER, in_person=True),
    Right("see_sign_ins", "account sign-ins", ("auditor", "administrator")),
    Right("own_account", "the keeping of one's own account", _ALL),
    Right("set_password", "account password", _ALL, in_person=True),
    Right("make_token", "token make", _ALL, in_person=True),
)
RIGHTS = (*LOOKING, *OF_THE_HOUSE)
