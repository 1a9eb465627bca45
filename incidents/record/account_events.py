"""What is on record of accounts: who may sign in, how, and whom it refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine.event import Event, kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Event):
    """The fields that all actions on accounts have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMade(AccountEvent):
    """An action of the desk: the account `handle` was created with the role `role`."""

    kind = "account_made"
    handle: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGiven(AccountEvent):
    """An action of the desk: the account got a different role."""

    kind = "role_given"
    handle: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDisabled(AccountEvent):
    """An action of the desk: the account `handle` was disabled.

    Its password and tokens no longer work.
    """

    kind = "account_disabled"
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnabled(AccountEvent):
    """An action of the desk: a disabled account was enabled."""

    kind = "account_enabled"
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSet(AccountEvent):
    """An action of the desk: the account got a new password, and all its sessions ended.

    If another person set this or the previous password, the owner of the account does not count as
    a second person before `counts_from`. `kept` is the SHA-256 (hexadecimal) of the stored hash,
    and reveals nothing about the password.
    """

    kind = "password_set"
    handle: str
    counts_from: datetime | None = None
    kept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMade(AccountEvent):
    """An action of the desk: a token for `handle` was created, valid until `expires`.

    `acts` are the actions that the token allows; empty means all that the account's role may do.
    `digest` is the SHA-256 of the secret (hexadecimal).
    """

    kind = "token_made"
    token: str
    handle: str
    digest: str
    expires: datetime
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(AccountEvent):
    """An action of the desk: the token was revoked."""

    kind = "token_revoked"
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMade(AccountEvent):
    """An action of the desk: `handle` was invited to choose a password, until `expires`.

    `digest` is the SHA-256 of the invitation's secret (hexadecimal). Earlier invitations of the
    account that were still open are revoked.
    """

    kind = "invitation_made"
    invitation: str
    handle: str
    digest: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationUsed(AccountEvent):
    """An action of the desk: the invited person used the invitation, and chose a password."""

    kind = "invitation_used"
    invitation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRevoked(AccountEvent):
    """An action of the desk: the invitation was revoked."""

    kind = "invitation_revoked"
    invitation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorAdded(AccountEvent):
    """An action of the desk: `handle` added a second factor: totp or webauthn (`method`)."""

    kind = "factor_added"
    factor: str
    handle: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRemoved(AccountEvent):
    """An action of the desk: the second factor was removed, by its owner or an administrator."""

    kind = "factor_removed"
    factor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesMade(AccountEvent):
    """An action of the desk: `handle` got new recovery codes; earlier ones no longer work."""

    kind = "recovery_codes_made"
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRefused(AccountEvent):
    """An action of the desk: a signed-in person was denied `act` on `about`, because of `why`.

    `about` is an id or a name used by the desk; for a failed sign-in, the name that was tried. Only
    records from before revision 0011 have this event; since then refusals are counted outside the
    record.
    """

    kind = "access_refused"
    act: str
    why: str
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsRevealed(AccountEvent):
    """An action of the desk: somebody viewed the full numbers and addresses of `about`.

    `about` is an id or a name used by the desk.
    """

    kind = "details_revealed"
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedOpened(AccountEvent):
    """An action of the desk: somebody got the bytes of a file that may show child abuse.

    `about` is the report or the incident, `digest` the SHA-256 (hexadecimal) of the file. `text`:
    the reason.
    """

    kind = "sealed_opened"
    about: str
    digest: str
    text: str


KINDS = kinds(globals())
