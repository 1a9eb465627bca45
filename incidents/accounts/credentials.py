"""Credentials that are carried: the tokens of programs, and the sessions of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.accounts import open_sessions, secrets
from incidents.accounts.access_settings import Access
from incidents.accounts.identity import Identity, is_handle
from incidents.accounts.open_sessions import IDLE_FOR, SESSION_FOR
from incidents.accounts.second_factor import FactorCheck
from incidents.accounts.serve_key import KeyWatch, Seal, session_facts, token_facts
from incidents.accounts.sign_in_log import Attempt, How, SignInLog
from incidents.errors import RefusedError
from incidents.store.accounts import accounts
from incidents.store.accounts.accounts import Account, Token
from incidents.store.database.engine import plainly, single_query, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SEEN_EVERY = timedelta(minutes=1)


class SignInError(RefusedError):
    """wrong username or password, or the account cannot sign in"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A person in a session, and the content of the cookie.

    `browser`: the value that identifies their browser from now on, after a sign-in with a password.
    """

    identity: Identity
    cookie: str
    browser: str | None = None


class Credentials:
    """The credentials of one database; `clock` gives aware times in UTC.

    A credential without the `seal` is invalid. `log` is the sign-in log. All methods raise
    DatabaseError if the database fails.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], seal: Seal,
        access: Access | None = None,
    ) -> None:  # fmt: skip
        self._engine, self._clock, self._seal = engine, clock, seal
        self.factors = FactorCheck(engine, clock, seal, Access() if access is None else access)
        self._key = KeyWatch(seal)
        self.log = SignInLog(engine, clock)

    def check(self) -> None:
        """Check that the servers' key is still valid; raises ServeKeyReplacedError."""
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)

    def by_token(self, secret: str) -> Identity | None:
        """Return the identity that a token proves; None if the token is unknown or not valid."""
        [found] = self.by_tokens([secret])
        return found

    def by_tokens(self, given: Sequence[str]) -> list[Identity | None]:
        """Return the identities that several tokens prove, with one query."""
        digests = [secrets.digest(secret) for secret in given]
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)
            found = accounts.token_by_digest(connection, digests)
        now = self._clock()
        return [
            None if digest not in found else self._holder(*found[digest], now) for digest in digests
        ]

    def by_session(self, cookie: str, *, used: bool = True) -> Visit | None:
        """Return the visit of a session's cookie; None if the session is unknown or has ended.

        `used`: a person made the request, which keeps the session open; polling does not.
        """
        now, digest = self._clock(), _digest(cookie)
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)
            found = accounts.session_of_digest(connection, digest)
            lacks_factor = found is not None and self.factors.lacks(connection, found)
        if found is None or open_sessions.has_ended(found, now):
            return None
        if not self._is_own(digest, found):
            return None
        if used and now - found.seen_at >= _SEEN_EVERY:
            with plainly(self._engine), writing(self._engine) as connection:
                accounts.touch_session(connection, digest, now)
        identity = Identity(
            handle=found.account.handle, role=found.account.role, proved_at=found.proved_at,
            session=found.id, lacks_factor=lacks_factor,
        )  # fmt: skip
        return Visit(identity, cookie)

    def begin(
        self, handle: str, proved_at: datetime | None = None, *, how: How = "provider",
        place: str | None = None,
    ) -> Visit:  # fmt: skip
        """Begin a session for somebody who has proved their identity, at `proved_at` (UTC) or now.

        Raises:
            SignInError: if the account cannot sign in.
        """
        now, cookie = self._clock(), secrets.random_cookie()
        attempt = Attempt("sign_in", how, place)
        with plainly(self._engine), writing(self._engine) as connection:
            self._key.check(connection)
            known = is_handle(handle)
            account = accounts.account(connection, handle) if known else None
            if account is not None and account.disabled_at is None:
                proved_at = now if proved_at is None else proved_at
                new = accounts.Session(
                    secrets.random_id(), now, now, proved_at, how, place, None, account
                )  # fmt: skip
                accounts.purge_sessions(connection, made=now - SESSION_FOR, seen=now - IDLE_FOR)
                accounts.add_session(
                    connection, _digest(cookie), self._sealed(_digest(cookie), new)
                )
                self.log.record_success(replace(attempt, session=new.id), handle, connection)
                identity = Identity(
                    handle=handle, role=account.role, proved_at=proved_at, session=new.id,
                    lacks_factor=self.factors.lacks(connection, new),
                )  # fmt: skip
                return Visit(identity, cookie)
        self.log.record_failure(attempt, account, right=True)
        raise SignInError

    def renew(self, visit: Visit, attempt: Attempt) -> Visit:
        """Note that the person of the session has proved their identity again, now.

        Raises:
            SignInError: if the session has ended meanwhile.
        """
        handle, now, digest = visit.identity.handle, self._clock(), _digest(visit.cookie)
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_digest(connection, digest)
            # It may have ended or been changed in the database since: only reseal a sealed row.
            if found is None or found.account.handle != handle or not self._is_own(digest, found):
                raise SignInError
            accounts.reauthenticate_session(
                connection, digest, self._sealed(digest, found._replace(proved_at=now))
            )
            self.log.record_success(attempt, handle, connection)
        return replace(visit, identity=replace(visit.identity, proved_at=now))

    def sign_out(self, cookie: str) -> None:
        """End the session of a cookie."""
        self.end(_digest(cookie))

    def end(self, digest: bytes) -> None:
        """End the session whose cookie has this digest."""
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_digest(connection, digest)
            if found is not None:
                open_sessions.end(connection, found, "signed_out", None, self._clock())

    def _holder(self, token: Token, account: Account, now: datetime) -> Identity | None:
        """Return the identity behind a token now; None if the token or the account is invalid."""
        over = token.revoked_at is not None or token.expires_at <= now
        if over or account.disabled_at is not None:
            return None
        if not self._seal.holds(token.seal, token_facts(token)):
            return None
        return Identity(
            handle=account.handle, role=account.role, token=token.id,
            acts=None if token.acts is None else frozenset(token.acts),
        )  # fmt: skip

    def _is_own(self, digest: bytes, found: accounts.Session) -> bool:
        return self._seal.holds(found.seal, session_facts(digest, found))

    def _sealed(self, digest: bytes, session: accounts.Session) -> accounts.Session:
        return session._replace(seal=self._seal.on(session_facts(digest, session)))


def _digest(cookie: str) -> bytes:
    return bytes.fromhex(secrets.digest(cookie))
