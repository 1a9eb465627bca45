"""The map: what was last ordered of each site that nginx is told of, as a value and as lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast, get_args

from incidents.acts.nginx.host import NAME
from incidents.acts.nginx.host import of as host_of
from incidents.acts.port import Order, State
from incidents.clock import in_utc, read_rfc3339, rfc3339
from incidents.machine.ids import ORDERS_EACH

STATES: Mapping[str, State] = {"suspend": "suspended", "reopen": "active", "close": "closed"}
"""The kinds of order that a web server carries out, and what a site is after each."""

KEPT_AFTER_REOPENING = timedelta(days=7)
"""For so long an order that comes late cannot suspend again what a later one has reopened."""

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z"
_LINE = re.compile(
    rf"# site (?P<site>{NAME}) (?P<state>{'|'.join(get_args(State))}) seq (?P<seq>\d{{1,19}})"
    rf" ordered (?P<ordered_at>{_TIME}) written (?P<written_at>{_TIME})"
    rf"(?: until (?P<until>{_TIME}))?",
    re.ASCII,
)
_BEGINNING = "# site "


class DamagedMapError(Exception):
    """The line of that number cannot be read: somebody else has written it."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} cannot be read")
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a site stands by the last order that was seen of it.

    `until` is when a suspension is meant to end, None when nobody knows, and for every other
    state. `written_at` is when the order was carried out here. All times are in UTC. A name that
    nginx may not be given is a ValueError.
    """

    site: str
    state: State
    seq: int
    ordered_at: datetime
    written_at: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        host_of(self.site)

    @property
    def place(self) -> tuple[int, datetime, int]:
        """Where its order stands among those of the site.

        The epoch goes first: what was ordered before the end of the record was lost is old, however
        late. In one epoch time goes before number.
        """
        return self.seq // ORDERS_EACH, self.ordered_at, self.seq


Map = Mapping[str, Standing]
"""The standings by the site's name."""


def standing(order: Order, now: datetime) -> Standing:
    """How the site stands when that order is carried out.

    Raises:
        KeyError: for a kind that is not a web server's.
        ValueError: for a site whose name nginx cannot be given.
    """
    return Standing(
        site=order.site,
        state=STATES[order.kind],
        seq=order.seq,
        ordered_at=in_utc(order.ordered_at),
        written_at=in_utc(now),
        until=in_utc(order.until) if order.until and order.kind == "suspend" else None,
    )


def is_stale(known: Map, told: Standing) -> bool:
    """Whether a later order of that site was seen already."""
    return told.site in known and told.place < known[told.site].place


def with_standings(known: Map, told: Iterable[Standing]) -> dict[str, Standing]:
    """The map after those orders, the later one of each site; what says nothing new is left out."""
    found = dict(known)
    for one in told:
        if not is_stale(found, one) and not _is_known(found, one):
            found[one.site] = one
    return found


def without_old(known: Map, now: datetime) -> dict[str, Standing]:
    """The map without the sites that were reopened long ago."""
    return {
        site: one
        for site, one in known.items()
        if one.state != "active" or now - one.written_at <= KEPT_AFTER_REOPENING
    }


def lines(known: Map) -> Iterator[str]:
    """A line for each site, without its end, in the order of their names."""
    for _, one in sorted(known.items()):
        line = (
            f"{_BEGINNING}{one.site} {one.state} seq {one.seq}"
            f" ordered {rfc3339(one.ordered_at)} written {rfc3339(one.written_at)}"
        )
        yield line if one.until is None else f"{line} until {rfc3339(one.until)}"


def read(text: str) -> dict[str, Standing]:
    """The map that stands in a file, among whatever else does.

    Raises:
        DamagedMapError: for a line about a site that was not written by `lines`.
    """
    found = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(_BEGINNING):
            one = _read_line(number, line)
            found[one.site] = one
    return found


def _read_line(number: int, line: str) -> Standing:
    said = _LINE.fullmatch(line)
    if said is None:
        raise DamagedMapError(number)
    try:
        return Standing(
            site=said["site"],
            state=cast("State", said["state"]),
            seq=int(said["seq"]),
            ordered_at=read_rfc3339(said["ordered_at"]),
            written_at=read_rfc3339(said["written_at"]),
            until=read_rfc3339(said["until"]) if said["until"] else None,
        )
    except ValueError as error:
        raise DamagedMapError(number) from error


def _is_known(known: Map, told: Standing) -> bool:
    there = known.get(told.site)
    return there is not None and replace(told, written_at=there.written_at) == there
