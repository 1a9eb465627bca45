"""The group: takes the common options before its command too, as if they stood behind it."""

from __future__ import annotations

import click

_VALUED = frozenset({"--db", "--server", "--as", "--format", "--zone", "--lang"})
_FLAGS = frozenset({"--json", "-q", "--quiet"})


class Group(click.Group):
    """A group before whose command the common options may stand: `incidents --db URL queue`."""

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
