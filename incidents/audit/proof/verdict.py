"""The verdict: the result of a verification, compared with keys and checkpoints kept elsewhere."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import Engine

from incidents.audit.facts import Flaw, cause_of
from incidents.audit.log import sequencer
from incidents.audit.proof.signed_check import Held, Roots, Witnessed, flaw
from incidents.audit.proof.site_check import Since
from incidents.errors import Cause, IncidentsError, VerificationError
from incidents.record.own_events import LostEnd
from incidents.store.database.engine import plainly, reading
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Checkpoint, CheckpointError, NoteError
from incidents.tlog.proof import root_at

if TYPE_CHECKING:
    from incidents.contract.documents import proofs


class HeldCheckpointError(VerificationError):
    """{file} holds a checkpoint of {origin} of {size} entries, but this log of {now} does not begin
    with them. The file was not changed: check it with `incidents audit verify --checkpoint`, and
    name another file for the new checkpoint"""


class UncomparedCheckpointError(VerificationError):
    """{file} holds a checkpoint of {origin} of {size} entries, and this command cannot tell whether
    the log still begins with them. The file was not changed: check it with `incidents audit verify
    --checkpoint`, and name another file for the new checkpoint"""


def check_grown(engine: Engine, file: str, new: str) -> None:
    """Check that `new`, a signed checkpoint of the log, extends the checkpoint in the file.

    A file without a checkpoint is ignored.

    Raises:
        HeldCheckpointError: if `new` does not extend it.
    """
    held, now = _read(Path(file)), note.checkpoint_of(new)
    if held is None:
        return
    if held.origin == now.origin and held.size <= now.size:
        with plainly(engine), reading(engine) as connection:
            if root_at(sequencer.nodes(connection, now.size), held.size) == held.root:
                return
    raise HeldCheckpointError(file=file, origin=held.origin, size=held.size, now=now.size)


def check_same(file: str, new: str) -> None:
    """Check, without the log's entries, that `new` equals the checkpoint in the file.

    Raises:
        UncomparedCheckpointError: if the file holds another checkpoint.
    """
    held, now = _read(Path(file)), note.checkpoint_of(new)
    if held is not None and held != now:
        raise UncomparedCheckpointError(file=file, origin=held.origin, size=held.size)


def _read(file: Path) -> Checkpoint | None:
    try:
        return note.checkpoint_of(file.read_bytes())
    except (OSError, ValueError, NoteError, CheckpointError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """What the caller knows: keys of the log, witnesses, and checkpoints kept elsewhere.

    All entries before the checkpoint `since` were verified earlier. If `policy` is false, no
    decision is repeated.
    """

    keys: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    held: tuple[Held, ...] = ()
    since: Held | None = None
    policy: bool = True

    @property
    def compared(self) -> tuple[Held, ...]:
        """All checkpoints that the log is compared with."""
        return self.held if self.since is None else (*self.held, self.since)


def usable_since(options: VerifyOptions, agreeing: Sequence[str]) -> Held | None:
    """The checkpoint before which nothing must be verified again, if the log agrees with it."""
    since = options.since
    return None if since is None or since.where not in agreeing else since


def since_of(before: Held | None, again: int) -> Since | None:
    """Describe the earlier verification; `again`: how many sites were decided again."""
    return None if before is None else Since(before.where, before.checkpoint.size, again)


_UNKNOWN_KEY = "you named it as a key of the log, but the log has no such key"
_NOT_HANDED_OVER = "it signed after {old}, which has not handed over to it"
_SILENT_WITNESS = "this witness has signed none of these checkpoints"


def key_flaws(
    options: VerifyOptions, signed: Sequence[VerifierKey], broken: Sequence[tuple[str, str]]
) -> list[Flaw]:
    """Find the flaws if the keys that the caller knows do not lead to the last signer.

    `signed`: the log's keys up to the last signer, the oldest first. `broken`: pairs of successive
    keys that have not signed a checkpoint together.
    """
    flaws = [
        flaw(str(key), Cause.of("flaw_unknown_key", _UNKNOWN_KEY))
        for key in options.keys
        if key not in signed
    ]
    known = [place for place, key in enumerate(signed) if key in options.keys]
    newer = set(map(str, signed[known[-1] + 1 :])) if known else set()
    flaws += [
        flaw(new, Cause.of("flaw_not_handed_over", _NOT_HANDED_OVER, old=old))
        for old, new in broken
        if new in newer
    ]
    return flaws


def witness_flaws(options: VerifyOptions, witnessed: Container[str]) -> list[Flaw]:
    """Find the witnesses that the caller knows but that have not signed."""
    return [
        flaw(str(witness), Cause.of("flaw_silent_witness", _SILENT_WITNESS))
        for witness in options.witnesses
        if str(witness) not in witnessed
    ]


def held_flaws(
    options: VerifyOptions, keys: Sequence[VerifierKey], roots: Roots
) -> tuple[list[Flaw], list[str]]:
    """Find the flaws of the caller's checkpoints, and name those with which the log agrees."""
    flaws, agreeing = [], []
    for held in options.compared:
        stranger = _foreign_flaw(held, keys)
        if stranger is not None:
            flaws.append(stranger)
            continue
        found = roots.wrong(held.checkpoint, held.where, held=True)
        if found is None and held.checkpoint.size > roots.trusted:
            wrong_before = "it cannot be compared: the log is wrong before its end"
            found = flaw(held.where, Cause.of("flaw_wrong_before", wrong_before))
        both = (found, signature_flaw(held, [*options.keys, *keys]))
        wrong = [each for each in both if each is not None]
        flaws += wrong
        if not wrong:
            agreeing.append(held.where)
    return flaws, agreeing


