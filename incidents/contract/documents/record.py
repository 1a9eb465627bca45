"""The documents about the record: its log, its keys, its entries, and its archive."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Facts
from incidents.contract.documents.enforcement import NotCompared


class Seen(TypedDict):
    """A witness, the number of entries that it has countersigned, and when."""

    witness: str
    size: int
    at: str


class Resumed(TypedDict):
    """A point at which the record was resumed after a loss or a move, and the known loss.

    `missing`: the minimum number of missing entries; null if none are known to be missing.
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
    """The points at which the record was resumed after a loss or a move.

    `resumed`: the latest of these points. `lost`: the latest one at which entries were missing.
    `lost_before`: the earlier ones at which entries were missing.
    """

    resumed: Resumed | None
    lost: Resumed | None
    lost_before: list[Resumed]


class LogProgress(TypedDict):
    """The progress of the log.

    `pending`: the number of entries that no checkpoint covers, so nothing can be proved about them.
    `signs`: whether a daemon, or a person in its place, signs the log. `late`: whether an entry has
    waited too long. `trouble` and `trouble_since`: whether and since when signing has been refused
    or has failed.
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
    from the last note that this server's key signed. `uncompared`: why the log cannot be compared
    with that note. `resumed`, `lost` and `lost_before`: see RecordResumed.
    """

    silent: list[str]
    ahead: str | None
    uncompared: str | None
    resumed: Resumed | None
    lost: Resumed | None
    lost_before: list[Resumed]


class LogKey(TypedDict):
    """A public key of the log (C2SP signed-note).

    `since` and `by`: when and by whom the key was first put on record. `signs`: whether it is the
    current signing key.
    """

    key: str
    since: str
    by: str
    signs: bool


class LogKeys(TypedDict):
    """The log's keys, the signing key first."""

    items: list[LogKey]


class NewLogKey(TypedDict):
    """A new key of the log.

    `file`: the file with the private key. `retired`: the file to which the previous private key was
    moved.
    """

    key: str
    file: NotRequired[str | None]
    retired: NotRequired[str | None]


class Recovery(TypedDict):
    """A preview of a recovery.

    `new_key`: whether a new key would sign. `signed`: how many entries the old key signed, if some
    of these are known to be missing.
    `sites`: the number of sites by verdict. The lists name the sites that would be opened, that are
    actually closed, that would be taken down, and that could not be compared.
    """

    new_key: bool
    signed: int | None
    sites: dict[str, int]
    opened: list[str]
    closed: list[str]
    taken_down: list[str]
    uncompared: list[NotCompared]


class WentOn(TypedDict):
    """The point at which a record was resumed, and the key that now signs the record.

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
    """A record that was resumed after a loss, and the results for the sites."""

    sites: dict[str, int]
    opened: list[str]
    taken_down: list[str]
    uncompared: list[NotCompared]


class Checkpoint(TypedDict):
    """A checkpoint (C2SP tlog-checkpoint), byte for byte.

    `pending`: the number of entries that the checkpoint does not cover.
    """

    checkpoint: str
    pending: int


class EntryOnRecord(TypedDict):
    """An entry of the record (docs/reference/entry.md).

    `id`: the ID of the row. `entry`: the fields of the entry. `body`: the exact text of the entry.
    """

    id: int
    entry: Facts
    body: str
    site_id: int
    seq: int


class ArchivedPart(TypedDict):
    """A part of the archive: the log's entries `first` to before `end`.

    `since`, `until`: when its first and last entries were recorded. `file`: its name in the
    archive's folder, of `size` bytes with that SHA-256 (hexadecimal); all three are null in a dry
    run.
    """

    first: int
    end: int
    since: str
    until: str
    file: str | None
    size: int | None
    digest: str | None


class ArchiveEnd(TypedDict):
    """Why no further part is made.

    `at`: when the last entry of the next part was recorded. `order`: the order that is not settled.
    """

    why: Literal["too_few", "too_young", "not_signed", "unsettled"]
    at: str | None
    order: str | None


class Archived(TypedDict):
    """The result of archiving."""

    parts: list[ArchivedPart]
    end: ArchiveEnd
