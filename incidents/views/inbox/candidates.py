"""The candidates: the sites that a report may be about, by the register and the address book.

The register knows a site called like a host, or like a name above it; it knows no times. The
address book says whose a host or an address was at the time that the report names. The nearest name
of either comes first. Where the two disagree, and of what customers share, the sites of all are
candidates, and a person chooses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from incidents.store.cases import sites
from incidents.store.inbox import address_book
from incidents.store.inbox.address_book import Holding, Kind, networks_above

_MOST_ABOVE = 8
"""The maximum number of parent names of a host that are looked up."""
MOST = 20
"""The maximum number of candidates of a report."""
_MOST_HOSTS = 100
"""The maximum number of hosts of a report that are looked up in the address book."""
_MOST_NETWORKS = 2_500
"""The maximum number of networks of a report that are looked up: 100 IPv4 addresses, or 20 IPv6."""

_Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report names: hosts at the time `at` (UTC), and IP addresses, each with its own time.

    The times are those at which the content was seen. `is_one`: all are names of one thing, so that
    it is of whoever has them all, if anybody has.
    """

    hosts: Sequence[str]
    addresses: Sequence[tuple[str, datetime]]
    at: datetime
    is_one: bool = False


def look_up(connection: Connection, asked: Iterable[Sequence[Asked]]) -> Found:
    """What is known of all that reports name, of each report what it names first.

    `asked`: what each report names, as a whole and then in its parts. The limits hold for all of
    them together: anybody can send a report that names as much as fits.

    The function takes a query for the register, one for whether there is an address book, and two
    for that, or more if there is much to look up.
    """
    reports = [list(each) for each in asked]
    hosts = {host for each in reports for one in each for host in one.hosts}
    registered = sites_of_hosts(connection, hosts)
    has_book = bool(reports) and address_book.count(connection) > 0
    return Found(registered, _Book.of(connection, reports) if has_book else _Book())


class Found:
    """What the register and the address book say of what reports name."""

    def __init__(self, registered: Mapping[str, str], book: _Book) -> None:
        self._registered = registered
        self._book = book

    def candidates(self, of: Asked) -> list[str]:
        """The candidates of a report, or of a part of it, the surest first, at most twenty."""
        named: list[str] = []
        for host in of.hosts:
            named += _of_host(host, self._registered.get(host), self._book, of.at)
        there: list[str] = []
        for address, at in of.addresses:
            _, holders = self._book.nearest(self._book.above(address), at)
            there += [site for sites_ in holders for site in sites_]
        both = [site for site in named if site in there] if of.is_one else []
        return list(dict.fromkeys(both or [*named, *there]))[:MOST]

    def holdings(self, of: Asked) -> list[tuple[str, Holding]]:
        """Each candidate that the address book gives, with what its customer had of what is named.

        What was had when it was seen: of each host and address the nearest thing that anybody had.
        """
        lines = [
            *(([key for name in names_above(host) for key in _of_name(name)], of.at)
              for host in of.hosts[:_MOST_HOSTS]),
            *((self._book.above(address), at) for address, at in of.addresses),
        ]  # fmt: skip
        found = {
            (site, held): None
            for line, at in lines
            for held, sites_ in self._book.holders(line, at)
            for site in sites_
        }
        return list(found)


def sites_of_hosts(connection: Connection, hosts: Collection[str]) -> dict[str, str]:
    """The site of each host: the one called like the host, or like the nearest name above it.

    Hosts of no site are left out. The function takes one query.
    """
    above = {host: names_above(host) for host in hosts}
    names = {name for each in above.values() for name in each}
    known = sites.ids_by_name(connection, names) if names else {}
    found = {
        host: next((name for name in each if name in known), None) for host, each in above.items()
    }
    return {host: site for host, site in found.items() if site is not None}


def names_above(host: str) -> list[str]:
    """The host and its parent names, the nearest name first."""
    labels = host.split(".")
    shorter = range(max(1, len(labels) - _MOST_ABOVE), len(labels))
    return [host, *(".".join(labels[n:]) for n in shorter)]


def changed_hands(connection: Connection, site: str, first: datetime, last: datetime) -> bool:
    """Whether the site had another holder at `first` than at `last` (UTC), by the address book.

    The holder is whoever had the site, or the nearest name above it.
    """
    line = [key for name in names_above(site) for key in _of_name(name)]
    held = address_book.of_values(connection, line, first, last)
    then, now = (_holders(held, line, at) for at in (first, last))
    return then != now


