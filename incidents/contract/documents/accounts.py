"""The documents about accounts, tokens, sessions and sign-ins."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Account(TypedDict):
    """An account.

    `disabled_at`: when the account was disabled; null if it is enabled. `password_set_at`: null if
    the account has no password. `password_counts_from`: until this time, the account's owner cannot
    act as a second person, because `password_given_by` knows the password. `last_seen_at`: the last
    sign-in, or the last use of an open session. `second_factors`: the kinds of second factors that
    the sign-in asks for, totp or webauthn; empty for the password alone.
    """

    handle: str
    role: str
    made_at: str
    disabled_at: str | None
    password_set_at: NotRequired[str | None]
    password_given_by: NotRequired[str | None]
    password_counts_from: NotRequired[str | None]
    last_seen_at: NotRequired[str | None]
    second_factors: NotRequired[list[str]]


class Accounts(TypedDict):
    """All accounts."""

    items: list[Account]


class Token(TypedDict):
    """A token, by its ID.

    `acts`: the actions that the token allows; null if it allows all actions of its account.
    """

    id: str
    handle: str
    acts: list[str] | None
    made_at: str
    expires_at: str
    revoked_at: str | None


class NewToken(Token):
    """A new token; `secret` is shown only this once."""

    secret: str


class Tokens(TypedDict):
    """Tokens, newest first."""

    items: list[Token]


class Invitation(TypedDict):
    """An invitation, by its ID.

    `by`: the person who made it. `state`: open, used, revoked or expired.
    """

    id: str
    handle: str
    role: str
    by: str
    made_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None
    state: str


class NewInvitation(Invitation):
    """A new invitation; `path`, with its secret, is shown only this once.

    The person opens the path at the address of the console.
    """

    path: str


class Invitations(TypedDict):
    """Invitations, newest first."""

    items: list[Invitation]


class Session(TypedDict):
    """The current user and their permissions.

    `in_person`: the actions that need a recently confirmed password. `proved_until`: when the
    confirmation of the password expires. `csrf`: the token that every request of the session needs,
    except GET.
    """

    handle: str
    role: str
    token: str | None
    may: list[str]
    in_person: list[str]
    proved_until: str | None
    csrf: str | None


class OpenSession(TypedDict):
    """An open session.

    `ends_at`: when the session ends if nobody uses it. `current`: whether this request belongs to
    the session. `how`: password, provider, invitation, or the second factor beside the password:
    totp, webauthn or recovery. `place`: the address from which the user signed in.
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
    """Sessions, newest first."""

    items: list[OpenSession]


class SignIn(TypedDict):
    """An event in the sign-in log.

    `what`: sign_in, sign_out, proof (a confirmed password) or second (a second person signed in
    beside the first, `by`). `result`: ok, wrong_password, factor_needed (the right password,
    still without a second factor), wrong_code, no_account, disabled, or the fault in a provider's
    answer. `handle`: the account concerned, never the person who acted. `by`: the first
    of two people, or the person who ended somebody else's session. For unknown names, the log lists
    only the first five attempts per address and day; the refusals count all attempts.
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
    """A page of the sign-in log, newest first."""

    items: list[SignIn]
    next: str | None


class Refused(TypedDict):
    """How often an action was refused to somebody on one day (UTC).

    `about`: the subject of the last refusal.
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
