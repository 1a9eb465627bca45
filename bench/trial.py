"""A trial: contenders that are measured in turn on one database, and what is hoped of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["floor", "peer", "ours"]

FASTEST_PEER = "the fastest peer"
"""In place of a label in a target: the peer with the highest median."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; the same label comes again in each round."""

    label: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who is measured; `run` does one round and answers with its figures.

    `run` prepares what it needs outside the time that it takes. `how` says how it was set up.
    """

    name: str
    role: Role
    run: Callable[[], Sequence[Figure]]
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is hoped of the figure `of`, alone or divided by `against` round by round."""

    of: str
    against: str | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One table of the report.

    `floor` holds the floor's statements in their order; `left_out` says why a peer does not run.
    `rounds` is how often it is run, where that is not what was asked for.
    """

    scenario: str
    database: str
    title: str
    contenders: Sequence[Contender]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()
    floor: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    rounds: int | None = None
