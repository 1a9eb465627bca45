"""The parameters: how a word of the command line, or a policy file, becomes a value."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from incidents.errors import FileError, InputError, UnknownIncidentError
from incidents.machine import policy
from incidents.values import ids, inputs
from incidents.values.web_address import Kept

if TYPE_CHECKING:
    from incidents.machine.policy import Policy


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


site, incident, contact, item, order, text = (
    inputs.site, inputs.incident, inputs.contact, inputs.item, inputs.order, inputs.text,
)  # fmt: skip


def incident_or_site(given: str) -> tuple[int, int] | str:
    """An incident's id or a site's name, by its looks; raises BadSiteNameError, and
    UnknownIncidentError for a mere number, which is half an id and no name."""
    found = ids.read_incident_id(given.strip())
    return _site(given) if found is None else found


def anything(given: str) -> tuple[Any, ...] | str:
    """Whatever has a name, by its looks: an incident `(12, 3)`, a contact `(12, 3, 1)`, an order
    `(12, 45, lane)` or an item of the queue `(12, "t2")`; else a site's name.

    Raises:
        BadSiteNameError, UnknownIncidentError: for what is none.
    """
    known = (ids.read_incident_id, ids.read_contact_id, ids.read_order_id, ids.read_item_id)
    found = (read(given.strip()) for read in known)
    return next((each for each in found if each is not None), None) or _site(given)


def _site(given: str) -> str:
    if given.strip().isdecimal():
        raise UnknownIncidentError(given=given)
    return site(given)


def urls(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> Kept:
    """The option for the web addresses of one finding; raises as `values.inputs.urls` does."""
    return inputs.urls(given)


def _suggest(what: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What the shell's completion offers; loaded only when it asks."""

    def suggested(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        from incidents.cli.completion import SUGGESTIONS

        return SUGGESTIONS[what](context, parameter, begun)

    return suggested


site_argument = click.argument("site", type=site, metavar="SITE", shell_complete=_suggest("sites"))
perhaps_site_argument = click.argument(
    "site", type=site, metavar="[SITE]", required=False, shell_complete=_suggest("sites")
)
name_argument = click.argument("site", type=site, metavar="NAME", shell_complete=_suggest("sites"))
incident_argument = click.argument(
    "incident", type=incident, metavar="INCIDENT", shell_complete=_suggest("incidents")
)
item_argument = click.argument("item", type=item, metavar="TASK", shell_complete=_suggest("items"))
order_argument = click.argument("order", type=order, metavar="ORDER")
target_argument = click.argument(
    "target", type=incident_or_site, metavar="INCIDENT|SITE", shell_complete=_suggest("incidents")
)
anything_argument = click.argument(
    "what", type=anything, metavar="ID|SITE", shell_complete=_suggest("items")
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


MAX_BYTES = 1_000_000
"""The most bytes of a policy, or of a file of scenarios."""

argument = click.argument("file", type=File(), metavar="FILE")


def read(file: Path) -> Policy:
    """The policy in a file.

    Raises:
        FileError: as `read_text` does.
        InputError: as `read_text` does, or if the file is no policy, with PolicyError's sentence.
    """
    try:
        return policy.read(read_text(file))
    except policy.PolicyError as error:
        raise InputError(f"{file} is no policy: {error}") from error


def read_text(file: Path) -> str:
    """The text of a small file.

    Raises:
        FileError: if it cannot be read, or is no text.
        InputError: if it is far too large to be what it should be.
    """
    try:
        # A pipe, and a device without an end, do not tell their size.
        with file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"{file} has more than {MAX_BYTES:,} bytes: is it the right file?")
        return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise FileError(file=file, done="read", detail="it is not UTF-8 text") from error
    except OSError as error:
        detail = error.strerror or "no reason given"
        raise FileError(file=file, done="read", detail=detail) from error
