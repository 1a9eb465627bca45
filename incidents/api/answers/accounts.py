"""The answers about who may come in."""

from __future__ import annotations

from incidents.api.answers.base import Answer


class Account(Answer):
    """An account; `disabled_at`: nobody comes in with it."""

    handle: str
    role: str
    made_at: str
    disabled_at: str | None


class Accounts(Answer):
    """All accounts."""

    items: list[Account]


class Token(Answer):
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


class Tokens(Answer):
    """Tokens, the newest first."""

    items: list[Token]


class Session(Answer):
    """Who asks, and what they may do: `in_person` after they have just proved who they are, which
    holds until `proved_until`. `csrf` goes with all but GET of a session."""

    handle: str
    role: str
    token: str | None
    may: list[str]
    in_person: list[str]
    proved_until: str | None
    csrf: str | None
