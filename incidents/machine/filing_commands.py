"""The commands about a filing: what people change in it, and what checks and terms bring up."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.machine.command import CHECKER, Command


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingCommand(Command):
    """Of the filing of a site (see `filing`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFiling(FilingCommand):
    """Change details: each a key and its text, and an empty text takes it away.

    `parts` change servers and documents part by part: each a key, the name of the part and its
    text. The desk puts them into what is filed, and the machine is given whole details alone.
    """

    details: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseSuspicion(FilingCommand):
    """Say that a check takes a detail for false: somebody looks, and may confirm it (R4)."""

    field: str
    finding: str
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind(FilingCommand):
    """Remind the desk of the terms of which a reminder is due on that day of its own zone."""

    on: str
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFooter(FilingCommand):
    """Record what the foot of the site's page lacks, as codes; nothing, if all is right."""

    problems: tuple[str, ...] = ()
    by: str = CHECKER
