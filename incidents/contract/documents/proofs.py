"""The documents about the proof of the record: verifications and replays, and what they found."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict


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
    """An earlier checkpoint, whose `size` entries were verified before.

    Only the decisions on `sites` sites were verified again.
    """

    where: str
    size: int
    sites: int


class LostEnd(TypedDict):
    """A statement in the record itself that it was resumed without its latest entries."""

    at: str
    epoch: int
    entries: int
    had: int | None
    signed: int | None


class Verdict(TypedDict):
    """The result of a verification.

    `verified`: nothing is wrong, and a checkpoint is signed (`signed`). `size`, `root`
    (hexadecimal) and `origin` describe the last checkpoint, whose text is `note`. `trusted`:
    whether the key of the checkpoint comes from outside or from inside the data. `agreeing`: the
    given checkpoints that belong to this history. `since`: the checkpoint that was verified before.
    `broken`: each pair of a key and the next one without a handover signature.
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
    # If there are parts.
    archive: NotRequired[Archiving]


class Archiving(TypedDict):
    """How many parts the archive has, and how many of them a verification read."""

    parts: int
    read: int


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

    `outside`: the parts about which the replay proves nothing, each with the reason.
    """

    sites: int
    entries: int
    findings: list[Difference]
    more: bool
    outside: dict[str, str]


class Proof(TypedDict):
    """A requested verification or replay.

    `entries`: how many of about `of` entries have been checked. At the end, the result is in
    `shown`; if the check `failed`, the reason is in the server's log.
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
