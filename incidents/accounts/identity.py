"""The identity of somebody who has signed in, and the actions that their role allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from incidents.contract.action import Role
from incidents.contract.actions import ACTIONS
from incidents.contract.rights import DESK_RIGHTS, READ_RIGHTS, RIGHTS

ROLES: tuple[Role, ...] = get_args(Role)

SUMMARIES: dict[Role, str] = {
    "viewer": "sees the queue, sites and incidents; personal data is masked",
    "operator": "works at the desk: logs, calls, records outcomes",
    "supervisor": "an operator who also reinstates and holds sites, and manages orders",
    "auditor": "reads, exports and verifies the record; changes nothing",
    "integrator": "another program: maintains the register and logs violations",
    "administrator": "manages accounts and tokens, activates policies; does not work at the desk",
}

_TABLE: dict[str, tuple[Role, ...]] = {
    each.name: each.roles for each in (*READ_RIGHTS, *ACTIONS, *DESK_RIGHTS)
}
ROLES_OF_ACTION: dict[str, frozenset[Role]] = {
    action: frozenset(roles) for action, roles in _TABLE.items()
}
"""The roles that may do each action. The key is the name of a command in snake case, or of a
right."""

ACTION_NAMES: tuple[str, ...] = tuple(_TABLE)

IN_PERSON = frozenset(each.name for each in (*ACTIONS, *RIGHTS) if each.in_person)
"""The actions that need a person who has just confirmed their password; no token can do them. These
actions close a site on one person's statement (R4, R5), reopen a closed site, set the rules for
closing and reopening, give access, or erase data permanently. Changing another person's account,
password or tokens also needs `keep_accounts`; viewing them needs `see_accounts`, which a token may
have."""


def may(role: str, action: str) -> bool:
    """Whether that role may do that action; raises KeyError for an unknown action."""
    return role in ROLES_OF_ACTION[action]


_HANDLE = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*")
_MAX_HANDLE = 40

PROOF_TTL = timedelta(minutes=5)
"""How long a person who has confirmed their password need not confirm it again."""

Denial = Literal["role", "token_scope", "in_person", "prove_again", "factor_demanded"]
"""The reason for a denial: the role does not allow the action, the token's scope does not, no token
is accepted, the person confirmed their password too long ago, or must add a second factor first."""

_WITHOUT_FACTOR = frozenset({"own_account", "own_factors", "set_password"})
"""The actions of somebody who must have a second factor, and has none yet."""


SESSION = "session"
"""The login that an entry names if a person acted in a session and not from a machine."""


def is_handle(given: str) -> bool:
    """Whether the text is a valid handle."""
    return len(given) <= _MAX_HANDLE and _HANDLE.fullmatch(given) is not None


def distinct_login(person: str, login: str | None) -> str | None:
    """The login to show beside a person's name; None if it adds nothing."""
    return None if login in {None, "", person, SESSION} else login


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account that has proved its identity: by a token, for some actions, or by a session.

    `proved_at` (UTC): when the session's person last proved their identity; None for a token.
    `session`: the session's id.
    """

    handle: str
    role: str
    token: str | None = None
    acts: frozenset[str] | None = None
    proved_at: datetime | None = None
    session: str | None = None
    lacks_factor: bool = False

    @property
    def login(self) -> str:
        """The way the account signed in, which is shown beside the name in each entry."""
        return SESSION if self.token is None else f"token {self.token}"

    def denial(self, action: str, now: datetime) -> Denial | None:
        """The reason why the account may not do the action at `now`; None if it may do it."""
        if not may(self.role, action):
            return "role"
        if self.lacks_factor and action not in _WITHOUT_FACTOR:
            return "factor_demanded"
        if self.acts is not None and action not in self.acts:
            return "token_scope"
        if action in IN_PERSON:
            if self.proved_at is None:
                return "in_person"
            if not self.is_proved(now):
                return "prove_again"
        return None

    def is_proved(self, now: datetime) -> bool:
        """Whether the session's person has confirmed their identity in the last five minutes."""
        return self.proved_at is not None and now - self.proved_at <= PROOF_TTL

    def may(self, action: str) -> bool:
        """Whether the account may do the action at all, perhaps after confirming the password."""
        if self.token is not None and action in IN_PERSON:
            return False
        if self.lacks_factor and action not in _WITHOUT_FACTOR:
            return False
        return may(self.role, action) and (self.acts is None or action in self.acts)
