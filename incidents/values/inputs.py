"""Inputs: text given at a terminal or over the network, parsed as values.

Each function raises a RefusedError that names the given text, or the disallowed part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from incidents.errors import (
    BadTextError,
    EmptyTextError,
    RefusedError,
    TextTooLongError,
    TooManyUrlsError,
    UnknownContactError,
    UnknownIncidentError,
    UnknownOrderError,
    UnknownReportError,
    UnknownTaskError,
)
from incidents.values import ids, site_name, web_address
from incidents.values.half_width import half_width

Id = TypeVar("Id")

MAX_TEXT_CHARACTERS = 4_000
MAX_URLS = 50
# People write line ends and tabs; other control characters can falsify a terminal's output.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def site(given: str) -> str:
    """Read a site's name and return its stored form; raises BadSiteNameError."""
    return site_name.read(given)


def incident(given: str) -> tuple[int, int]:
    """Read an incident's id, `12-3`, as the site's id and the incident's number.

    Raises:
        UnknownIncidentError: for anything else.
    """
    return _known(ids.read_incident_id, given, UnknownIncidentError)


def contact(given: str) -> tuple[int, int, int]:
    """Read a contact's id, `12-3-1`, as three numbers; raises UnknownContactError."""
    return _known(ids.read_contact_id, given, UnknownContactError)


def report(given: str) -> int:
    """Read a report's id, `r17`, as its number; raises UnknownReportError for anything else."""
    return _known(ids.read_report_id, given, UnknownReportError)


def reporter(given: str) -> str:
    """Read a reporter's address or name, as readings have it. Raises the errors of `text`."""
    return text("reporter", limit=254, is_half_width=True)(given).lower()


def item(given: str) -> tuple[int, str]:
    """Read an item of the queue, `12-3` or `12-t2`, as the site's id and the text after the dash.

    Raises:
        UnknownTaskError: for anything else.
    """
    return _known(ids.read_item_id, given, UnknownTaskError)


def order(given: str) -> tuple[int, int, str]:
    """Read an order's id, `12-o45` or `12-o45.notice`, as site id, order number and lane.

    Raises:
        UnknownOrderError: for anything else.
    """
    return _known(ids.read_order_id, given, UnknownOrderError)


def _known(read: Callable[[str], Id | None], given: str, unknown: type[RefusedError]) -> Id:
    found = read(half_width(given).strip())
    if found is None:
        raise unknown(given=given)
    return found


def text(
    what: str, *, limit: int = MAX_TEXT_CHARACTERS, is_half_width: bool = False
) -> Callable[[str], str]:
    """Return a reader for a person's text, called `what` in its errors.

    A number or an address is returned in half-width form. The reader raises BadTextError,
    EmptyTextError or TextTooLongError.
    """

    def read(given: str) -> str:
        words = (half_width(given) if is_half_width else given).replace("\r\n", "\n").strip()
        if not words:
            raise EmptyTextError(what=what)
        if len(words) > limit:
            raise TextTooLongError(what=what, length=f"{len(words):,}", limit=f"{limit:,}")
        found = _CONTROLS.search(words)
        if found is not None:
            raise BadTextError(what=what, found=site_name.describe(found[0]))
        return words

    return read


def urls(given: Sequence[str], *, bare: bool = False) -> web_address.Normalized:
    """Read the web addresses of one finding, each once, in the form in which they are stored.

    `bare` as in `read`.
    """
    if len(given) > MAX_URLS:
        raise TooManyUrlsError(count=len(given), limit=MAX_URLS)
    return web_address.normalized(given, bare=bare)
