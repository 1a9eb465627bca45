"""The command line: what `--help` says, byte for byte, and what can be typed, as a structure."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from typing import Any
from unittest import mock

import click

from incidents.cli import main
from incidents.cli.root import root
from incidents.errors import IncidentsError

Typed = tuple[str, ...]

SAMPLES = ("SHOP.example", "12-3", "12-3-1", "12-o45", "12-t2", "90m", "0.5", "two words")
"""Samples by which a kind of parameter unknown to click is described."""
LONGEST = 10_000


def files() -> dict[str, str]:
    """The golden files of the command line."""
    return {"help.txt": _helps(), "command_line.txt": _structure()}


def commands() -> Iterator[tuple[Typed, click.Command]]:
    """Each command and group, with what is typed after `incidents`."""
    return _below((), root)


def _below(typed: Typed, command: click.Command) -> Iterator[tuple[Typed, click.Command]]:
    yield typed, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _below((*typed, name), child)


def _helps() -> str:
    printed = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": "80"}), redirect_stdout(printed):
        for typed, command in commands():
            printed.write(" ".join(("$ incidents", *typed, "--help\n")))
            # click keeps the option that it has made for another test, under another root.
            with mock.patch.object(command, "_help_option", None):
                assert main([*typed, "--help"]) == 0
            printed.write("\n")
    return printed.getvalue()


def _structure() -> str:
    return "".join(
        line + "\n" for typed, command in commands() for line in _command(typed, command)
    )


def _command(typed: Typed, command: click.Command) -> Iterator[str]:
    facts = {
        "hidden": command.hidden,
        "deprecated": command.deprecated,
        "no arguments are help": command.no_args_is_help,
        "options end at the first argument": not command.allow_interspersed_args,
        "takes unknown options": command.ignore_unknown_options,
        "takes more arguments": command.allow_extra_args,
    }
    if isinstance(command, click.Group):
        # For a group, click's own answers to these.
        facts |= {
            "options end at the first argument": False,
            "takes more arguments": False,
            "group": True,
            "does something alone": command.invoke_without_command,
        }
    yield ", ".join((" ".join(("incidents", *typed)), *_true(facts)))
    for parameter in command.params:
        yield "    " + ", ".join(_parameter(parameter))


def _parameter(parameter: click.Parameter) -> Iterator[str]:
    yield str(parameter.name)
    facts = {"required": parameter.required, "multiple": parameter.multiple}
    if isinstance(parameter, click.Option):
        yield " ".join(parameter.opts)
        if parameter.secondary_opts:
            yield f"or {' '.join(parameter.secondary_opts)}"
        facts |= {
            "flag": parameter.is_flag,
            "count": parameter.count,
            "asked for": bool(parameter.prompt),
            "hidden": parameter.hidden,
        }
    else:
        yield "argument"
    if parameter.nargs != 1:
        yield f"nargs {parameter.nargs}"
    yield from _true(facts)
    if not facts.get("flag"):
        yield _kind(parameter.type)
    if parameter.envvar:
        yield f"environment {parameter.envvar}"
    default = parameter.to_info_dict()["default"]
    if default not in (None, (), False):
        yield f"default {default!r}"


def _true(facts: Mapping[str, object]) -> Iterator[str]:
    return (name for name, is_so in facts.items() if is_so)


def _kind(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        case = "" if kind.case_sensitive else " in any case"
        return f"one of {' '.join(map(str, kind.choices))}{case}"
    if isinstance(kind, click.IntRange):
        limits = (
            f"{'over' if kind.min_open else 'from'} {kind.min}" if kind.min is not None else "",
            f"{'under' if kind.max_open else 'to'} {kind.max}" if kind.max is not None else "",
        )
        return " ".join(("integer", *filter(None, limits)))
    if isinstance(kind, click.Path):
        return "file"
    if isinstance(kind, click.types.FuncParamType):
        return _reading(kind)
    return str(kind.name)


def _reading(kind: click.types.FuncParamType[Any, Any]) -> str:
    """The accepted values, by trial: a user does not see how the parameter is made."""
    taken = [given for given in SAMPLES if _takes(kind, given)]
    if taken == list(SAMPLES):
        return f"text to {_limit(kind)} characters"
    return f"takes {'; '.join(taken)}"


def _limit(kind: click.types.FuncParamType[Any, Any]) -> int | str:
    lowest, highest = 1, LONGEST
    if _takes(kind, "x" * highest):
        return "any number of"
    while highest - lowest > 1:
        middle = (lowest + highest) // 2
        lowest, highest = (middle, highest) if _takes(kind, "x" * middle) else (lowest, middle)
    return lowest


def _takes(kind: click.types.FuncParamType[Any, Any], given: str) -> bool:
    with suppress(IncidentsError, click.ClickException, ValueError):
        kind.func(given)
        return True
    return False
