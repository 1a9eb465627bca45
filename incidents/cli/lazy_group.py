"""Command groups and verbs: common options before or after a verb, and lazy imports."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from gettext import gettext
from importlib import import_module

import click

from incidents.cli.run import Run
from incidents.errors import InputError

_VALUED = frozenset({"--db", "--server", "--as", "--format", "--zone", "--lang"})
_FLAGS = frozenset({"--json", "-q", "--quiet"})
_COMMON = _VALUED | _FLAGS | {"--key", "--dry-run", "--policy", "--help"}

_PLACEHOLDERS = frozenset({"SITE", "NAME", "INCIDENT", "CONTACT", "TASK", "ORDER"})
"""The placeholders for a name or an ID in helps and in `next:` lines."""


class Verb(click.Command):
    """A command whose help lists the common options in a block of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; raises InputError for a placeholder of the help, such as SITE."""
        shown = {
            word
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Argument)
            for word in (parameter.metavar or "").split("|")
        }
        if given := next((each for each in args if each in shown & _PLACEHOLDERS), None):
            raise InputError.coded(
                "placeholder_target", "{given} is a placeholder: write a name or an ID", given=given
            )
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options first, then the common options."""
        records: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
        for parameter in self.get_params(ctx):
            is_option = isinstance(parameter, click.Option)
            record = parameter.get_help_record(ctx) if is_option else None
            if record is not None:
                records[not _COMMON.isdisjoint(parameter.opts)].append(record)
        for heading, of in ((gettext("Options"), False), (gettext("Common options"), True)):
            if records[of]:
                with formatter.section(heading):
                    formatter.write_dl(records[of])


class Group(click.Group):
    """A group that accepts common options before the command: `incidents --db URL queue`."""

    command_class = Verb

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, with the common options moved after the command's name.

        `help COMMAND` means `COMMAND --help`.
        """
        args = _behind_the_command(args)
        while args[:1] == ["help"]:
            args = [*_behind_the_command(args[1:]), "--help"]
        return super().parse_args(ctx, args)


def _behind_the_command(args: list[str]) -> list[str]:
    n = 0
    while n < len(args):
        name, is_one_word, _ = args[n].partition("=")
        if name in _VALUED:
            n += 1 if is_one_word else 2
        elif args[n] in _FLAGS:
            n += 1
        else:
            # A group's help, and words that are no options, need none of them.
            return args[n:] if args[n].startswith("-") else [args[n], *args[:n], *args[n + 1 :]]
    return []


class LazyGroup(Group):
    """A group that imports a command only when it is typed.

    `sections`: the names of the commands, each with its module and its short help. `renamed`: older
    spellings, which no help lists, each with the module and the present spelling of its command.
    """

    def __init__(
        self,
        *,
        sections: dict[str, dict[str, tuple[str, str]]],
        renamed: dict[str, tuple[str, str]] | None = None,
        **settings: object,
    ) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # click's own, passed through
        self.sections = sections
        self.renamed = renamed or {}
        self.targets = {name: of for section in sections.values() for name, of in section.items()}
        self.translated: Callable[[click.Command, str], click.Command] | None = None
        """A function that translates a command, given its name; None for English."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the commands, in the order of the help."""
        return list(self.targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported only now."""
        found = self.targets.get(cmd_name) or self.renamed.get(cmd_name)
        if found is None:
            return None
        module, _, attribute = found[0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        if cmd_name in self.renamed:
            command = copy.copy(command)
            command.help = f"An older spelling of: incidents {found[1]}"
        return command if self.translated is None else self.translated(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a name as click does, but suggest similar names and note an older spelling."""
        if args and args[0] in self.renamed:
            ctx.ensure_object(Run).renamed = (
                f"{ctx.command_path} {args[0]}", f"incidents {self.renamed[args[0]][1]}",
            )  # fmt: skip
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.targets, ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the sections with the short helps, without importing the commands."""
        width = max(map(len, self.targets))
        for section, commands in self.sections.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(width), short) for name, (_, short) in commands.items()]
                )

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete the names of commands, without importing the commands."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short)
            for name, (_, short) in self.targets.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


verb = partial(click.command, cls=Verb)
"""Make a verb from a function, as `click.command` makes a command."""
