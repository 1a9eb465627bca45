"""The documents about the record: how far its log is signed, its keys, what a proof has shown."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Facts
from incidents.contract.documents.enforcement import NotCompared


class Seen(TypedDict):
    """A witness, the number of entries it has countersigned, and when."""

    witness: str
    size: int
    at: str


class Resumed(TypedDict):
    """From what the record went on, and what is known to be missing of it: at least so many
    entries, null if none are."""

    at: str
    by: str
    epoch: int
    cause: str
    entries: int
    had: int | None
    signed: int | None
    missing: int | None


SigningTrouble = Literal["refused", "failed"]


class RecordResumed(TypedDict):
    """How the record went on last (`resumed`), how it did when something was missing last (`lost`),
    and each time before that (`lost_before`)."""

    resumed: Resumed | None
    lost: Resumed | None
    lost_before: list[Resumed]


class LogProgress(TypedDict):
    """How far the log is. `pending` is what no checkpoint covers: of that nothing can be proved.
    `signs`: somebody does what a daemon with the key does; `late`: an entry has waited too long;
    `trouble`: whether a signing was refused or has failed since the last one, and since when."""

    pending: int
    pending_since: str | None
    unnumbered: int
    numbered: int
    published: int
    signed_at: str | None
    key: str | None
    signs: bool
    witnesses: list[Seen]
    late: bool
    trouble: SigningTrouble | None
    trouble_since: str | None


class LogStatus(LogProgress):
    """How far the log is, and whether it is whole. `silent`: witnesses of the settings that have
    signed nothing; `ahead`: in which way the log is not what this server's key has signed,
    `uncompared`: why that cannot be told; `resumed`: how the record went on last, `lost`: how it
    did when something was missing last, `lost_before`: how it did each time before that."""

    silent: list[str]
    ahead: str | None
    uncompared: str | None
    resumed: Resumed | None
    lost: Resumed | None
    lost_before: list[Resumed]


class LogKey(TypedDict):
    """A key of the log as others check it (C2SP signed-note), by whom it was made, since when."""

    key: str
    since: str
    by: str
    signs: bool


class LogKeys(TypedDict):
    """The log's keys, the one that signs first."""

    items: list[LogKey]


class NewLogKey(TypedDict):
    """A new key of the log; the `file` that has its private half, or into which the one before was
    put away (`retired`)."""

    key: str
    file: NotRequired[str | None]
    retired: NotRequired[str | None]


class Recovery(TypedDict):
    """What going on from a record would do: how many `sites` by the verdict on them, and which are
    opened, closed in the world, taken down, or could not be compared."""

    sites: dict[str, int]
    opened: list[str]
    closed: list[str]
    taken_down: list[str]
    uncompared: list[NotCompared]


class WentOn(TypedDict):
    """From what a record went on, which key signs it, and where what was lost is kept."""

    epoch: int
    cause: str
    entries: int
    had: int | None
    signed: int | None
    key: str | None
    kept: str | None


class Recovered(WentOn):
    """A record that went on, and what was done with the sites."""

    sites: dict[str, int]
    opened: list[str]
    taken_down: list[str]
    uncompared: list[NotCompared]


class Checkpoint(TypedDict):
    """A checkpoint (C2SP tlog-checkpoint) to the byte, and how many entries it does not cover."""

    checkpoint: str
    pending: int


class EntryOnRecord(TypedDict):
    """An entry: the id of its row, its fields, and its text (docs/reference/entry.md)."""

    id: int
    entry: Facts
    body: str
    site_id: int
    seq: int


class Flaw(TypedDict):
    """A flaw in a log, and where it is."""

    part: str
    where: str
    what: str
    site: str | None
    entry: str | None
    leaf: int | None
    expected: str | None
    found: str | None


class Witnessed(TypedDict):
    """The number of entries that a witness has countersigned, and when."""

    size: int
    at: str


class Since(TypedDict):
    """The first `size` entries are those of the checkpoint that was verified before; so many
    `sites` were decided again."""

    where: str
    size: int
    sites: int


class LostEnd(TypedDict):
    """What a record says about having continued from an earlier state."""

    at: str
    epoch: int
    entries: int
    had: int | None
    signed: int | None


class Verdict(TypedDict):
    """What a verification has shown. `verified`: nothing is wrong, and a checkpoint is signed
    (`signed`). `size`, `root` (hexadecimal) and `origin` are the last checkpoint's, whose text is
    `note`; `trusted`: from where its key is known; `agreeing`: the checkpoints given that are of
    this history; `since`: the one that was verified before; `broken`: pairs of a key and of the one
    that took over without its signature.
    """

    verified: bool
    signed: bool
    kind: Literal["database", "bundle", "part"]
    entries: int
    sites: int
    pending: int
    pending_since: str | None
    checkpoints: int
    size: int | None
    root: str | None
    origin: str | None
    note: str | None
    key: str | None
    keys: list[str]
    trusted: Literal["outside", "inside"]
    witnesses: dict[str, Witnessed]
    agreeing: list[str]
    since: Since | None
    decided: bool
    policies: int
    lost_its_end: list[LostEnd]
    broken: list[list[str]]
    begun_late: int
    unfinished: int
    periods: bool
    extras: list[str]
    findings: list[Flaw]
    uncovered: int


class Difference(TypedDict):
    """A difference between the tables and the record: `expected` is what the record says."""

    site: str
    table: str
    row: str
    problem: str
    column: str | None
    expected: Any
    found: Any


class Derived(TypedDict):
    """The result of a replay; it proves nothing about `outside`, each with the reason."""

    sites: int
    entries: int
    findings: list[Difference]
    more: bool
    outside: dict[str, str]


class Proof(TypedDict):
    """One that was asked for: `entries` looked at so far, `of` about so many. Once it has ended
    there is what it has `shown`, or else it has `failed`, and the server's log says why."""

    by: str
    begun_at: str
    of: int
    entries: int
    ended_at: str | None
    failed: bool


class Verified(Proof):
    """A verification of the log."""

    shown: Verdict | None


class Replayed(Proof):
    """A replay of the record."""

    shown: Derived | None
