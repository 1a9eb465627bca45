"""The parameters of commands: typed words become values, and odd input gets a hint.

Categories and contact details are free text, so none of them is refused because it looks odd;
people only get a hint.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import gettext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import click

from incidents.cli import suggestions
from incidents.cli.run import Run
from incidents.errors import Cause, FileError, InputError, UnknownIncidentError, UnknownSiteError
from incidents.machine import policy
from incidents.values import ids, inputs
from incidents.values.half_width import half_width
from incidents.values.web_address import Normalized

if TYPE_CHECKING:
    from incidents.contract.documents import Hint
    from incidents.machine.policy import Policy

Remarked = tuple[str, "list[Hint]"]
"""A remark, with the hints on what to do about it."""


class IntRange(click.IntRange):
    """A parameter type for a whole number from `min` to `max`, which are named in words."""

    def _describe_range(self) -> str:
        return gettext("{low} to {high}").format(low=self.min, high=self.max)


class File(click.Path):
    """A parameter type for the name of a file, as a Path.

    A name that no file can have is always a usage error. This is a type derived from click's own,
    so that the shell completes file names.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert as click does; raises InputError for a name that no file can have."""
        return super().convert(file_name(os.fspath(value)), param, ctx)


def file_name(given: str) -> str:
    """Return the name of a file; raises InputError if no file can have that name."""
    try:
        whole = b"\0" not in os.fsencode(given)
    except UnicodeEncodeError:
        whole = False
    if not whole:
        raise InputError.coded(
            "no_file_name",
            "{given!r} cannot be a file name: it has a character that file names cannot have",
            given=given,
        )
    return given


def refuse_placeholder(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> str | None:
    """Refuse a placeholder of a help or a `next:` line that was typed in place of a text."""
    if given is not None and given in (parameter.metavar, parameter.make_metavar(context)):
        raise InputError.coded(
            "placeholder", "{option} {given}: {given} is a placeholder: write your own text",
            option=max(parameter.opts, key=len), given=given,
        )  # fmt: skip
    return given


site, incident, contact, item, order, report, reporter, text = (
    inputs.site, inputs.incident, inputs.contact, inputs.item, inputs.order, inputs.report,
    inputs.reporter, inputs.text,
)  # fmt: skip


def incident_or_site(given: str) -> tuple[int, int] | str:
    """Read an incident's ID or a site's name.

    Raises BadSiteNameError or UnknownIncidentError if it is neither.
    """
    found = ids.read_incident_id(half_width(given).strip())
    return _site(given) if found is None else found


def contact_or_incident(given: str) -> tuple[int, ...]:
    """Read a contact's ID or an incident's; raises UnknownContactError for other text."""
    found = ids.read_incident_id(half_width(given).strip())
    return contact(given) if found is None else found


def any_name(given: str) -> tuple[Any, ...] | str:
    """Read an ID or a site's name.

    The results are `(12, 3)` for an incident, `(12, 3, 1)` for a contact, `(12, 45, lane)` for an
    order, and `(12, "t2")` for an item of the queue.

    Raises:
        BadSiteNameError, UnknownIncidentError: if the text is neither.
    """
    known = (ids.read_incident_id, ids.read_contact_id, ids.read_order_id, ids.read_item_id)
    typed = half_width(given).strip()
    found = (read(typed) for read in known)
    return next((each for each in found if each is not None), None) or _site(given)


_LOOKS = Cause.of(
    "ids_look", "; an ID looks like 12-3, 12-3-1, 12-t2 or 12-o45 (see incidents queue)"
)


@contextmanager
def site_or_id(name: str) -> Iterator[None]:
    """Add to UnknownSiteError the hint that an ID may have been meant.

    The hint is added only if no known name is similar.
    """
    try:
        yield
    except UnknownSiteError as error:
        if error.facts["nearest"]:
            raise
        raise UnknownSiteError(site=name, way_out=_LOOKS, nearest=[]) from error


def _site(given: str) -> str:
    if given.strip().isdecimal():
        raise UnknownIncidentError(given=given)
    return site(given)


def category(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Return the code of a category, which can be given by its Chinese name.

    Refuses a placeholder as `refuse_placeholder` does.
    """
    found = refuse_placeholder(context, parameter, given)
    if found is None:
        return None
    from incidents.locale import words

    return words.category_code(found)


