"""The desk's own actions on record, in the stream that belongs to no site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from incidents.clock import rfc3339
from incidents.machine.event import Event, kinds
from incidents.record import account_events, report_events


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


KINDS = {**kinds(globals()), **account_events.KINDS, **report_events.KINDS}
