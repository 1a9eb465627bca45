"""The map of sites to their latest orders, as a value and as lines for nginx.

A site's name is checked when it is registered. Here the name becomes part of another program's
configuration, so it is checked again, against an allowlist.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast, get_args

from incidents.clock import in_utc, read_rfc3339, rfc3339
from incidents.enforcement.port import Order, State
from incidents.values.ids import ORDERS_EACH

NAME = r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*"
"""The pattern of a host name or an IPv6 address, without capturing groups."""

# The longest key for nginx's default hash bucket of 64 bytes.
MAX_HASHED_OCTETS = 46

_ADDRESS = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_NAME = re.compile(NAME, re.ASCII)


def host_of(name: str) -> str:
    """The value of nginx's `$host` in requests for that name.

    Raises:
        ValueError: if the name is not in its canonical form, or not allowed in the file.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a host: {name!r}")
    if not _ADDRESS.fullmatch(name):
        return name
    if ipaddress.IPv6Address(name).compressed != name:
        raise ValueError(f"not a host: {name!r} is not the shortest form of the address")
    return f"[{name}]"


def is_host(name: str) -> bool:
    """Whether `host_of` accepts the name."""
    try:
        return bool(host_of(name))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNames:
    """The hosts of a site: its name, its aliases, and `www.` before its name if `www` is set."""

    www: bool = False
    aliases: Mapping[str, Sequence[str]]

    def of(self, site: str) -> Iterator[str]:
        """The hosts in the format of `$host`; raises ValueError for a name that is not allowed."""
        host = host_of(site)
        yield host
        # Addresses have no prefix, and www.www. is not used.
        is_address = host.startswith("[") or host.replace(".", "").isdecimal()
        if self.www and not site.startswith("www.") and not is_address:
            yield f"www.{host}"
        yield from map(host_of, self.aliases.get(site, ()))


def map_key(host: str) -> str:
    """The quoted key in an nginx map for a host from `host_of`.

    A name too long for nginx's hash becomes a regular expression, which has no length limit, so
    that one long name does not make the whole file invalid.
    """
    if len(host) > MAX_HASHED_OCTETS:
        escaped = host.replace(".", r"\\.")
        return f'"~^{escaped}$"'
    if "." not in host and ":" not in host:
        # It may be a keyword of nginx, such as `default`; the backslash makes it a plain name.
        return f'"\\\\{host}"'
    return f'"{host}"'


STATES: Mapping[str, State] = {"suspend": "suspended", "reopen": "active", "close": "closed"}
"""The kinds of order that a web server carries out, with the state of the site after each."""

KEPT_AFTER_REOPENING = timedelta(days=7)
"""The time for which a reopened site is kept in the map, so that a late order does not suspend
it."""

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z"
_LINE = re.compile(
    rf"# site (?P<site>{NAME}) (?P<state>{'|'.join(get_args(State))}) seq (?P<seq>\d{{1,19}})"
    rf" ordered (?P<ordered_at>{_TIME}) written (?P<written_at>{_TIME})"
    rf"(?: until (?P<until>{_TIME}))?",
    re.ASCII,
)
_BEGINNING = "# site "


class DamagedMapError(Exception):
    """A line of the map that cannot be read, because it was not written by this program."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} cannot be read")
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """The state of a site after the last order received for it.

    `until`: the planned end of a suspension, if known; None for other states. `written_at`: the
    time when the order was carried out here. All times are in UTC. A name that is not allowed in
    the file raises ValueError.
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
    def position(self) -> tuple[int, datetime, int]:
        """The sort key of the order among the orders for its site.

        The epoch is compared first, because orders from before a loss are stale, however late they
        arrive. Within an epoch, the time is compared before the number.
        """
        return self.seq // ORDERS_EACH, self.ordered_at, self.seq


Map = Mapping[str, SiteState]
"""The state of each site, by the site's name."""


def state_after(order: Order, now: datetime) -> SiteState:
    """The state of the site once that order is carried out.

    Raises:
        KeyError: for a kind that a web server does not carry out.
        ValueError: for a site whose name is not allowed in the file.
    """
    return SiteState(
        site=order.site,
        state=STATES[order.kind],
        seq=order.seq,
        ordered_at=in_utc(order.ordered_at),
        written_at=in_utc(now),
        until=in_utc(order.until) if order.until and order.kind == "suspend" else None,
    )


def is_stale(known: Map, state: SiteState) -> bool:
    """Whether the map already has a later order for the site."""
    return state.site in known and state.position < known[state.site].position


def with_states(known: Map, states: Iterable[SiteState]) -> dict[str, SiteState]:
    """The map with the latest state of each site; stale states change nothing."""
    found = dict(known)
    for one in states:
        if not is_stale(found, one) and not _is_known(found, one):
            found[one.site] = one
    return found


def without_expired(known: Map, now: datetime) -> dict[str, SiteState]:
    """The map without the sites that were reopened long ago."""
    return {
        site: one
        for site, one in known.items()
        if one.state != "active" or now - one.written_at <= KEPT_AFTER_REOPENING
    }


def lines(known: Map) -> Iterator[str]:
    """The lines of the map, one for each site, sorted by name, without line ends."""
    for _, one in sorted(known.items()):
        line = (
            f"{_BEGINNING}{one.site} {one.state} seq {one.seq}"
            f" ordered {rfc3339(one.ordered_at)} written {rfc3339(one.written_at)}"
        )
        yield line if one.until is None else f"{line} until {rfc3339(one.until)}"


def read(text: str) -> dict[str, SiteState]:
    """Read the map from a file that also has other lines.

    Raises:
        DamagedMapError: for a site's line that was not written by `lines`.
    """
    found = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(_BEGINNING):
            one = _read_line(number, line)
            found[one.site] = one
    return found


def _read_line(number: int, line: str) -> SiteState:
    match = _LINE.fullmatch(line)
    if match is None:
        raise DamagedMapError(number)
    try:
        return SiteState(
            site=match["site"],
            state=cast("State", match["state"]),
            seq=int(match["seq"]),
            ordered_at=read_rfc3339(match["ordered_at"]),
            written_at=read_rfc3339(match["written_at"]),
            until=read_rfc3339(match["until"]) if match["until"] else None,
        )
    except ValueError as error:
        raise DamagedMapError(number) from error


def _is_known(known: Map, state: SiteState) -> bool:
    known_state = known.get(state.site)
    return (
        known_state is not None and replace(state, written_at=known_state.written_at) == known_state
    )
