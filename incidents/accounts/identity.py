"""The identity: somebody who has come in, and what they may do here and now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from incidents.accounts import roles

_HANDLE = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*")
_MAX_HANDLE = 40

FRESH_FOR = timedelta(minutes=5)
"""So long a person need not prove again who they are."""

Why = Literal["role", "token_scope", "in_person", "prove_again"]
"""Why somebody may not: their role does not; their token is not for it; no token is; it is too long
ago that they have proved who they are."""


SESSION = "session"
"""What stands in an entry in place of a machine's login, of who came in by a session."""


def is_handle(given: str) -> bool:
    """Whether somebody could be called that."""
    return len(given) <= _MAX_HANDLE and _HANDLE.fullmatch(given) is not None


def login_beside(person: str, login: str | None) -> str | None:
    """The login as it is told beside the name of a person; None where it says nothing more."""
    return None if login in {None, "", person, SESSION} else login


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account that has proved who it is: by a token, for some acts, or by a session.

    `proved_at` (UTC) is when the person behind a session last did so; None for a token. `session`
    is what that session is called.
    """

    handle: str
    role: str
    token: str | None = None
    acts: frozenset[str] | None = None
    proved_at: datetime | None = None
    session: str | None = None

    @property
    def login(self) -> str:
        """How they came in, which stands beside the name in each entry."""
        return SESSION if self.token is None else f"token {self.token}"

    def why_not(self, act: str, now: datetime) -> Why | None:
        """Why they may not do that act at `now`; None if they may."""
        if not roles.may(self.role, act):
            return "role"
        if self.acts is not None and act not in self.acts:
            return "token_scope"
        if act in roles.IN_PERSON:
            if self.proved_at is None:
                return "in_person"
            if now - self.proved_at > FRESH_FOR:
                return "prove_again"
        return None

    def may(self, act: str) -> bool:
        """Whether they may do it at all, perhaps after proving again who they are."""
        if self.token is not None and act in roles.IN_PERSON:
            return False
        return roles.may(self.role, act) and (self.acts is None or act in self.acts)
