"""The answers about policies: which is in force, which were, and what one would do."""

from __future__ import annotations

from typing import Any

from incidents.api.answers.base import Answer


class Change(Answer):
    """A number of the policy that differs."""

    key: str
    before: str
    after: str


class Activation(Answer):
    """When a policy was made the active one, by whom and why."""

    policy: str
    previous: str
    activated_at: str
    by: str
    login: str | None
    seconded_by: str | None
    reason: str | None
    toml: str
    changes: list[Change]


class Activations(Answer):
    """All that were ever active, the earliest first."""

    items: list[Activation]


class Policy(Answer):
    """The active policy: its digest, its file, its numbers, and each rule in words."""

    policy: str
    toml: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    activation: Activation | None


class Checked(Answer):
    """A policy that could be activated, and what it would change."""

    policy: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    changes: list[Change]


class Activated(Answer):
    """A new active policy, and what had fallen due under the one before."""

    policy: str
    previous: str
    changes: list[Change]
    events: list[dict[str, Any]]


class Mismatch(Answer):
    """What came out otherwise; `step` is null for the last look."""

    step: int | None
    at: str
    what: str
    expected: str
    got: str


class Trial(Answer):
    """What became of a scenario."""

    name: str
    passed: bool
    policy: str
    mismatches: list[Mismatch]


class Trials(Answer):
    """What became of all of them."""

    policy: str
    passed: bool
    items: list[Trial]


class Graphs(Answer):
    """The state machines, as Mermaid has them."""

    site: str
    incident: str
