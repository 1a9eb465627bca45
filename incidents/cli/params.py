"""The parameters of commands: typed words as values, and hints on input that looks wrong.

Categories and contact details are free text, so none is refused for its look; people get a hint.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import suggestions
from incidents.cli.lazy_group import verb
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
"""A remark, and what to do about it."""


@verb()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: incidents completion bash > ~/.local/share/bash-completion/completions/incidents
    zsh:  incidents completion zsh > a file called _incidents in a folder of $fpath
    fish: incidents completion fish > ~/.config/fish/completions/incidents.fish
    """
    from click.shell_completion import get_completion_class

    from incidents.cli.root import root

    # The first lines of click's script only ask for the shell's version.
    kind = get_completion_class(shell)
    assert kind is not None, "the three shells are click's own"
    script = kind(root, {}, "incidents", "_INCIDENTS_COMPLETE")
    click.echo(script.source_template % script.source_vars())


class File(click.Path):
    """A file's name, as a Path; an impossible name is a usage error everywhere.

    It is a type of click's own, so that the shell completes names.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert like click; raises InputError."""
        return super().convert(file_name(os.fspath(value)), param, ctx)


def file_name(given: str) -> str:
    """A file's name; raises InputError if it contains anything that no file name can contain."""
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
    """Refuse the placeholder that help and `next:` lines use for a person's text."""
    if given is not None and given in (parameter.metavar, parameter.make_metavar(context)):
        raise InputError.coded(
            "placeholder", "{option} {given}: {given} is a placeholder: write your own text",
            option=max(parameter.opts, key=len), given=given,
        )  # fmt: skip
    return given


site, incident, contact, item, order, text = (
    inputs.site, inputs.incident, inputs.contact, inputs.item, inputs.order, inputs.text,
)  # fmt: skip


def incident_or_site(given: str) -> tuple[int, int] | str:
    """Read an incident's id or a site's name; raises BadSiteNameError, UnknownIncidentError."""
    found = ids.read_incident_id(half_width(given).strip())
    return _site(given) if found is None else found


def contact_or_incident(given: str) -> tuple[int, ...]:
    """A contact's id, or an incident's; raises UnknownContactError for anything else."""
    found = ids.read_incident_id(half_width(given).strip())
    return contact(given) if found is None else found


def any_name(given: str) -> tuple[Any, ...] | str:
    """Read an id or a site's name.

    Incident `(12, 3)`, contact `(12, 3, 1)`, order `(12, 45, lane)`, queue item `(12, "t2")`.

    Raises:
        BadSiteNameError, UnknownIncidentError: if it is neither.
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
    """Hint that an id may have been meant, if the site is unknown; raises UnknownSiteError."""
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
    """Return the code of a category given by its Chinese name; like `refuse_placeholder`."""
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

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Return click's sentence, or the Chinese one with the Chinese names."""
        from incidents.cli import chinese_help

        if not chinese_help.is_context(ctx):
            return super().get_invalid_choice_message(value, ctx)
        from incidents.locale.language import language

        chinese = language("zh_CN", "cli")
        known = [f"{each}（{chinese.word('outcome', each)}）" for each in self.choices]
        return chinese.say("error.outcome", given=str(value), known=known)


def urls(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> Normalized:
    """The option for the web addresses of one finding.

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
"""The most bytes of a policy, or of a file of scenarios."""
NOT_UTF8 = Cause.of("not_utf8", "it is not UTF-8 text")
NO_REASON = Cause.of("no_reason", "no reason given")

policy_file_argument = click.argument("file", type=File(), metavar="FILE")


def read_policy(file: Path) -> Policy:
    """The policy in a file.

    Raises:
        FileError: as `read_text` does.
        InputError: as `read_text` does, or if the file is no policy, with PolicyError's sentence.
    """
    try:
        return policy.read(read_small_file(file))
    except policy.PolicyError as error:
        raise InputError.coded(
            "no_policy", "{file} is not a policy: {why}", file=str(file), why=error.args[0]
        ) from error


def read_small_file(file: Path) -> str:
    """The text of a small file.

    Raises:
        FileError: if it cannot be read, or is not text.
        InputError: if it is far too large to be valid.
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
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def hints_on_category(run: Run, given: str | None) -> list[Remarked]:
    """Hint that none of the newest incidents has this category, before it is logged.

    A server is not queried: it has no list of categories.
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
    """Hint that a phone number or an address reaches nobody, and how to correct it."""
    from incidents.contract.hints import do
    from incidents.machine.commands import EditSite

    lines: list[Remarked] = []
    if phone is not None and sum(map(str.isdigit, phone)) < _FEWEST_DIGITS:
        lines.append((run.text("hint.phone.short"), [do(EditSite, site, phone=None)]))
    if email is not None and _ADDRESS.fullmatch(email) is None:
        lines.append((run.text("hint.email.wrong"), [do(EditSite, site, email=None)]))
    return lines
