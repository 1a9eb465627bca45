"""The web addresses in a pasted mail or list.

Addresses that were defanged (`hxxp://shop[.]example`) or have no scheme (`shop.example/login`) are
found too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from incidents.errors import RefusedError
from incidents.values import inputs, mail_text, web_address, written_address
from incidents.values.inputs import MAX_URLS
from incidents.views.inbox.candidates import names_above

MAX_CHARACTERS = 100_000

MAX_FOUND, MAX_SITES = 500, 20
"""The maximum number of addresses shown, and of sites with these addresses."""

MAX_BARE = 1_000
"""The maximum number of hosts without a scheme or a path that are looked up."""


@dataclass(frozen=True, slots=True)
class Group:
    """The addresses of one site, as many as one incident can have; `more`: there were others.

    If the site is unknown, `site` is empty.
    """

    site: str
    urls: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The findings in a text: its addresses by site, and its hosts.

    Addresses are unique and in the order of the text; addresses of no known site come last.
    `unfit`: addresses, as written, that cannot be stored. `more`: not all addresses are shown.
    `hosts`: sorted by frequency. `cut`: addresses that might be cut off at the end of a line.
    """

    groups: tuple[Group, ...]
    unfit: tuple[str, ...]
    more: bool
    hosts: tuple[str, ...]
    cut: frozenset[str]


def find(
    text: str, on_record: Callable[[Collection[str]], Collection[str]] = lambda _: ()
) -> Found:
    """Find the addresses in the first `MAX_CHARACTERS` of a text, or of a mail's source.

    Text without a scheme is an address if it has a path, begins with `www.`, or is a registered
    site (`on_record` returns the registered hosts); otherwise it might be a file or a person
    (`Mr.Wang`).
    """
    read = mail_text.readable(text[:MAX_CHARACTERS])[:MAX_CHARACTERS]
    urls: dict[str, bool] = {}
    written: dict[str, str] = {}
    unfit: dict[str, None] = {}
    cut: set[str] = set()
    for found in written_address.find(written_address.unescaped(read)):
        if found.url is None:
            unfit[found.written] = None
            continue
        written.setdefault(found.url, found.written)
        urls[found.url] = urls.get(found.url, False) or found.is_certain
        if found.is_cut:
            cut.add(written[found.url])
    alone = dict.fromkeys(web_address.host(url) for url, certain in urls.items() if not certain)
    known = on_record(list(alone)[:MAX_BARE]) if alone else ()
    sure = [url for url, certain in urls.items() if certain or web_address.host(url) in known]
    return _found(sure, written, on_record, tuple(unfit), frozenset(cut))


def _found(
    urls: list[str],
    written: Mapping[str, str],
    on_record: Callable[[Collection[str]], Collection[str]],
    unfit: tuple[str, ...],
    cut: frozenset[str],
) -> Found:
    kept = urls[:MAX_FOUND]
    hosts = tuple(host for host, _ in Counter(map(web_address.host, kept)).most_common())
    sites = _by_site(kept, hosts, on_record)
    named = [site for site in sites if site]
    shown = [*named[:MAX_SITES], *([""] if "" in sites else [])]
    groups = tuple(
        Group(
            site, tuple(written[url] for url in sites[site][:MAX_URLS]), len(sites[site]) > MAX_URLS
        )
        for site in shown
    )
    more = len(urls) > MAX_FOUND or len(named) > MAX_SITES
    return Found(groups, unfit[:MAX_URLS], more, hosts, cut)


def _by_site(
    urls: list[str],
    hosts: Collection[str],
    on_record: Callable[[Collection[str]], Collection[str]],
) -> dict[str, list[str]]:
    """Group the addresses by the site named like their host or like the nearest parent name."""
    above = {host: names_above(host) for host in hosts}
    known = set(on_record({name for names in above.values() for name in names})) if hosts else set()
    sites: dict[str, list[str]] = {}
    for url in urls:
        site = next((name for name in above[web_address.host(url)] if name in known), "")
        sites.setdefault(site, []).append(url)
    return sites


def at_site(urls: Iterable[str], site: str) -> set[str]:
    """Return the addresses, as written, whose host is the site or a subdomain of the site."""
    try:
        name = inputs.site(site)
    except RefusedError:
        return set()
    return {url for url in urls if web_address.is_below(web_address.read(url, bare=True), name)}
