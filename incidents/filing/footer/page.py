"""The page of a site, fetched under the guard of outgoing requests to check its footer.

The owner of a site controls the site's addresses and answers. So each redirect is guarded, and
time, size and the number of redirects are limited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import quote, urljoin

from incidents.errors import IncidentsError, LibraryError
from incidents.filing.finding import UNKNOWN, Finding
from incidents.filing.footer import content
from incidents.filing.footer.check import PAGE
from incidents.outbound.faults import (
    ConnectionRefusedByHostError,
    ForbiddenTargetError,
    OutboundError,
    TimedOutError,
    TlsError,
    UnreachableError,
)
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer

WITHIN_S = 20.0
MAX_REDIRECTS = 5
SOURCE = "specification F.16"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HTTPS_FAILURES = (ConnectionRefusedByHostError, TlsError, UnreachableError, TimedOutError)


class NoFetchingLibraryError(LibraryError):
    """a library for fetching pages is not installed"""

    extra = "filing"


class UnreadPageError(IncidentsError):
    """{detail}"""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(detail=facts.get("detail", code))
        self.code = code
        self.finding_facts: Mapping[str, str] = facts

    def finding(self) -> Finding:
        """The finding for a page that cannot be read, which never counts as right."""
        return Finding(
            verdict=UNKNOWN, field=PAGE, code=self.code, facts=self.finding_facts, source=SOURCE
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A fetched page: its `url` after redirects, and at most `content.MAX_BYTES` of its body.

    `cut`: the body is longer.
    """

    url: str
    body: bytes
    charset: str | None
    cut: bool

    def footer(self) -> content.Footer:
        """The footer of the page."""
        return content.read(self.body, server_charset=self.charset, cut=self.cut)


def fetch_home(name: str, guard: Guard, *, within_s: float = WITHIN_S) -> Page:
    """Fetch the home page of a site by its name: over https, or over http if https fails.

    Raises the same errors as `fetch`; if both attempts fail, the error of the one over http.
    """
    host = f"[{name}]" if ":" in name else name
    begun = monotonic()
    try:
        return fetch(f"https://{host}/", guard, within_s=within_s / 2)
    except UnreadPageError as error:
        if not isinstance(error.__cause__, _HTTPS_FAILURES):
            raise
    return fetch(f"http://{host}/", guard, within_s=within_s - (monotonic() - begun))


def fetch(url: str, guard: Guard, *, within_s: float = WITHIN_S) -> Page:
    """Fetch the page at an address, with its redirects, within `within_s` seconds.

    Raises:
        UnreadPageError: if no page can be read, with the code of the reason.
        NoFetchingLibraryError: without the libraries for requests.
    """
    try:
        from incidents.outbound import trust
        from incidents.outbound.client import Client
    except ModuleNotFoundError as error:
        raise NoFetchingLibraryError from error
    tls = trust.context()
    until = monotonic() + within_s
    url_requested = url
    for _ in range(MAX_REDIRECTS + 1):
        left_s = max(until - monotonic(), 0.001)
        try:
            guard.target(url_requested)
            guard = guard.for_redirects_of(url)
            with Client(guard, within_s=left_s, cap=content.MAX_BYTES, tls=tls, keep=0) as http:
                answer = http.get(url_requested)
        except ForbiddenTargetError as error:
            raise UnreadPageError("page_forbidden", detail=error.message) from error
        except OutboundError as error:
            facts = {"problem": error.problem, "detail": error.message}
            raise UnreadPageError("page_unreachable", **facts) from error
        where = answer.header("location")
        if answer.status not in _REDIRECTS or where is None:
            return _page(url_requested, answer)
        url_requested = _redirect_target(url_requested, where)
    raise UnreadPageError("page_redirects", url=url, most=str(MAX_REDIRECTS))


def _redirect_target(url_requested: str, where: str) -> str:
    """The target of a redirect, without its fragment, encoded to ASCII as in browsers."""
    try:
        return quote(urljoin(url_requested, where), safe=_AS_IT_IS).partition("#")[0]
    except ValueError as error:
        raise UnreadPageError("page_redirect_unreadable", url=url_requested) from error


def _page(url: str, answer: Answer) -> Page:
    if answer.status != 200:
        raise UnreadPageError("page_status", url=url, status=str(answer.status))
    kind = answer.content_type
    # Without a content type the body is read as HTML, as by browsers.
    if kind and kind not in _HTML:
        raise UnreadPageError("page_not_html", url=url, kind=kind[:80])
    if not answer.body.strip():
        raise UnreadPageError("page_empty", url=url)
    charset = _CHARSET.search(answer.header("content-type") or "")
    return Page(
        url=url, body=answer.body, charset=charset[1] if charset else None, cut=answer.cut
    )  # fmt: skip


_AS_IT_IS = "%/:?#[]@!$&'()*+,;=~"
