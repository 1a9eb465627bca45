"""The documents about the record: its log, its keys, and its proofs."""

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
    """A point from which the record continued after a loss or a move, and its known loss.

    `missing`: the least number of missing entries; null if none are known to be missing.
    """

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
    """The times when the record continued after a loss or a move.

    `resumed`: the last time. `lost`: the last time when entries were missing. `lost_before`: each
    earlier time when entries were missing.
    """

    resumed: Resumed | None
    lost: Resumed | None
    lost_before: list[Resumed]


class LogProgress(TypedDict):
    """The progress of the log.

    `pending`: the number of entries that no checkpoint covers, so nothing can be proved about them.
    `signs`: a daemon, or somebody in its place, signs the log. `late`: an entry has waited too
    long. `trouble`: whether a signing was refused or has failed since the last one, and since when.
    """

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
    """The status of the log: its progress, and whether it is complete.

    `silent`: the witnesses in the settings that have signed nothing. `ahead`: how the log differs
    from the last note that this server's key signed; `uncompared`: why the two cannot be compared.
    `resumed`, `lost` and `lost_before`: see RecordResumed.
    """

    silent: list[str]
    ahead: str | None
    uncompared: str | None
    resumed: Resumed | None
    lost: Resumed | None
    lost_before: list[Resumed]


class LogKey(TypedDict):
    """A key of the log for verification (C2SP signed-note), with its maker and its first use."""

    key: str
    since: str
    by: str
    signs: bool


class LogKeys(TypedDict):
    """The log's keys, the signing key first."""

    items: list[LogKey]


class NewLogKey(TypedDict):
    """A new key of the log.

    `file`: the file with its private key. `retired`: the file to which the previous private key was
    moved.
    """

    key: str
    file: NotRequired[str | None]
    retired: NotRequired[str | None]


class Recovery(TypedDict):
    """A preview of a recovery.

    `sites`: the number of sites by verdict. Also the sites that would be opened or taken down, that
    are actually closed, or that could not be compared.
    """

    sites: dict[str, int]
    opened: list[str]
    closed: list[str]
    taken_down: list[str]
    uncompared: list[NotCompared]


class WentOn(TypedDict):
    """The point from which a record continued, and the key that signs it.

    `kept`: the file with the last checkpoint of the previous key.
    """

    epoch: int
    cause: str
    entries: int
    had: int | None
    signed: int | None
    key: str | None
    kept: str | None


class Recovered(WentOn):
    """A record that continued after a loss, and the results for the sites."""

    sites: dict[str, int]
    opened: list[str]
    taken_down: list[str]
    uncompared: list[NotCompared]


class Checkpoint(TypedDict):
    """A checkpoint (C2SP tlog-checkpoint), byte for byte, and the number of entries not covered."""

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
    """An earlier checkpoint that was verified before: the first `size` entries are its entries.

    Only the decisions on `sites` sites were verified again.
    """

    where: str
    size: int
    sites: int


class LostEnd(TypedDict):
    """A record's own statement that it continued from an earlier state."""

    at: str
    epoch: int
    entries: int
    had: int | None
    signed: int | None


class Verdict(TypedDict):
    """The result of a verification.

    `verified`: nothing is wrong, and a checkpoint is signed (`signed`). `size`, `root`
    (hexadecimal) and `origin`: those of the last checkpoint, whose text is `note`. `trusted`: the
    source of its key. `agreeing`: the given checkpoints that belong to this history. `since`: the
    checkpoint verified before. `broken`: pairs of a key and its successor without a handover
    signature.
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
    """A difference between the tables and the record; `expected` is the value on record."""

    site: str
    table: str
    row: str
    problem: str
    column: str | None
    expected: Any
    found: Any


class Derived(TypedDict):
    """The result of a replay.

    `outside`: the parts about which it proves nothing, each with the reason.
    """

    sites: int
    entries: int
    findings: list[Difference]
    more: bool
    outside: dict[str, str]


class Proof(TypedDict):
    """A requested verification or replay.

    `entries` of about `of` entries are checked so far. Once it has ended, it has its result,
    `shown`; or it has `failed`, and the server's log has the reason.
    """

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
