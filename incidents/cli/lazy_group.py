"""The lazy group: a group of commands whose modules are imported when they are typed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import click

from incidents.cli.group import Group


class LazyGroup(Group):
    """A group whose commands are imported when they are typed; `sections` names and helps them."""

    def __init__(
        self, *, sections: dict[str, dict[str, tuple[str, str]]], **settings: object
    ) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # click's own, passed through
        self.sections = sections
        self.targets = {name: of for section in sections.values() for name, of in section.items()}
        self.translated: Callable[[click.Command, str], click.Command] | None = None
        """What makes of a command, by its name, one in the reader's language; None: in English."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the help."""
        return list(self.targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        if cmd_name not in self.targets:
            return None
        module, _, attribute = self.targets[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command if self.translated is None else self.translated(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but the nearest names are offered from the table."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.targets, ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The sections with their short helps, importing nothing."""
        width = max(map(len, self.targets))
        for section, commands in self.sections.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(width), short) for name, (_, short) in commands.items()]
                )

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The names that begin so, importing nothing."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short)
            for name, (_, short) in self.targets.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)
