"""The succession of the log's keys, as the desk's own entries name them, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from incidents.audit.facts import Flaw, at_entry, at_leaf, cause_of
from incidents.audit.fold import NAME, UNREADABLE, Periods, describe
from incidents.audit.log import loss
from incidents.errors import Cause
from incidents.machine.events import Event
from incidents.record.entry import Header, decode
from incidents.record.own_events import CheckpointsThinned, HistoryResumed, LogKeyMade, LostEnd
from incidents.settings.retention import LEAST
from incidents.tlog.keys import KeyFormatError, VerifierKey


class KeyEntry(NamedTuple):
    """A key, the number of its entry in the desk's own stream, and the entry's place in the log."""

    key: VerifierKey
    seq: int
    leaf: int


@dataclass(slots=True)
class Succession:
    """The log's keys, oldest first, the periods of policies, and the resumptions after a loss.

    `thinned`: how many checkpoints were deleted on record.
    """

    made: list[KeyEntry] = field(default_factory=list)
    periods: Periods = field(default_factory=Periods)
    resumed: list[HistoryResumed] = field(default_factory=list)
    thinned: int = 0

    @property
    def lost_ends(self) -> list[LostEnd]:
        """The losses of the latest entries that are on record."""
        return [each.lost_end for each in loss.losses(self.resumed)]

    @property
    def keys(self) -> list[VerifierKey]:
        """The keys without their entries."""
        return [made.key for made in self.made]

    def active(self, size: int) -> VerifierKey | None:
        """The key that must sign a tree of that size: the key that its entries name last."""
        covered = [made.key for made in self.made if made.leaf < size]
        return covered[-1] if covered else None

    def take(self, own: Iterable[tuple[int, bytes]]) -> list[Flaw]:
        """Process the next entries of the desk, each with its leaf number; return their flaws."""
        flaws = []
        for leaf, body in own:
            try:
                header, event = decode(body.decode())
            except UNREADABLE as error:
                flaws.append(Flaw(
                    part="entries", where=at_leaf(leaf), what=describe(error), site=NAME, leaf=leaf
                ))  # fmt: skip
                continue
            if isinstance(event, HistoryResumed):
                self.resumed.append(event)
            wrong = self._key(header, event, leaf) or self._thinned(event)
            found = self.periods.take(header, event, leaf)
            if found is not None:
                wrong = found.found
            if wrong is not None:
                entry = f"{header.site_id}-{header.site_seq}"
                flaws.append(Flaw(
                    part="policy", where=at_entry(NAME, entry, leaf), what=wrong,
                    site=NAME, entry=entry, leaf=leaf,
                ))  # fmt: skip
        return flaws

    def _thinned(self, event: Event) -> str | None:
        if not isinstance(event, CheckpointsThinned):
            return None
        self.thinned += event.rows
        if event.recorded_at - event.before >= LEAST:
            return None
        young = "it deleted checkpoints of the last {days} days"
        return Cause.of("flaw_thinned_early", young, days=LEAST.days)

    def _key(self, header: Header, event: Event, leaf: int) -> str | None:
        if not isinstance(event, LogKeyMade):
            return None
        last = str(self.made[-1].key) if self.made else None
        if event.previous != last:
            return Cause.of(
                "flaw_other_key", "the key that signs is {last}, but it says {said}",
                last=last, said=event.previous,
            )  # fmt: skip
        try:
            key = VerifierKey.parse(event.key)
        except KeyFormatError as error:
            return cause_of(error)
        if self.made and key.name != self.made[0].key.name:
            return Cause.of(
                "flaw_key_name", "{key} is no key of this log, which is called {name!r}",
                key=str(key), name=self.made[0].key.name,
            )  # fmt: skip
        if key in self.keys:
            return Cause.of("flaw_key_before", "{key} has been the key before", key=str(key))
        self.made.append(KeyEntry(key, header.site_seq, leaf))
        return None
