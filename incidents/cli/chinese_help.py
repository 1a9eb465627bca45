"""Help and usage errors in Chinese; the commands themselves contain the English texts.

Help is generated while arguments are parsed, before a command's `--lang` takes effect, so the
language is searched for in the arguments. The ID of a phrase contains the path of its command:
`help.site add`, `option.log.--url`, or only `option.--db` for an option that many commands share.
The word for a value such as `SITE` has the ID `metavar.SITE`, or an ID with the name of its
parameter.
"""

from __future__ import annotations

import copy
import gettext
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import click

from incidents.cli.run import CSV, JSON, JSONL
from incidents.locale import catalogue
from incidents.values import language_tag

if TYPE_CHECKING:
    from incidents.cli.lazy_group import LazyGroup

CLICK = "messages"
"""The gettext domain of click's own texts."""


@contextmanager
def localised(root: LazyGroup, args: Sequence[str]) -> Iterator[click.Group]:
    """The root command, in Chinese if the arguments or the environment ask for it.

    Inside the block, click's own texts are then also Chinese.
    """
    if not _is_wanted(args):
        yield root
        return
    folder, language = gettext.bindtextdomain(CLICK), os.environ.get("LANGUAGE")
    gettext.bindtextdomain(CLICK, str(catalogue.FOLDER))
    os.environ["LANGUAGE"] = "zh_CN"
    try:
        yield _Translator(catalogue.phrases("zh_CN", "help")).group(root, "")
    finally:
        gettext.bindtextdomain(CLICK, folder)
        if language is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = language


def _is_wanted(args: Sequence[str]) -> bool:
    if "--json" in args or _named("--format", args) in (JSON, JSONL, CSV):
        return False
    return language_tag.wanted(_named("--lang", args), os.environ) == "zh_CN"


def _named(option: str, args: Sequence[str]) -> str | None:
    """Return the last value that the arguments give for an option."""
    value = None
    for word, following in zip(args, (*args, "")[1:], strict=True):
        name, is_one_word, own = word.partition("=")
        if name == option:
            value = own if is_one_word else following
    return value


class _Translator:
    """A maker of copies of commands with Chinese help; the original commands stay unchanged."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        self._phrases = phrases

    def group(self, group: LazyGroup, path: str) -> LazyGroup:
        made = copy.copy(group)
        self._translate(made, path)
        made.sections = {
            self._phrases.get(f"section.{name}", name): {
                typed: (target, self._phrases.get(f"short.{_joined(path, typed)}", short))
                for typed, (target, short) in commands.items()
            }
            for name, commands in group.sections.items()
        }
        made.targets = {
            name: of for section in made.sections.values() for name, of in section.items()
        }
        made.translated = lambda command, typed: (
            self._renamed(command, group.renamed[typed][1])
            if typed in group.renamed
            else self.command(command, _joined(path, typed))
        )
        return made

    def _renamed(self, command: click.Command, now: str) -> click.Command:
        made = self.command(command, now)
        made.help = self._phrases["help.renamed"].format(now=now)
        return made

    def command(self, command: click.Command, path: str) -> click.Command:
        if hasattr(command, "sections"):
            return self.group(cast("LazyGroup", command), path)
        made = copy.copy(command)
        self._translate(made, path)
        if isinstance(made, click.Group):
            made.commands = {
                name: self.command(each, _joined(path, name))
                for name, each in made.commands.items()
            }
        return made

    def _translate(self, command: click.Command, path: str) -> None:
        name = path or "incidents"
        command.help = self._phrases.get(f"help.{name}", command.help)
        command.short_help = self._phrases.get(f"short.{name}", command.short_help)
        command.epilog = self._phrases.get(f"epilog.{name}", command.epilog)
        command.params = [self._parameter(each, path) for each in command.params]
        command.options_metavar = "[选项]"
        if isinstance(command, click.Group):
            command.subcommand_metavar = "命令 [参数]..."
        command.context_class = _Context
        # Otherwise the English one, if there is one.
        command._help_option = None  # noqa: SLF001 - click has no other way

    def _parameter(self, parameter: click.Parameter, path: str) -> click.Parameter:
        made = copy.copy(parameter)
        name = max(parameter.opts, key=len)
        if isinstance(made, click.Option):
            common = self._phrases.get(f"option.{name}", made.help)
            made.help = self._phrases.get(f"option.{path}.{name}", common)
        # What is refused as a placeholder stays the English word, which `next:` lines have.
        made.make_metavar = lambda ctx: self.metavar(parameter, path, ctx)  # type: ignore[method-assign]
        return made

    def metavar(self, parameter: click.Parameter, path: str, context: click.Context) -> str:
        """The placeholder for the parameter's value."""
        name = max(parameter.opts, key=len)
        for id_ in (f"metavar.{path}.{name}", f"metavar.{name}"):
            if id_ in self._phrases:
                return self._phrases[id_]
        shown = parameter.make_metavar(context)
        return _CAPITALS.sub(lambda word: self._phrases.get(f"metavar.{word[0]}", word[0]), shown)


