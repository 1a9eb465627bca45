"""The intake rules as people and programs see them: those in force, and all that ever were."""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.desk.inbox import rule_owners
from incidents.intake import rules_file
from incidents.intake.rules import Rules
from incidents.store import entries
from incidents.store.inbox import intake_rules as store

if TYPE_CHECKING:
    from incidents.contract.documents.reports import CheckedRules, IntakeRules, RulesActivation

_AROUND = 10
"""The lines shown around a change: a whole rule, so that each changed line says of which."""
_HEAD = 2
"""The lines at the top of a comparison that name the two files."""


def in_force(connection: Connection) -> IntakeRules:
    """The intake rules in force; rules without any rule if none were ever activated."""
    last = store.last(connection)
    if last is None:
        none = Rules()
        return {
            "rules": none.digest, "toml": none.toml(), "activated_at": None, "by": None,
            "reason": None, "stopped": [],
        }  # fmt: skip
    return {
        "rules": last.digest, "toml": last.toml, "activated_at": rfc3339(last.activated_at),
        "by": last.by, "reason": entries.values(connection, [last.reason]).get(last.reason),
        "stopped": rule_owners.stopped(connection, rules_file.read(last.toml)),
    }  # fmt: skip


def checked(connection: Connection, rules: Rules) -> CheckedRules:
    """What an activation of the rules would bring into force, and what would refuse it."""
    return {
        "rules": rules.digest, "toml": rules.toml(),
        "stopped": rule_owners.stopped(connection, rules),
    }  # fmt: skip


def history(connection: Connection) -> list[RulesActivation]:
    """Every activation of intake rules, earliest first, each with what it changed.

    `reason` is None if it was erased.
    """
    found = store.every(connection)
    reasons = entries.values(connection, [each.reason for each in found]) if found else {}
    files = [Rules().toml(), *(each.toml for each in found)]
    previous = [None, *(each.digest for each in found)]
    return [
        {
            "rules": each.digest, "previous": before, "activated_at": rfc3339(each.activated_at),
            "by": each.by, "reason": reasons.get(each.reason), "toml": each.toml,
            "changes": _changes(*step),
        }
        for each, before, step in zip(found, previous, pairwise(files), strict=False)
    ]  # fmt: skip


def _changes(before: str, after: str) -> list[str]:
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=_AROUND)
    return list(islice(lines, _HEAD, None))
