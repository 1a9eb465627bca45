"""The verdict: what a verification has shown of a log, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from incidents.audit.flaw import Flaw
from incidents.audit.proof.later_part import Since
from incidents.audit.proof.signed_check import Held, Witnessed
from incidents.record.own_events import LostEnd
from incidents.tlog.keys import VerifierKey

Kind = Literal["database", "bundle", "part"]

_ORDER = ("bundle", "entries", "tree", "checkpoints", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found.

    `size`, `root` (hexadecimal) and `origin` are those of the last checkpoint, which `key` has
    signed and whose text is `note`; `trusted` says where that key is known from. `since` is the
    checkpoint that was verified before, if any was and the log agrees with it. `pending` entries
    have no number, the oldest of them since then (RFC 3339, UTC). `agreeing` are the held
    checkpoints that agree. `lost_its_end` is what the record says itself of that. `broken` are
    pairs of a key and of the one that took over without its signature. `begun_late` are the sites
    of a part whose first entry is not in it, which for that reason were not decided again;
    `unfinished` those whose last act may go on after the end of a bundle. `periods` says whether it
    is known which policy was active; `extras` are files that nothing rests on.
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
        """The verdict, its findings in the order of what was looked at."""
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
        """How many entries are numbered, and in no checkpoint."""
        return max(0, self.entries - self.pending - (self.size or 0))

    def document(self) -> dict[str, Any]:
        """For programs."""
        found = asdict(self)
        found["findings"] = [asdict(flaw) for flaw in self.findings]
        found["lost_its_end"] = [each._asdict() for each in self.lost_its_end]
        found["since"] = None if self.since is None else self.since._asdict()
        found["witnesses"] = {key: seen._asdict() for key, seen in self.witnesses.items()}
        return {"verified": not self.findings, **found, "uncovered": self.uncovered}


def _place(flaw: Flaw) -> tuple[int, float]:
    return _ORDER.index(flaw.part), float("inf") if flaw.leaf is None else flaw.leaf
