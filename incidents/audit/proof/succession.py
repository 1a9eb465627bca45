"""The succession: the keys of the log, one after the other, as the desk's own entries name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from incidents.audit.flaw import Flaw
from incidents.audit.log import loss
from incidents.audit.replay.fold import UNREADABLE, said
from incidents.audit.replay.periods import Periods
from incidents.machine.events import Event
from incidents.record.entry import Header, decode
from incidents.record.own_events import HistoryResumed, LogKeyMade, LostEnd
from incidents.tlog.keys import KeyFormatError, VerifierKey

NAME = "the desk"


class Made(NamedTuple):
    """A key, its entry's number in the desk's own stream, and that entry's place in the log."""

    key: VerifierKey
    seq: int
    leaf: int


@dataclass(slots=True)
class Succession:
    """The keys, the oldest first; beside them the policies, from one activation to the next, and
    each time that the record had to go on from less than it was."""

    made: list[Made] = field(default_factory=list)
    periods: Periods = field(default_factory=Periods)
    texts: dict[str, str] = field(default_factory=dict)
    resumed: list[HistoryResumed] = field(default_factory=list)

    @property
    def lost_ends(self) -> list[LostEnd]:
        """Each time that the record says that it lost its end."""
        return [each.lost_end for each in loss.losses(self.resumed)]

    @property
    def keys(self) -> list[VerifierKey]:
        """The keys alone."""
        return [made.key for made in self.made]

    def active(self, size: int) -> VerifierKey | None:
        """The key that signs a tree of that size: the last one that an entry in it names."""
        covered = [made.key for made in self.made if made.leaf < size]
        return covered[-1] if covered else None

    def take(self, own: Iterable[tuple[int, bytes]]) -> list[Flaw]:
        """The next of the desk's own entries, each with its leaf; what is wrong with them."""
        flaws = []
        for leaf, body in own:
            try:
                header, event = decode(body.decode())
            except UNREADABLE as error:
                flaws.append(Flaw(
                    part="entries", where=f"leaf {leaf}", what=said(error), site=NAME, leaf=leaf
                ))  # fmt: skip
                continue
            if isinstance(event, HistoryResumed):
                self.resumed.append(event)
            wrong = self._key(header, event, leaf)
            found = self.periods.take(header, event, leaf)
            if found is not None:
                wrong = str(found.found)
            if wrong is not None:
                entry = f"{header.site_id}-{header.site_seq}"
                flaws.append(Flaw(
                    part="policy", where=f"{NAME}, entry {entry}, leaf {leaf}", what=wrong,
                    site=NAME, entry=entry, leaf=leaf,
                ))  # fmt: skip
        return flaws

    def _key(self, header: Header, event: Event, leaf: int) -> str | None:
        if not isinstance(event, LogKeyMade):
            return None
        last = str(self.made[-1].key) if self.made else None
        if event.previous != last:
            return f"the key that signs is {last}, and it says {event.previous}"
        try:
            key = VerifierKey.parse(event.key)
        except KeyFormatError as error:
            return error.message
        if self.made and key.name != self.made[0].key.name:
            return f"{key} is no key of this log, which is called {self.made[0].key.name!r}"
        if key in self.keys:
            return f"{key} has been the key before"
        self.made.append(Made(key, header.site_seq, leaf))
        return None
