"""The host: a name as nginx may be given it, and as a line of its map. All else is refused.

A site's name is checked when it is registered. Here it becomes a piece of another program's
configuration, so that it is checked again, by what is allowed and not by what is dangerous.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

NAME = r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*"
"""What a name may consist of: a host's name or an IPv6 address; without a group of its own."""

# In a bucket of 64 bytes, the size that nginx takes by itself, there is room for no longer key.
MAX_HASHED_OCTETS = 46

_ADDRESS = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_NAME = re.compile(NAME, re.ASCII)


def of(name: str) -> str:
    """What nginx's `$host` holds when that site is asked for.

    Raises:
        ValueError: for a name that is not in its kept form, or that nginx may not be given.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a host: {name!r}")
    if not _ADDRESS.fullmatch(name):
        return name
    if ipaddress.IPv6Address(name).compressed != name:
        raise ValueError(f"not a host: {name!r} is not the shortest form of the address")
    return f"[{name}]"


def is_one(name: str) -> bool:
    """Whether `of` takes it."""
    try:
        return bool(of(name))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The hosts under which a site answers: its name, `www.` before it if so set, and aliases."""

    www: bool = False
    aliases: Mapping[str, Sequence[str]]

    def of(self, site: str) -> Iterator[str]:
        """Each host as nginx knows it; raises ValueError for what it may not be given."""
        host = of(site)
        yield host
        # An address has nothing before it, and www.www. is nobody's.
        if self.www and not site.startswith("www.") and not _is_address(host):
            yield f"www.{host}"
        yield from map(of, self.aliases.get(site, ()))


def key(host: str) -> str:
    """A host, from `of`, as the first word of a line of a map, in quotes.

    A name that is too long for nginx's hash becomes a regular expression, which has no limit: one
    long name would otherwise keep all the others from being written.
    """
    if len(host) > MAX_HASHED_OCTETS:
        escaped = host.replace(".", r"\\.")
        return f'"~^{escaped}$"'
    if "." not in host and ":" not in host:
        # It may be one of nginx's own words, such as `default`; this makes a plain name of it.
        return f'"\\\\{host}"'
    return f'"{host}"'


def _is_address(host: str) -> bool:
    return host.startswith("[") or host.replace(".", "").isdecimal()
