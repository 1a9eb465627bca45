"""The accounts of a server, and a session for the duration of one action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from incidents.client import faults
from incidents.client.faults import NoDeskError, ProblemError, ServerError
from incidents.client.http import Exchange, part
from incidents.clock import rfc3339
from incidents.errors import Cause

if TYPE_CHECKING:
    import httpx

    from incidents.contract.documents.accounts import (
        Account,
        Invitation,
        NewInvitation,
        NewToken,
        OpenSession,
        Refused,
        SignIn,
        Token,
    )


_CSRF = "X-CSRF-Token"
_TOKEN = "Authorization"  # noqa: S105 - the name of a header


@contextmanager
def signed_in(
    exchange: Exchange, handle: str, password: str, again: Callable[[], str] | None = None,
    code: Callable[[], str] | None = None,
) -> Iterator[None]:  # fmt: skip
    """Make all requests as the account `handle` instead of the token's account.

    The server may require the password again after five minutes; then `again` asks the person. If
    `again` is None, nobody can be asked. `code` asks for a code of the second factor, if the server
    requires one. The session always ends with the block; if the server is unavailable at that time,
    the session expires later.

    Raises:
        ProblemError: `sign_in` for a wrong password, `blocked` after too many wrong passwords,
            `factor_needed` or `wrong_factor` for a missing or wrong code.
        ServerError: if the server does not answer.
    """
    headers = exchange.http.headers
    token = headers.get(_TOKEN)

    def with_code(path: str, words: dict[str, str]) -> httpx.Response:
        try:
            return exchange.send("POST", path, json=words)
        except ProblemError as error:
            if error.name != "factor_needed" or code is None:
                raise
            return exchange.send("POST", path, json=words | {"code": code()})

    try:
        words = {"handle": handle, "password": password}
        # With the token, so that guesses elsewhere do not lock its owner out.
        begun = with_code("/session", words)
        headers.pop(_TOKEN, None)
        # By hand: a jar keeps it back from plain HTTP, which is taken to this machine alone.
        headers["Cookie"] = "; ".join(f"{name}={word}" for name, word in begun.cookies.items())
        headers[_CSRF] = _csrf(exchange, begun)
        if again is not None:

            def prove() -> None:
                with_code("/session/proof", {"password": again()})

            exchange.prove = prove
        try:
            yield
        finally:
            exchange.prove = None
            with suppress(ProblemError, ServerError):
                exchange.send("DELETE", "/session")
    finally:
        exchange.http.cookies.clear()
        for name in ("Cookie", _CSRF):
            headers.pop(name, None)
        if token is not None:
            headers[_TOKEN] = token


def _csrf(exchange: Exchange, begun: httpx.Response) -> str:
    csrf = (faults.document(begun) or {}).get("csrf")
    if not isinstance(csrf, str):
        raise NoDeskError(
            server=exchange.server, detail=Cause.of("begins_no_session", "it starts no session")
        )
    return csrf


class RemoteAccountAdmin:
    """The accounts and tokens of a server, which checks the permissions itself.

    All methods raise ProblemError for a refusal, and ServerError if there is no answer.
    """

    signed_in = True
    """The caller has always signed in, because a server accepts nobody else."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def accounts(self) -> list[Account]:
        """List all accounts, in the order of their handles."""
        return list(self._exchange.get("/accounts")["items"])

    def account(self, handle: str) -> Account:
        """Return one account."""
        return cast("Account", self._exchange.get(_path(handle)))

    def make(self, handle: str, role: str) -> None:
        """Create an account."""
        self._exchange.exchange("POST", "/accounts", words={"handle": handle, "role": role})

    def give_role(self, handle: str, role: str) -> bool:
        """Give an account another role; return whether that changed anything."""
        return self._change(handle, role=role)

    def disable(self, handle: str) -> bool:
        """Disable an account; return whether that changed anything."""
        return self._change(handle, disabled=True)

    def enable(self, handle: str) -> bool:
        """Enable a disabled account; return whether that changed anything."""
        return self._change(handle, disabled=False)

    def set_password(self, handle: str, password: str) -> None:
        """Set a new password; all sessions of the account end, including the current one."""
        self._exchange.exchange("PUT", f"{_path(handle)}/password", words={"password": password})

    def reset_factors(self, handle: str) -> bool:
        """Remove all second factors of an account; return whether there were any."""
        before = self.account(handle)
        self._exchange.exchange("DELETE", f"{_path(handle)}/factors")
        return bool(before.get("second_factors"))

    def tokens(self, of: str | None) -> list[Token]:
        """List the tokens of an account, or all that the caller may see, the newest first."""
        return self._seen("/tokens", of)

    def make_token(self, handle: str, days: int, acts: Sequence[str] | None) -> NewToken:
        """Create a token; the result contains the token's `secret`."""
        words = {"handle": handle, "days": days, "acts": None if acts is None else list(acts)}
        return cast("NewToken", self._exchange.exchange("POST", "/tokens", words=words)[0])

    def revoke(self, token: str) -> bool:
        """Revoke a token; the server does not report whether it was valid before."""
        self._exchange.exchange("DELETE", f"/tokens/{part(token)}")
        return True

    def invite(self, handle: str, role: str | None) -> NewInvitation:
        """Invite somebody to choose a password; the result contains the `path` of the link."""
        words = {"handle": handle, "role": role}
        return cast(
            "NewInvitation", self._exchange.exchange("POST", "/invitations", words=words)[0]
        )

    def invitations(self, of: str | None) -> list[Invitation]:
        """List the invitations of an account, or of all, the newest first."""
        return list(self._exchange.get("/invitations", handle=of)["items"])

    def revoke_invitation(self, invitation: str) -> bool:
        """Revoke an invitation; the server does not report whether it was open before."""
        self._exchange.exchange("DELETE", f"/invitations/{part(invitation)}")
        return True

    def sessions(self, of: str | None) -> list[OpenSession]:
        """List the open sessions of an account, or all that the caller may see."""
        return self._seen("/sessions", of)

    def end_session(self, session: str) -> None:
        """End a session."""
        self._exchange.exchange("DELETE", f"/sessions/{part(session)}")

    def sign_ins(
        self, *, of: str | None, failed: bool, since: datetime | None, limit: int
    ) -> list[SignIn]:
        """List successful and failed sign-ins, the newest first."""
        asked = {"handle": of, "failed": failed, "since": since and rfc3339(since), "limit": limit}
        return list(self._exchange.get("/sign-ins", **asked)["items"])

    def refusals(self, *, of: str | None, since: datetime | None, limit: int) -> list[Refused]:
        """List the refused actions, counted by day, the newest first."""
        asked = {"handle": of, "since": since and rfc3339(since), "limit": limit}
        return list(self._exchange.get("/refusals", **asked)["items"])

    @property
    def sees_all(self) -> bool:
        """Whether the person may see other people's accounts."""
        return "see_accounts" in self._exchange.get("/session")["may"]

    def _seen(self, path: str, of: str | None) -> list[Any]:
        # A request for one's own must not be counted as refused.
        everybodys = of is None and self.sees_all
        return list(self._exchange.get(path, handle=of, all=everybodys)["items"])

    def _change(self, handle: str, **words: Any) -> bool:
        before = self.account(handle)
        after, _ = self._exchange.exchange("PATCH", _path(handle), words=words)
        return before != after


def _path(handle: str) -> str:
    return f"/accounts/{part(handle)}"