_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9]+\b")


def _joined(path: str, name: str) -> str:
    return f"{path} {name}".lstrip()


# A line breaks between Chinese characters too, but not before what closes or after what opens.
_UNBROKEN = re.compile(r" |[（《“「\[`(]*(?:[!-~\u00a0-\u2013]+|[^ ])[，。；：！？、）》”」…]*")


class _Formatter(click.HelpFormatter):
    """A formatter that counts wide characters as two columns, and breaks lines in Chinese text."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        head = f"{prefix or gettext.gettext('Usage:')}{prog} "
        margin = _columns(head)
        between = f"\n{'':>{margin}}"
        lines = between.join(_wrapped(args, max(self.width - margin, 20)))
        self.write(f"{head}{lines}".rstrip() + "\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{heading}：\n")

    def write_text(self, text: str) -> None:
        for line in _wrapped(text, self.width - self.current_indent):
            self.write(f"{'':>{self.current_indent}}{line}".rstrip() + "\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        rows = list(rows)
        first_column = min(max(_columns(name) for name, _ in rows), col_max) + col_spacing
        margin = self.current_indent + first_column
        for name, text in rows:
            lines = list(_wrapped(text, max(self.width - first_column - 2, 10)))
            self.write(f"{'':>{self.current_indent}}{name}")
            if _columns(name) + col_spacing > first_column:
                self.write("\n")
                lines = [f"{'':>{margin}}{line}" for line in lines]
            else:
                between = first_column - _columns(name)
                lines = [f"{'':>{margin if n else between}}{line}" for n, line in enumerate(lines)]
            self.write("\n".join(lines) + "\n")


class _Context(click.Context):
    formatter_class = _Formatter


def placeholder(option: str, word: str) -> str:
    """The word of the help for a value: by its option, or for an English one without an option."""
    phrases = catalogue.phrases("zh_CN", "help")
    return phrases.get(f"metavar.--{option}") or phrases.get(f"metavar.{word}", word)


def is_context(context: click.Context | None) -> bool:
    """Whether the command was found in Chinese."""
    return isinstance(context, _Context)


def _wrapped(text: str, room: int) -> Iterator[str]:
    """Wrap the text to lines of at most `room` columns.

    A paragraph that begins with `$`, a command to type, stays on one line.
    """
    for paragraph in text.splitlines():
        if paragraph.startswith("$ "):
            yield paragraph
            continue
        line = ""
        for each in _UNBROKEN.findall(paragraph):
            if line and _columns(line + each.rstrip()) > room:
                yield line.rstrip()
                line = each.lstrip()
            else:
                line += each
        yield line.rstrip()


def _columns(text: str) -> int:
    """Count the columns that a text takes up on a terminal."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