def _foreign_flaw(held: Held, keys: Sequence[VerifierKey]) -> Flaw | None:
    """The flaw of a checkpoint of another log, which proves nothing about this log."""
    origin = held.checkpoint.origin
    if not keys or origin in {key.name for key in keys}:
        return None
    what = Cause.of(
        "flaw_stranger", "it belongs to another log, {origin}; this log is {name}",
        origin=origin, name=keys[-1].name,
    )  # fmt: skip
    return flaw(held.where, what)


def signature_flaw(held: Held, keys: Sequence[VerifierKey]) -> Flaw | None:
    """The flaw of a checkpoint kept elsewhere whose signatures are wrong."""
    try:
        note.verified_keys(held.note, list(dict.fromkeys(keys)))
    except IncidentsError as error:
        return flaw(held.where, cause_of(error))
    return None


Kind = Literal["database", "bundle", "part"]


class Archived(NamedTuple):
    """The number of the archive's parts, and of those whose entries were read."""

    parts: int = 0
    read: int = 0


_ORDER = ("bundle", "entries", "tree", "checkpoints", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a verification.

    `size`, `root` (hexadecimal) and `origin` belong to the last checkpoint, which `key` has signed
    and whose text is `note`. `trusted`: where that key comes from. `since`: the checkpoint that was
    verified earlier, if the log agrees with it. `pending`: the number of entries without a number,
    the oldest recorded at `pending_since` (RFC 3339, UTC). `agreeing`: the caller's checkpoints
    with which the log agrees. `lost_its_end`: the recorded losses of latest entries. `broken`:
    pairs of successive keys that have not signed a checkpoint together. `begun_late`: the number of
    sites that were not decided again, because the part lacks their first entry. `unfinished`: the
    number of sites whose last action may continue after the end of the bundle. `periods`: whether
    the active policies are known. `extras`: files that nothing depends on. `archive`: its parts.
    """

    kind: Kind
    entries: int
    sites: int
    pending: int = 0
    pending_since: str | None = None
    checkpoints: int
    size: int | None
    root: str | None
    origin: str | None
    note: str | None = None
    key: str | None
    keys: tuple[str, ...]
    trusted: Literal["outside", "inside"]
    witnesses: Mapping[str, Witnessed]
    agreeing: tuple[str, ...]
    since: Since | None = None
    decided: bool
    policies: int
    lost_its_end: tuple[LostEnd, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    begun_late: int = 0
    unfinished: int = 0
    periods: bool = True
    extras: tuple[str, ...] = ()
    archive: Archived = field(default=Archived(0, 0))
    findings: tuple[Flaw, ...] = field(default=())

    @classmethod
    def of(
        cls,
        *,
        last: Held | None,
        key: VerifierKey | None,
        keys: Sequence[VerifierKey],
        agreeing: Sequence[str],
        broken: Sequence[tuple[str, str]] = (),
        findings: Sequence[Flaw],
        **rest: Any,
    ) -> Verdict:
        """Make a verdict, with its findings sorted by place."""
        return cls(
            size=None if last is None else last.checkpoint.size,
            root=None if last is None else last.checkpoint.root.hex(),
            origin=None if last is None else last.checkpoint.origin,
            note=None if last is None else str(last.note),
            key=None if key is None else str(key),
            keys=tuple(map(str, keys)),
            agreeing=tuple(agreeing),
            broken=tuple(broken),
            findings=tuple(sorted(findings, key=_place)),
            **rest,
        )

    @property
    def uncovered(self) -> int:
        """The number of entries that have a number but that no checkpoint covers."""
        return max(0, self.entries - self.pending - (self.size or 0))

    @property
    def unsigned(self) -> int:
        """The number of entries that no checkpoint covers, with or without a number."""
        return self.pending + self.uncovered

    def document(self) -> proofs.Verdict:
        """The verdict as JSON."""
        since = self.since
        found: proofs.Verdict = {
            "verified": self.key is not None and not self.findings,
            "signed": self.key is not None,
            "kind": self.kind,
            "entries": self.entries,
            "sites": self.sites,
            "pending": self.pending,
            "pending_since": self.pending_since,
            "checkpoints": self.checkpoints,
            "size": self.size,
            "root": self.root,
            "origin": self.origin,
            "note": self.note,
            "key": self.key,
            "keys": list(self.keys),
            "trusted": self.trusted,
            "witnesses": {
                key: {"size": seen.size, "at": seen.at} for key, seen in self.witnesses.items()
            },
            "agreeing": list(self.agreeing),
            "since": since and {"where": since.where, "size": since.size, "sites": since.sites},
            "decided": self.decided,
            "policies": self.policies,
            "lost_its_end": [
                {
                    "at": lost.at, "epoch": lost.epoch, "entries": lost.entries, "had": lost.had,
                    "signed": lost.signed,
                }
                for lost in self.lost_its_end
            ],
            "broken": list(map(list, self.broken)),
            "begun_late": self.begun_late,
            "unfinished": self.unfinished,
            "periods": self.periods,
            "extras": list(self.extras),
            "findings": [each.document() for each in self.findings],
            "uncovered": self.uncovered,
        }  # fmt: skip
        if self.archive.parts:
            found["archive"] = {"parts": self.archive.parts, "read": self.archive.read}
        return found


def _place(found: Flaw) -> tuple[int, float]:
    return _ORDER.index(found.part), float("inf") if found.leaf is None else found.leaf
