"""The desk's own acts on record, in the stream that belongs to no site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyActivated(Event):
    """The desk's own act: `policy` is active from now on, in place of `previous`.

    `toml` is the policy's file and `text` the reason, a reference to a sealed value.
    """

    kind = "policy_activated"
    previous: str
    toml: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeyMade(Event):
    """The desk's own act: `key` signs the checkpoints of the log from now on, in place of
    `previous`, which the first one does not have. Both are public (C2SP signed-note).
    """

    kind = "log_key_made"
    key: str
    previous: str | None = None
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


KINDS: dict[str, type[Event]] = {
    act.kind: act for act in (PolicyActivated, LogKeyMade, WordsErased)
}
