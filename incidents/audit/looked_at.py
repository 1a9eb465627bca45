"""What was looked at: all ranges of a log together, joined in the order of the log."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from incidents.audit.flaw import Flaw
from incidents.audit.leaf_check import Seen
from incidents.audit.streams import Streams, Stretch, misplaced
from incidents.audit.succession import Succession

Where = Callable[[int | None], str]
"""How people find an entry by its number in the log."""


@dataclass(slots=True)
class LookedAt:
    """The entries so far, the sites' streams, the desk's own acts, the policies that are named, and
    what is wrong. `roots` are those of the full lowest tiles; of each entry there are the site and
    the length, if they were asked for.
    """

    where: Where
    entries: int = 0
    streams: Streams = field(default_factory=Streams)
    succession: Succession = field(default_factory=Succession)
    policies: set[str] = field(default_factory=set)
    roots: bytearray = field(default_factory=bytearray)
    sites: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("H"))
    flaws: list[Flaw] = field(default_factory=list)

    def join(self, seen: Seen) -> None:
        """Takes what was seen of the next range."""
        self.entries += seen.entries
        self.roots += seen.roots
        self.policies |= seen.policies
        self.flaws += seen.flaws
        self.flaws += self.succession.take(seen.own)
        self.sites += seen.sites
        self.lengths += seen.lengths
        for site_id, stretch, wrong in self.streams.join(seen.streams):
            self.flaws.append(self._misplaced(site_id, stretch, wrong))

    def end(self) -> None:
        """There are no more: each site's stream must have begun with its first entry."""
        for site_id, stretch in self.streams.unbegun():
            wrong = f"it is entry {stretch.first} of {stretch.site!r}, and none is before it"
            self.flaws.append(self._misplaced(site_id, stretch, wrong))

    def trusted(self, size: int) -> int:
        """How many leaves, from the first, are as the tiles have them."""
        wrong = [flaw.leaf or 0 for flaw in self.flaws if flaw.part == "tree"]
        gone = [
            flaw.leaf for flaw in self.flaws if flaw.part == "entries" and flaw.leaf is not None
        ]
        return min([*wrong, *gone], default=size)

    def _misplaced(self, site_id: int, stretch: Stretch, wrong: str) -> Flaw:
        where = self.where(stretch.leaf)
        return misplaced(f"{site_id}-{stretch.first}", stretch.site, stretch.leaf, where, wrong)
