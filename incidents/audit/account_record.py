"""The record of accounts: what the desk's own acts about accounts and tokens come to, in rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from incidents.audit.rows import Row
from incidents.machine.events import Event
from incidents.misread import MisreadError
from incidents.record import own_acts as acts


@dataclass(slots=True)
class AccountRecord:
    """Accounts by their handles and tokens by their ids, each as its columns; and by their handles
    what was last said of passwords."""

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    passwords: dict[str, acts.PasswordSet] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Takes the next act.

        Raises:
            MisreadError: saying why it cannot follow on what is before it.
        """
        at = event.recorded_at
        match event:
            case acts.AccountMade(handle=handle, role=role):
                if handle in self.accounts:
                    raise MisreadError(f"{handle} has an account already")
                self.accounts[handle] = {
                    "handle": handle, "role": role, "made_at": at, "disabled_at": None,
                }  # fmt: skip
            case acts.RoleGiven(handle=handle, role=role):
                self._account(handle)["role"] = role
            case acts.AccountDisabled(handle=handle):
                self._account(handle)["disabled_at"] = at
            case acts.AccountEnabled(handle=handle):
                self._account(handle)["disabled_at"] = None
            case acts.PasswordSet(handle=handle):
                self._account(handle)
                self.passwords[handle] = event
            case acts.TokenMade():
                self._make_token(event, at)
            case acts.TokenRevoked(token=token):
                if token not in self.tokens:
                    raise MisreadError(f"there is no token {token}")
                self.tokens[token]["revoked_at"] = at

    @property
    def account_rows(self) -> list[Row]:
        """The rows of the table of accounts."""
        return [tuple(each.values()) for each in self.accounts.values()]

    @property
    def token_rows(self) -> list[Row]:
        """The rows of the table of tokens."""
        return [tuple(each.values()) for each in self.tokens.values()]

    def _account(self, handle: str) -> dict[str, Any]:
        if handle not in self.accounts:
            raise MisreadError(f"{handle} has no account")
        return self.accounts[handle]

    def _make_token(self, event: acts.TokenMade, at: datetime) -> None:
        self._account(event.handle)
        if event.token in self.tokens:
            raise MisreadError(f"the token {event.token} was made before")
        self.tokens[event.token] = {
            "id": event.token, "handle": event.handle, "digest": event.digest,
            "acts": list(event.acts) or None, "made_at": at, "expires_at": event.expires,
            "revoked_at": None,
        }  # fmt: skip
