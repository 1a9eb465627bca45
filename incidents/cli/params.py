"""The parameters: how a word of the command line becomes a value, or is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from incidents import site_name, web_address
from incidents.errors import (
    BadTextError,
    EmptyTextError,
    InputError,
    TextTooLongError,
    TooManyUrlsError,
    UnknownContactError,
    UnknownIncidentError,
    UnknownOrderError,
    UnknownTaskError,
)
from incidents.machine import ids

MAX_TEXT_CHARACTERS = 4_000
MAX_URLS = 50
# Line ends and tabs are what people write; everything else of that kind makes a terminal lie.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class File(click.Path):
    """A file's name, as a Path; what no file system can hold is wrong usage, wherever it is used.

    It is click's own, for the shell's completion of names.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does it; raises InputError."""
        return super().convert(file_name(os.fspath(value)), param, ctx)


def file_name(given: str) -> str:
    """A file's name; raises InputError if it holds what no name of a file can hold."""
    try:
        whole = b"\0" not in os.fsencode(given)
    except UnicodeEncodeError:
        whole = False
    if not whole:
        raise InputError(f"{given!r} is no name of a file: no file's name holds such a character")
    return given


def site(given: str) -> str:
    """A site's name, in the form in which it is kept; raises BadSiteNameError."""
    return site_name.read(given)


def incident(given: str) -> tuple[int, int]:
    """An incident's id, `12-3`, as the site's id and the incident's number.

    Raises:
        UnknownIncidentError: for anything else.
    """
    found = ids.read_incident_id(given.strip())
    if found is None:
        raise UnknownIncidentError(given=given)
    return found


def incident_or_site(given: str) -> tuple[int, int] | str:
    """An incident's id or a site's name, by its looks; raises BadSiteNameError."""
    found = ids.read_incident_id(given.strip())
    return site(given) if found is None else found


def contact(given: str) -> tuple[int, int, int]:
    """A contact's id, `12-3-1`, as three numbers; raises UnknownContactError."""
    found = ids.read_contact_id(given.strip())
    if found is None:
        raise UnknownContactError(given=given)
    return found


def item(given: str) -> tuple[int, str]:
    """An item of the queue, `12-3` or `12-t2`, as the site's id and what follows the dash.

    Raises:
        UnknownTaskError: for anything else.
    """
    found = ids.read_item_id(given.strip())
    if found is None:
        raise UnknownTaskError(given=given)
    return found


def order(given: str) -> tuple[int, int, str]:
    """An order's id, `12-o45` or `12-o45.notice`, as the site's id, its number and its lane.

    Raises:
        UnknownOrderError: for anything else.
    """
    found = ids.read_order_id(given.strip())
    if found is None:
        raise UnknownOrderError(given=given)
    return found


def text(what: str, *, limit: int = MAX_TEXT_CHARACTERS) -> Callable[[str], str]:
    """What a person writes in words of their own, called `what` where it is refused.

    What is returned raises BadTextError, EmptyTextError or TextTooLongError.
    """

    def read(given: str) -> str:
        words = given.replace("\r\n", "\n").strip()
        if not words:
            raise EmptyTextError(what=what)
        if len(words) > limit:
            raise TextTooLongError(what=what, length=f"{len(words):,}", limit=f"{limit:,}")
        found = _CONTROLS.search(words)
        if found is not None:
            raise BadTextError(what=what, found=site_name.described(found[0]))
        return words

    return read


def urls(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """The web addresses of one finding, in their normal form and each once.

    Raises:
        BadUrlError: for one that cannot be kept.
        TooManyUrlsError: for more than an incident may have.
    """
    if len(given) > MAX_URLS:
        raise TooManyUrlsError(count=len(given), limit=MAX_URLS)
    return tuple(dict.fromkeys(map(web_address.read, given)))


def _suggest(what: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What the shell's completion offers; loaded only when it asks."""

    def suggested(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        from incidents.cli import suggestions

        found: list[str] = getattr(suggestions, what)(context, parameter, begun)
        return found

    return suggested


site_argument = click.argument("site", type=site, metavar="SITE", shell_complete=_suggest("sites"))
name_argument = click.argument("site", type=site, metavar="NAME", shell_complete=_suggest("sites"))
incident_argument = click.argument(
    "incident", type=incident, metavar="INCIDENT", shell_complete=_suggest("incidents")
)
item_argument = click.argument("item", type=item, metavar="TASK", shell_complete=_suggest("items"))
order_argument = click.argument("order", type=order, metavar="ORDER")
target_argument = click.argument(
    "target", type=incident_or_site, metavar="INCIDENT|SITE", shell_complete=_suggest("incidents")
)
note_option = click.option(
    "--note", type=text("note"), metavar="N", help="In your own words, at most 4,000 characters."
)
reason_option = click.option(
    "--reason", type=text("reason"), required=True, metavar="R",
    help="Why, in your own words; it goes on record.",
)  # fmt: skip
confirm_option = click.option(
    "--confirm", metavar="NAME", help="The site's name, in place of the question."
)
