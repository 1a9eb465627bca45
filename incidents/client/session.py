"""The session: somebody who has signed in with their password, for as long as one act takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from incidents.client import faults
from incidents.client.faults import NoDeskError, ProblemError, ServerError

if TYPE_CHECKING:
    import httpx

    from incidents.client.http import Exchange

_CSRF = "X-CSRF-Token"
_TOKEN = "Authorization"  # noqa: S105 - the name of a header


@contextmanager
def signed_in(
    exchange: Exchange, handle: str, password: str, again: Callable[[], str] | None = None
) -> Iterator[None]:
    """While it lasts all is asked for as the account `handle`, in place of the token's.

    `again` asks its person for the password anew, if the server wants that by then (after five
    minutes); None: nobody can be asked. The session is ended in each case; if the server is away by
    then, the session ends by itself.

    Raises:
        ProblemError: `sign_in` for a wrong password, `blocked` after too many.
        ServerError: if nothing answers.
    """
    headers = exchange.http.headers
    token = headers.get(_TOKEN)
    try:
        words = {"handle": handle, "password": password}
        # With the token: so nobody who guesses elsewhere keeps its person out.
        begun = exchange.send("POST", "/session", json=words)
        headers.pop(_TOKEN, None)
        # By hand: a jar keeps it back from plain HTTP, which is taken to this machine alone.
        headers["Cookie"] = "; ".join(f"{name}={word}" for name, word in begun.cookies.items())
        headers[_CSRF] = _csrf(exchange, begun)
        if again is not None:
            exchange.prove = lambda: _prove(exchange, again)
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
        raise NoDeskError(server=exchange.server, detail="it begins no session")
    return csrf


def _prove(exchange: Exchange, again: Callable[[], str]) -> None:
    exchange.exchange("POST", "/session/proof", words={"password": again()})
