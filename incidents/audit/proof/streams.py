"""The streams: that of no site an entry is missing between two others, in the order of the log.

A site's entries stand in the log in the order of their own numbers, for the next one is written
when the one before it is committed. So one look at each entry, in the log's order, is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from incidents.audit.facts import Facts
from incidents.audit.flaw import Flaw


class Stretch(NamedTuple):
    """The entries of one site in a part of the log: the site's name, the first one's and the last
    one's number, when they were recorded, and the first one's leaf."""

    site: str
    first: int
    first_at: str
    leaf: int | None
    last: int
    last_at: str


class Streams:
    """What has been seen of each site, by its number."""

    def __init__(self) -> None:
        self.of: dict[int, Stretch] = {}
        self._ids: dict[str, int] = {}

    def take(self, facts: Facts, leaf: int | None) -> str | None:
        """The next entry; what is wrong with its place."""
        site, site_id, seq, at, _ = facts
        seen = self.of.get(site_id)
        if seen is None:
            self.of[site_id] = Stretch(site, seq, at, leaf, seq, at)
            return None
        self.of[site_id] = Stretch(seen.site, seen.first, seen.first_at, seen.leaf, seq, at)
        return _follows(seen, site, seq, at)

    def join(self, later: Streams) -> Iterator[tuple[int, Stretch, str]]:
        """What has been seen of a later part; the sites that do not go on as they must, and why."""
        for site_id, stretch in later.of.items():
            seen = self.of.get(site_id)
            wrong = self.called(site_id, stretch.site)
            if seen is None:
                self.of[site_id] = stretch
            else:
                wrong = _follows(seen, stretch.site, stretch.first, stretch.first_at) or wrong
                self.of[site_id] = seen._replace(last=stretch.last, last_at=stretch.last_at)
            if wrong is not None:
                yield site_id, stretch, wrong

    def unbegun(self) -> Iterator[tuple[int, Stretch]]:
        """The sites whose first entry is not there."""
        return ((site_id, seen) for site_id, seen in self.of.items() if seen.first != 1)

    def called(self, site_id: int, site: str) -> str | None:
        """Whether another site has a new site's name; what is to be said then."""
        other = self._ids.setdefault(site, site_id)
        return None if other == site_id else f"site {other} is called {site!r} already"


def misplaced(entry: str, site: str, leaf: int | None, where: str, what: str) -> Flaw:
    """An entry that is not where it belongs, or follows on one that is missing."""
    return Flaw(part="entries", where=where, what=what, site=site, entry=entry, leaf=leaf)


def _follows(seen: Stretch, site: str, seq: int, at: str) -> str | None:
    if site != seen.site:
        return f"it says that its site is {site!r}, and that site is {seen.site!r}"
    due = seen.last + 1
    if seq > due:
        missing = f"entry {due} is" if seq == due + 1 else f"entries {due} to {seq - 1} are"
        return f"it is entry {seq} of {site!r}, and {missing} missing before it"
    if seq < due:
        return f"it is entry {seq} of {site!r}, and entry {due} comes next"
    # Without its Z, what is later in time is later in the order of letters.
    if at[:-1] < seen.last_at[:-1]:
        return f"it was recorded at {at}, before the one before it, at {seen.last_at}"
    return None
