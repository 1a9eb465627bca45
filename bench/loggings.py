"""Loggings that are timed: by the desk and by the floor, one at a time or in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any

from bench import workers
from bench.context import settle
from bench.floor import Floor, Pattern
from bench.register import add_sites, desk_of, logging, taken
from bench.trial import Figure

UNIT = "incidents/s"
WARM_UP = 40
"""Loggings of each client before the time counts: statements are planned, pages are cached."""

_MOST_CLIENTS = 8

Worker = Callable[..., tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One client's loggings of a round: every `step`-th from `first`, over `sites` in turn."""

    first: int
    step: int
    sites: int
    warm_up: int
    timed: int

    def all(self) -> list[tuple[int, int]]:
        """Site and which of its loggings, in order; those to warm up come first."""
        numbers = range(self.first, self.first + self.step * (self.warm_up + self.timed), self.step)
        return [(1 + n % self.sites, 1 + n // self.sites) for n in numbers]


def prepare(url: str, loggings: int) -> int:
    """Adds so many sites that none is logged on more than twice, and says how many."""
    sites = -(-(loggings // 2 + 1) // _MOST_CLIENTS) * _MOST_CLIENTS
    with desk_of(url) as desk:
        add_sites(desk, range(1, sites + 1))
    return sites


class Loggings:
    """One contender's loggings on one database; each round goes on where the last one ended.

    Each client is a process of its own.
    """

    def __init__(
        self, label: str, worker: Worker, *given: Any,
        sites: int, timed: int, clients: int = 1, warm_up: int = WARM_UP,
    ) -> None:  # fmt: skip
        self._label, self._worker, self._given = label, worker, given
        self._sites, self._timed, self._clients, self._warm_up = sites, timed, clients, warm_up
        self._rounds = count()

    def __call__(self) -> list[Figure]:
        """One round."""
        shares = list(self._shares(next(self._rounds)))
        settle()
        took_s = workers.timed(self._worker, [(*self._given, share) for share in shares])
        return [Figure(self._label, self._clients * self._timed / took_s, UNIT)]

    def _shares(self, n: int) -> Iterator[Share]:
        first = n * self._clients * (self._warm_up + self._timed)
        for client in range(self._clients):
            yield Share(
                first=first + client, step=self._clients, sites=self._sites,
                warm_up=self._warm_up, timed=self._timed,
            )  # fmt: skip


def by_the_floor(
    start: workers.Start, url: str, pattern: Pattern, share: Share
) -> tuple[float, float]:
    """A worker: raw SQL, one logging a transaction."""
    with closing(Floor(url, pattern)) as floor:
        sites = [site for site, _ in share.all()]
        for site in sites[: share.warm_up]:
            floor.log(site)
        start()
        began = workers.moment()
        for site in sites[share.warm_up :]:
            floor.log(site)
        return began, workers.moment()


def by_the_desk(
    start: workers.Start, url: str, bare: bool, size: int, share: Share
) -> tuple[float, float]:
    """A worker: the desk, `size` loggings a batch, each on another site."""
    loggings = [logging(site, n, bare=bare) for site, n in share.all()]
    batches = _batches(loggings[share.warm_up :], size)
    with desk_of(url) as desk:
        for batch in _batches(loggings[: share.warm_up], size):
            taken(desk, batch)
        start()
        began = workers.moment()
        for batch in batches:
            taken(desk, batch)
        return began, workers.moment()


def _batches(loggings: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [loggings[first : first + size] for first in range(0, len(loggings), size)]