def _holders(held: Sequence[Holding], line: Iterable[_Key], at: datetime) -> set[str]:
    """The customers who had the first of these things that anybody had at that time."""
    for key in line:
        own = {each.customer for each in held if each[:2] == key and each.is_valid(at)}
        if own:
            return own
    return set()


def _of_host(host: str, site: str | None, book: _Book, at: datetime) -> list[str]:
    """The candidates of a host, whose site in the register is `site`."""
    own = [] if site is None else [site]
    names = names_above(host)
    nearest, holders = book.nearest([key for name in names for key in _of_name(name)], at)
    above = names_above(site) if site is not None else []
    # Whoever had the site, or a name above it, is whom the register means.
    others = [sites_ for sites_ in holders if not set(sites_) & set(above)]
    theirs = [each for sites_ in others for each in sites_]
    # A customer may have many sites; the surest are called like the host.
    theirs.sort(key=lambda each: names.index(each) if each in names else len(names))
    is_nearer = site is not None and nearest is not None and len(nearest) > len(site)
    return [*theirs, *own] if is_nearer else [*own, *theirs]


def _of_name(name: str) -> list[_Key]:
    return [("site", name), ("domain", name)]


def _of_address(address: str) -> list[_Key]:
    return [("network", each) for each in networks_above(address)]


class _Book:
    """What the address book says of the hosts and the addresses that reports name."""

    def __init__(
        self, held: Iterable[Holding] = (), sites_: Iterable[Holding] = (),
        above: Mapping[str, Sequence[_Key]] | None = None,
    ) -> None:  # fmt: skip
        self._above = above or {}
        self._held: dict[_Key, list[Holding]] = defaultdict(list)
        self._sites: dict[str, list[Holding]] = defaultdict(list)
        for each in held:
            self._held[each.kind, each.value].append(each)
        for each in sites_:
            self._sites[each.customer].append(each)

    @classmethod
    def of(cls, connection: Connection, reports: Iterable[Sequence[Asked]]) -> _Book:
        """Look up what the reports name, of each report what it names first."""
        wanted: set[_Key] = set()
        above: dict[str, list[_Key]] = {}
        times: set[datetime] = set()
        for report in reports:
            hosts = dict.fromkeys(host for each in report for host in each.hosts)
            for host in islice(hosts, _MOST_HOSTS):
                wanted.update(key for name in names_above(host) for key in _of_name(name))
            own = 0
            for address in dict.fromkeys(one for each in report for one, _ in each.addresses):
                line = above.get(address) or _of_address(address)
                own += len(line)
                if own > _MOST_NETWORKS:
                    break
                above[address] = line
            times.update(each.at for each in report)
            times.update(at for each in report for _, at in each.addresses)
        wanted.update(key for line in above.values() for key in line)
        first, last = min(times), max(times)
        held = address_book.of_values(connection, wanted, first, last)
        customers = {each.customer for each in held}
        return cls(held, address_book.sites_of(connection, customers, first, last), above)

    def above(self, address: str) -> Sequence[_Key]:
        """The networks that the IP address is in; none if it was beyond the limit.

        A wide network that another address is in, too, would not be the nearest.
        """
        return self._above.get(address, ())

    def nearest(self, line: Iterable[_Key], at: datetime) -> tuple[str | None, list[list[str]]]:
        """The first of these things that anybody had at that time, and the sites of each holder."""
        holders = self.holders(line, at)
        return (holders[0][0].value if holders else None), [sites_ for _, sites_ in holders]

    def holders(self, line: Iterable[_Key], at: datetime) -> list[tuple[Holding, list[str]]]:
        """Who had the first of these things that anybody had at that time, with their sites."""
        for key in line:
            held = [each for each in self._held.get(key, ()) if each.is_valid(at)]
            if held:
                return [(each, self._sites_of(each, at)) for each in held]
        return []

    def _sites_of(self, held: Holding, at: datetime) -> list[str]:
        """The sites of who has it: the one that it is, or all of theirs, or the domain itself."""
        if held.kind == "site":
            return [held.value]
        own = [each.value for each in self._sites.get(held.customer, ()) if each.is_valid(at)]
        return own or ([held.value] if held.kind == "domain" else [])
