"""The documents about accounts, tokens, sessions and sign-ins."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Account(TypedDict):
    """An account.

    `disabled_at`: since then it cannot sign in; null if it is enabled. `password_set_at`: null
    without a password. `password_counts_from`: until then the account's owner cannot be a second
    person, because `password_given_by` knows the password.
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
    """A token, by its ID.

    `acts`: the actions that it allows; null: all actions that its account may do.
    """

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
    """The current user and their permissions.

    `in_person`: the actions that need a recently confirmed password, which is valid until
    `proved_until`. `csrf`: required for all requests of a session except GET.
    """

    handle: str
    role: str
    token: str | None
    may: list[str]
    in_person: list[str]
    proved_until: str | None
    csrf: str | None


class OpenSession(TypedDict):
    """An open session, valid until `ends_at` at the latest if unused.

    `current`: it is the session of this request. `how`: password or provider. `place`: the address
    where it began.
    """

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
    """An event in the sign-in log.

    It is a sign_in, a sign_out, a proof (a confirmed password) or a second (person, beside `by`).
    `result`: ok, wrong_password, no_account, disabled, or the fault in a provider's answer.
    `handle`: the account concerned, never the person who acted. `by`: the person who ended somebody
    else's session. For unknown names, only the first five attempts per address and day are listed;
    the refusals count all attempts.
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
    """The number of refusals of an action to somebody on a day (UTC).

    `about`: the subject of the last one.
    """

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
    """Refused actions, newest first."""

    items: list[Refused]
