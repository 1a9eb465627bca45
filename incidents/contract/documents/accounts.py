"""The documents about who may come in."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Account(TypedDict):
    """An account; `disabled_at`: it cannot sign in. `password_set_at` null: it has no password;
    `password_counts_from`: until then it cannot be a second person, because `password_given_by`
    knows the password."""

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
    """A token, by its id; `acts` null: it allows all that its account may do."""

    id: str
    handle: str
    acts: list[str] | None
    made_at: str
    expires_at: str
    revoked_at: str | None


class NewToken(Token):
    """A new token; `secret` is shown only once."""

    secret: str


class Tokens(TypedDict):
    """Tokens, the newest first."""

    items: list[Token]


class Session(TypedDict):
    """The current user and what they may do: `in_person` after they have just confirmed their
    password, which is valid until `proved_until`. `csrf` is required for all requests of a session
    but GET."""

    handle: str
    role: str
    token: str | None
    may: list[str]
    in_person: list[str]
    proved_until: str | None
    csrf: str | None


class OpenSession(TypedDict):
    """An open session, valid until `ends_at` at the latest if unused; `current`: the one of this
    request. `how` is password or provider, `place` the address that it began at."""

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
    """A sign_in, a sign_out, a proof (a password confirmation) or a second (person, beside `by`).
    `result` is ok, wrong_password, no_account, disabled, or what was wrong with a provider's
    answer. `handle` is the account it concerned, never who did it; `by` is who ended somebody
    else's session. Of unknown names only the first five per address and day are listed; the
    refusals count all."""

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
    """How often an action was refused to somebody on a day (UTC); `about` is what the last one
    concerned."""

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
    """Refused actions, those with the newest first."""

    items: list[Refused]
