"""Fetching of a page that a report names, under the guard of outgoing requests.

Whoever wrote the report chose the address, and whoever runs the site chooses what it answers. So
time, size and redirects are limited, and a redirect is followed only to a host of the same desk's
sites.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from urllib.parse import quote, urljoin

from incidents.errors import LibraryError
from incidents.outbound import message
from incidents.outbound.faults import ForbiddenTargetError, OutboundError
from incidents.outbound.guard import Guard

WITHIN_S = 10.0
MAX_BYTES = 2 << 20
MAX_REDIRECTS = 3
ELSEWHERE, TOO_MANY = "redirect_elsewhere", "redirects"
"""The problems of redirects: one that leads to another site's host, and one too many."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADDRESS = re.compile(r"(https?://[^/?#]*)([^#]*)", re.IGNORECASE)
_AS_IT_IS = "%/:?[]@!$&'()*+,;=~"

IsHere = Callable[[str], bool]
"""A function that says whether a host is one of the sites that the report may be about."""


class NoSnapshotLibraryError(LibraryError):
    """a library for fetching pages is not installed"""

    extra = "filing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a server answered: its `status`, or the `problem` as a code, or both.

    `final`: the last address that was asked, or to which a redirect leads that was not followed.
    `body`: at most `MAX_BYTES`; `cut`: there is more. `kind`: the Content-Type.
    """

    final: str
    status: int | None = None
    problem: str | None = None
    body: bytes | None = None
    cut: bool = False
    kind: str | None = None


def host_of(url: str) -> str | None:
    """The host of a web address; None if it is none, or could be read in two ways."""
    try:
        return message.read_target(_encoded(url)).host
    except ForbiddenTargetError:
        return None


def fetch(url: str, guard: Guard, is_here: IsHere, *, within_s: float = WITHIN_S) -> Page:
    """Fetch the page at the address, with its redirects, within `within_s` seconds.

    Raises:
        NoSnapshotLibraryError: without the libraries for requests.
    """
    try:
        from incidents.outbound import trust
        from incidents.outbound.client import Client
    except ModuleNotFoundError as error:
        raise NoSnapshotLibraryError from error
    tls, until, asked = trust.context(), monotonic() + within_s, _encoded(url)
    status = None
    for _ in range(MAX_REDIRECTS + 1):
        left_s = max(until - monotonic(), 0.001)
        try:
            with Client(guard, within_s=left_s, cap=MAX_BYTES, tls=tls, keep=0) as http:
                answer = http.get(asked)
        except OutboundError as error:
            return Page(final=asked, status=status, problem=error.problem)
        status, where = answer.status, answer.header("location")
        if status not in _REDIRECTS or where is None:
            return Page(
                final=asked, status=status, body=answer.body, cut=answer.cut,
                kind=answer.header("content-type"),
            )  # fmt: skip
        try:
            asked = _encoded(urljoin(asked, where))
        except ValueError:
            return Page(final=asked, status=status, problem=ELSEWHERE)
        host = host_of(asked)
        if host is None or not is_here(host):
            return Page(final=asked, status=status, problem=ELSEWHERE)
    return Page(final=asked, status=status, problem=TOO_MANY)


def _encoded(url: str) -> str:
    """The address without its fragment, with the path in ASCII, as a browser sends it."""
    found = _ADDRESS.match(url.strip())
    return url if found is None else found[1] + quote(found[2], safe=_AS_IT_IS)
