"""The reference of the command line: every command and option, from click's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import cleandoc

import click

from incidents import errors
from incidents.cli import options
from incidents.cli.root import COMMANDS, root
from scripts.generated.markdown import code, page, paragraph, sentence, table

Command = tuple[str, click.Command]

_STATUSES = (
    (errors.DONE, "done", ""),
    (errors.FAILED, "failed: the database, a file or the settings; or a check found a fault", ""),
    (errors.MISUSED, "wrong usage: an invalid option, time or file", ""),
    (errors.REFUSED, "refused: the command is not possible now", "refusals.md"),
    (errors.NOT_CONFIRMED, "not confirmed: nothing was done", ""),
    (errors.NOT_VERIFIED, "verification failed: the record and the tables differ", ""),
    (errors.INTERRUPTED, "interrupted with Ctrl-C", ""),
)


def text() -> str:
    """The page."""
    return page(
        "# Commands",
        "Every command with its options. Daily actions are one verb, all else is `incidents NOUN"
        " VERB`. Options follow the verb. Data goes to standard output, the rest to standard"
        " error.",
        _contents(),
        "## Exit status",
        table(("status", "meaning"), map(_status, _STATUSES)),
        "## Common options",
        "Every command except `completion` takes these; exceptions are named with the command.",
        _options(_common(options.query)),
        "Without `--format`, a terminal gets a table, and a pipe gets tab-separated fields without"
        " colour. `NO_COLOR` and `CLICOLOR_FORCE` are obeyed.",
        "## Options of an action",
        "Every command that changes something takes these as well.",
        _options(_only_of_an_action()),
        *(part for section in COMMANDS for part in _section(section)),
    )


def commands(group: click.Group = root, before: str = "incidents") -> Iterator[Command]:
    """Every command that can be typed, with its full name, groups left out."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def _contents() -> str:
    names = [name for name, _ in commands()]
    return "\n".join(f"- [`{name}`](#{name.replace(' ', '-')})" for name in names)


def _status(row: tuple[int, str, str]) -> tuple[str, str]:
    status, meaning, link = row
    return f"`{status}`", meaning + (f" ([all of them]({link}))" if link else "")


def _section(section: str) -> Iterator[str]:
    yield f"## {section}"
    first = {f"incidents {name}" for name in COMMANDS[section]}
    for name, command in commands():
        if " ".join(name.split()[:2]) in first:
            yield from _command(name, command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield f"### {name}"
    yield code(" ".join((name, *command.collect_usage_pieces(context))))
    yield from _help(command)
    shared = {_signature(option) for option in _common(options.action)}
    own = [
        option
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    if mine := [option for option in own if _signature(option) not in shared]:
        yield _options(mine)
    yield _also(own)


def _help(command: click.Command) -> Iterator[str]:
    for part in cleandoc(command.help or "").split("\n\n"):
        verbatim = part.removeprefix("\b\n")
        yield code(verbatim) if verbatim != part else paragraph(part)


def _also(own: Sequence[click.Option]) -> str:
    mine = {_signature(option) for option in own}
    common = {_signature(option) for option in _common(options.query)}
    more = {_signature(option) for option in _only_of_an_action()}
    if not common & mine:
        return "It takes no other option."
    also = ["[common options](#common-options)"]
    if more & mine:
        also.append("[options of an action](#options-of-an-action)")
    missing = [name for name, _ in sorted((common | (more if more & mine else set())) - mine)]
    without = ", ".join(f"`{name}`" for name in missing)
    return f"Also the {' and the '.join(also)}{f', without {without}' if without else ''}."


def _signature(option: click.Option) -> tuple[str, str]:
    return option.opts[-1], option.help or ""


def _common(decorator: object) -> list[click.Option]:
    """The options that a decorator of `incidents.cli.options` gives to a command."""
    assert callable(decorator)
    made = click.command()(decorator(_nothing))
    return [option for option in made.params if isinstance(option, click.Option)]


def _nothing() -> None: ...


def _only_of_an_action() -> list[click.Option]:
    common = {_signature(option) for option in _common(options.query)}
    return [one for one in _common(options.action) if _signature(one) not in common]


def _options(own: Sequence[click.Option]) -> str:
    return table(("option", "meaning"), ((_written(one), _meaning(one)) for one in own))


def _written(option: click.Option) -> str:
    names = ", ".join(option.opts)
    if option.is_flag:
        return f"`{names}`"
    kind = option.metavar or option.type.get_metavar(option, click.Context(root)) or ""
    return f"`{names} {kind or option.type.name.upper()}`"


def _meaning(option: click.Option) -> str:
    facts = [sentence(option.help or "")]
    if option.required:
        facts.append("Required.")
    if option.multiple and "repeat" not in (option.help or ""):
        facts.append("May be repeated.")
    if option.show_default and not option.is_flag:
        facts.append(f"Default: {option.default}.")
    if isinstance(option.type, click.IntRange | click.FloatRange):
        least, most = option.type.min, option.type.max
        if most is None:
            facts.append(f"At least {least}.")
        elif least is None:
            facts.append(f"At most {most}.")
        else:
            facts.append(f"From {least} to {most}.")
    return " ".join(facts)
