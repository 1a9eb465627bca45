"""Groups and their verbs: the common options, before or behind a verb, and in its help."""

from __future__ import annotations

from functools import partial
from gettext import gettext

import click

_VALUED = frozenset({"--db", "--server", "--as", "--format", "--zone", "--lang"})
_FLAGS = frozenset({"--json", "-q", "--quiet"})
_COMMON = _VALUED | _FLAGS | {"--key", "--dry-run", "--policy", "--help"}


class Verb(click.Command):
    """A command whose help has the common options in a block of their own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, its own first."""
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
    """A group before whose command the common options may stand: `incidents --db URL queue`."""

    command_class = Verb

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, with the common options moved behind the command's name."""
        return super().parse_args(ctx, _behind_the_command(args))


def _behind_the_command(args: list[str]) -> list[str]:
    n = 0
    while n < len(args):
        name, is_one_word, _ = args[n].partition("=")
        if name in _VALUED:
            n += 1 if is_one_word else 2
        elif args[n] in _FLAGS:
            n += 1
        else:
            # The help of a group, and what is no option, need none of them.
            return args[n:] if args[n].startswith("-") else [args[n], *args[:n], *args[n + 1 :]]
    return []


verb = partial(click.command, cls=Verb)
"""Makes a verb of a function, as `click.command` makes a command."""
