"""The desk's own actions on record, in the stream that belongs to no site."""

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
    is the second person who signed in, if `previous` requires two people to close.
    """

    kind = "policy_activated"
    previous: str
    toml: str
    text: str
    seconded_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeyMade(Event):
    """An action of the desk: `key` now signs the checkpoints of the log.

    It replaces `previous`, which is missing for the first key. Both are public (C2SP signed-note).
    `lost`: the previous key signed no handover, because nobody has it or because it signed lost
    entries.
    """

    kind = "log_key_made"
    key: str
    previous: str | None = None
    lost: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsErased(Event):
    """The desk erased text that people wrote and that was sealed before `before`.

    `of`: the site; None for all sites. `files`: the number of evidence files erased. `text`: the
    reason.
    """

    kind = "words_erased"
    before: datetime
    words: int
    files: int
    of: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInsErased(Event):
    """The desk replaced people in the log of sign-ins with pseudonyms.

    The log is not part of the record. Pseudonyms replace the person and the address in `rows` rows
    from before `before`. `text`: the reason.
    """

    kind = "sign_ins_erased"
    before: datetime
    rows: int
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointsThinned(Event):
    """The desk deleted old checkpoints of its log, of which it keeps one an hour, later one a day.

    The `rows` checkpoints were signed before `before`. The log proves the same as before.
    """

    kind = "checkpoints_thinned"
    before: datetime
    rows: int


class LostEnd(NamedTuple):
    """A loss of the latest entries, as the record states it: when (RFC 3339, UTC), and the epoch.

    The other fields are those of `HistoryResumed`.
    """

    at: str
    epoch: int
    entries: int
    had: int | None
    signed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResumed(Event):
    """An action of the desk: this database continues from its present entries.

    The numbers of orders to the live system are above all earlier numbers, because `epoch` precedes
    them.

    `cause`: `another_server` (a failover, or a restore to an earlier moment or into another
    server), `entries_lost` (the last entries for which orders were carried out, or which were
    signed, are missing) or `asked`. `entries` is the number of the newest entry here, `had` the
    number of the newest entry known to have been here; `signed` is the number of entries in the
    last known checkpoint, if the log has fewer or different entries. `since`: notices of entries
    recorded after that time also use the new numbers; earlier notices keep their own. `text` is the
    reason, a reference to a sealed value.
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
        """Whether entries are known to be missing."""
        return self.cause == "entries_lost" or (self.had, self.signed) != (None, None)

    @property
    def lost_end(self) -> LostEnd:
        """The loss, in the form that a verdict uses."""
        at = rfc3339(self.recorded_at)
        return LostEnd(at, self.epoch, self.entries, self.had, self.signed)


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
class ServeKeyMade(Event):
    """An action of the desk: a new key seals the credentials.

    `key` is the SHA-256 (hexadecimal) of the new key; `tokens` and `passwords` are the numbers of
    existing credentials that it seals. All sessions ended. `text` is the reason, a reference to a
    sealed value; the first start of a server gives none.
    """

    kind = "serve_key_made"
    key: str
    tokens: int
    passwords: int
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvent(Event):
    """The fields that all actions on reports have: the number of the `report`."""

    report: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived(ReportEvent):
    """An action of the desk: a report came in by `channel`, and is kept unchanged.

    `digest` is the SHA-256 (hexadecimal) of its `size` bytes; `kept`: that of its first bytes, if
    it is too long to keep all. `format`: what it was read as. `unread`: why it could not be read.
    `text` is what was read out of it, as JSON, a reference to a sealed value. `same_id_as`: an
    earlier report with the same Message-ID and other bytes.
    """

    kind = "report_received"
    digest: str
    size: int
    channel: str
    format: str
    text: str
    kept: str | None = None
    unread: str | None = None
    same_id_as: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLogged(ReportEvent):
    """An action of the desk: the report was logged as a new incident, `about` (`12-3`)."""

    kind = "report_logged"
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportJoined(ReportEvent):
    """An action of the desk: the report is `about` an incident on record (`12-3`)."""

    kind = "report_joined"
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDismissed(ReportEvent):
    """An action of the desk: the report leads to no incident, for the reason `text`.

    `not_ours`: because it is about nothing that this provider hosts. `text` is a reference to a
    sealed value.
    """

    kind = "report_dismissed"
    text: str
    not_ours: bool = False


KINDS = kinds(globals())
