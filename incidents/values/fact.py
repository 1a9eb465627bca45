"""The facts of a command's fields, declared on the command itself as `Annotated[type, fact]`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Text of at most `limit` characters.

    Personal words are sealed: the record holds a salted commitment to them alone.
    """

    limit: int = 4_000
    personal: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these codes."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the caller saw, or how an address was written: no part of what is asked.

    The same act with the same key is the same request whatever was seen.
    """


@dataclass(frozen=True, slots=True)
class Replayed:
    """What only a replay of older entries says."""
