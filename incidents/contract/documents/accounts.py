"""The documents about who may come in."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Account(TypedDict):
    """An account; `disabled_at`: nobody comes in with it. `password_set_at` null: it has none;
    `password_counts_from`: before, its person is no second person, since `password_given_by` knows
    the password.
    """

    handle: str
    role: str
    made_at: str
    disabled_at: str | None
    password_set_at: NotRequired[str | None]
    password_given_by: NotRequired[str | None]
    password_counts_from: NotRequired[str | None]


class Accounts(TypedDict):
    """All accounts."""

    items: list[Account]


class Token(TypedDict):
    """A token, by its id; `acts` null: for all that its account may."""

    id: str
    handle: str
    acts: list[str] | None
    made_at: str
    expires_at: str
    revoked_at: str | None


class NewToken(Token):
    """A new token; `secret` is told once."""

    secret: str


class Tokens(TypedDict):
    """Tokens, the newest first."""

    items: list[Token]


class Session(TypedDict):
    """Who asks, and what they may do: `in_person` after they have just proved who they are, which
    holds until `proved_until`. `csrf` goes with all but GET of a session."""

    handle: str
    role: str
    token: str | None
    may: list[str]
    in_person: list[str]
    proved_until: str | None
    csrf: str | None


class OpenSession(TypedDict):
    """A session that holds, until `ends_at` at the latest if nobody uses it; `current`: the one
    that asks. `how` is password or provider, `place` the address that it began at."""

    id: str
    handle: str
    how: str
    place: str | None
    made_at: str
    seen_at: str
    ends_at: str
    current: bool


class Sessions(TypedDict):
    """Sessions, the newest first."""

    items: list[OpenSession]


class SignIn(TypedDict):
    """A sign_in, a sign_out, a proof (a password given again) or a second (person, beside `by`).

    `result` is ok, wrong_password, no_account, disabled, or what was wrong with the answer of a
    provider. `handle` is whose account it was about, never who did it; `by` is who ended somebody
    else's session. Of names that are nobody's the first five of an address and a day are here, and
    all are among the refusals.
    """

    at: str
    what: str
    result: str
    how: str
    handle: str | None
    by: str | None
    place: str | None
    session: str | None


class SignIns(TypedDict):
    """A page of the log of sign-ins, the newest first."""

    items: list[SignIn]
    next: str | None


class Refused(TypedDict):
    """So often somebody was not let do that on that day (UTC); `about` is what the last one was
    about."""

    day: str
    handle: str
    login: str
    act: str
    why: str
    about: str | None
    count: int
    first_at: str
    last_at: str


class Refusals(TypedDict):
    """Who was not let do what, those with the newest first."""

    items: list[Refused]
