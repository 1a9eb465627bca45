"""The desk's own acts on record, in the stream that belongs to no site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from incidents.clock import rfc3339
from incidents.machine.event import Event, kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyActivated(Event):
    """An action of the desk: `policy` was activated and replaces `previous`.

    `toml` is the policy's file and `text` the reason, a reference to a sealed value. `seconded_by`
    is the second person who signed in, where `previous` requires two people to close.
    """

    kind = "policy_activated"
    previous: str
    toml: str
    text: str
    seconded_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeyMade(Event):
    """An action of the desk: `key` now signs the checkpoints of the log and replaces `previous`,
    which the first key lacks. Both are public (C2SP signed-note). `lost`: the previous key signed
    no handover, because nobody has it or because it signed entries that are lost."""

    kind = "log_key_made"
    key: str
    previous: str | None = None
    lost: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsErased(Event):
    """The desk's own act: people's own words that were sealed before `before` are erased, of the
    site `of` or, without it, of all; with so many evidence files. `text` is the reason.
    """

    kind = "words_erased"
    before: datetime
    words: int
    files: int
    of: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInsErased(Event):
    """The desk's own act: in the log of sign-ins, which is no part of the record, pseudonyms stand
    for who it was and from where, in so many `rows` from before `before`. `text` is the reason.
    """

    kind = "sign_ins_erased"
    before: datetime
    rows: int
    text: str | None = None


class LostEnd(NamedTuple):
    """What a record says itself of having gone on from less: when (RFC 3339, UTC), in which epoch,
    and the rest as `HistoryResumed` has it."""

    at: str
    epoch: int
    entries: int
    had: int | None
    signed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResumed(Event):
    """The desk's own act: this database goes on from what it has. The numbers under which orders go
    into the world are above all that were given before: `epoch` stands before them.

    `cause`: `another_server` (a failover, or a restore to an earlier moment or into another
    server), `entries_lost` (of what orders were carried out for, or what was signed, the end is
    missing) or `asked`. `entries` is the number of the newest entry that is here, `had` that of the
    newest that is known to have been here; `signed` is how many entries the last checkpoint had
    that is known, where the log has fewer or others. `since`: what tells somebody of something that
    was recorded after that goes out under the new numbers too; what was recorded before keeps its
    own. `text` is the reason, a reference to a sealed value.
    """

    kind = "history_resumed"
    epoch: int
    cause: str
    entries: int
    since: datetime
    had: int | None = None
    signed: int | None = None
    text: str | None = None

    @property
    def is_loss(self) -> bool:
        """Whether something is known to be missing."""
        return self.cause == "entries_lost" or (self.had, self.signed) != (None, None)

    @property
    def lost_end(self) -> LostEnd:
        """As it is told of a loss."""
        at = rfc3339(self.recorded_at)
        return LostEnd(at, self.epoch, self.entries, self.had, self.signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAct(Event):
    """The fields that all actions on accounts have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMade(AccountAct):
    """An action of the desk: the account `handle` was created with the role `role`."""

    kind = "account_made"
    handle: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGiven(AccountAct):
    """An action of the desk: the account has another role."""

    kind = "role_given"
    handle: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDisabled(AccountAct):
    """An action of the desk: the account `handle` was disabled; its password and tokens no longer
    work."""

    kind = "account_disabled"
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnabled(AccountAct):
    """An action of the desk: a disabled account was enabled."""

    kind = "account_enabled"
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSet(AccountAct):
    """The desk's own act: the account has a new password, and all its sessions have ended. Somebody
    else has set it, or the one that is replaced: before `counts_from` it makes no second person.
    `kept` is the SHA-256 of what is kept of it (hexadecimal), which tells nothing of the password.
    """

    kind = "password_set"
    handle: str
    counts_from: datetime | None = None
    kept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMade(AccountAct):
    """An action of the desk: a token of `handle` was created, valid until `expires`; `acts` are the
    actions it allows, none meaning all that the account's role may do. `digest` is the SHA-256 of
    the secret (hexadecimal)."""

    kind = "token_made"
    token: str
    handle: str
    digest: str
    expires: datetime
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(AccountAct):
    """An action of the desk: the token was revoked."""

    kind = "token_revoked"
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRefused(AccountAct):
    """An action of the desk: a signed-in person was denied `act` on `about` (an id or a name of the
    desk's), because of `why`. For a failed sign-in: the name that was tried. Only records from
    before revision 0011 have it; since then refusals are counted outside the record."""

    kind = "access_refused"
    act: str
    why: str
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsRevealed(AccountAct):
    """An action of the desk: somebody viewed the full numbers and addresses of `about` (an id or a
    name of the desk's)."""

    kind = "details_revealed"
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeKeyMade(Event):
    """The desk's own act: the key whose SHA-256 (hexadecimal) is `key` seals what lets people in
    from now on: so many tokens and passwords that were there. All sessions have ended. `text` is
    the reason, a reference to a sealed value; the first start of a server gives none.
    """

    kind = "serve_key_made"
    key: str
    tokens: int
    passwords: int
    text: str | None = None


KINDS = kinds(globals())