def field(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Return the code of a detail given by its Chinese name; like `refuse_placeholder`."""
    found = refuse_placeholder(context, parameter, given)
    if found is None:
        return None
    from incidents.locale import words

    return words.code_of("field", found)


class Outcome(click.Choice[str]):
    """The outcome of a contact; its Chinese name is accepted, too."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """Return the code of a name."""
        from incidents.locale import words

        return words.code_of("outcome", super().normalize_choice(choice, ctx))

    def fail(
        self,
        message: str,
        param: click.Parameter | None = None,  # noqa: ARG002 - its choices are in the message
        ctx: click.Context | None = None,
    ) -> Never:
        """Raise an error that tells the choices once."""
        raise click.BadParameter(message, ctx=ctx, param_hint="OUTCOME")

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Return the sentence that names the value and the choices; in Chinese with their names."""
        from incidents.cli import chinese_help

        if not chinese_help.is_context(ctx):
            return f"there is no outcome {value!r}. Use one of: {', '.join(self.choices)}"
        from incidents.locale.language import language

        chinese = language("zh_CN", "cli")
        known = [f"{each}（{chinese.word('outcome', each)}）" for each in self.choices]
        return chinese.say("error.outcome", given=str(value), known=known)


def urls(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> Normalized:
    """Read the web addresses of one violation, from several options `--url`.

    Raises the errors of `values.inputs.urls`.
    """
    return inputs.urls(given)


site_argument = click.argument("site", type=site, metavar="SITE", shell_complete=suggestions.sites)
perhaps_site_argument = click.argument(
    "site", type=site, metavar="[SITE]", required=False, shell_complete=suggestions.sites
)
name_argument = click.argument("site", type=site, metavar="NAME", shell_complete=suggestions.sites)
incident_argument = click.argument(
    "incident", type=incident, metavar="INCIDENT", shell_complete=suggestions.incidents
)
item_argument = click.argument("item", type=item, metavar="TASK", shell_complete=suggestions.items)
task_argument = click.argument("item", type=item, metavar="TASK", shell_complete=suggestions.tasks)
order_argument = click.argument("order", type=order, metavar="ORDER")
target_argument = click.argument(
    "target", type=incident_or_site, metavar="INCIDENT|SITE", shell_complete=suggestions.incidents
)
anything_argument = click.argument(
    "what", type=any_name, metavar="ID|SITE", shell_complete=suggestions.items
)
note_option = click.option(
    "--note",
    type=text("note"),
    callback=refuse_placeholder,
    metavar="N",
    help="Note of at most 4,000 characters.",
)
reason_option = click.option(
    "--reason", type=text("reason"), callback=refuse_placeholder, required=True, metavar="R",
    help="Reason; it goes on record.",
)  # fmt: skip
confirm_option = click.option(
    "--confirm", metavar="NAME", help="Site's name, to confirm without a prompt."
)


MAX_FILE_BYTES = 1_000_000
"""The maximum size in bytes of a policy, or of a file of scenarios."""
NOT_UTF8 = Cause.of("not_utf8", "it is not UTF-8 text")
NO_REASON = Cause.of("no_reason", "no reason given")

policy_file_argument = click.argument("file", type=File(), metavar="FILE")


def read_policy(file: Path) -> Policy:
    """Read the policy in a file.

    Raises:
        FileError: as for `read_small_file`.
        InputError: as for `read_small_file`, or if the file is not a policy.
    """
    try:
        return policy.read(read_small_file(file))
    except policy.PolicyError as error:
        raise InputError.coded(
            "no_policy", "{file} is not a policy: {why}", file=str(file), why=error.args[0]
        ) from error


def read_small_file(file: Path) -> str:
    """Read the text of a small file.

    Raises:
        FileError: if the file cannot be read, or is not text.
        InputError: if the file is far too large to be valid.
    """
    try:
        # A pipe, and an endless device, have no size.
        with file.open("rb") as source:
            content = source.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise InputError.coded(
                "file_too_large",
                "{file} has more than {limit:,} bytes: is it the right file?",
                file=str(file), limit=MAX_FILE_BYTES,
            )  # fmt: skip
        return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise FileError(file=file, done="read", detail=NOT_UTF8) from error
    except OSError as error:
        detail = error.strerror or NO_REASON
        raise FileError(file=file, done="read", detail=detail) from error


_MOST_NAMED = 10
_FEWEST_DIGITS = 5
_EXTENSION = re.compile(r"(?:ext\.?|x)\s*\d+$", re.IGNORECASE)
_LETTER_AT_DIGIT = re.compile(r"\d[a-z]|[a-z]\d", re.IGNORECASE)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def hints_on_category(run: Run, given: str | None) -> list[Remarked]:
    """Before a violation is logged, hint that none of the newest has this category.

    With a server there is no such hint, because a server has no list of categories.
    """
    if given is None or run.for_programs or run.remote is not None:
        return []
    from incidents.views import register

    with run.local.reading() as connection:
        known = register.categories_in_use(connection)
    if not known or given in known:
        return []
    names = [run.language.word("category", each) for each in known[:_MOST_NAMED]]
    own = run.language.word("category", given)
    return [(run.text("hint.category", given=own, known=names), [])]


def hints_on_contact(run: Run, site: str, phone: str | None, email: str | None) -> list[Remarked]:
    """Hint that a phone number or an email address looks wrong, and how to correct it."""
    from incidents.contract.hints import do
    from incidents.machine.commands import EditSite

    lines: list[Remarked] = []
    if phone is not None and sum(map(str.isdigit, phone)) < _FEWEST_DIGITS:
        lines.append((run.text("hint.phone.short"), [do(EditSite, site, phone=None)]))
    elif phone is not None and _LETTER_AT_DIGIT.search(_EXTENSION.sub("", phone)):
        lines.append((run.text("hint.phone.letter"), [do(EditSite, site, phone=None)]))
    if email is not None and _ADDRESS.fullmatch(email) is None:
        lines.append((run.text("hint.email.wrong"), [do(EditSite, site, email=None)]))
    return lines
