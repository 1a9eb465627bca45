"""Who can own an intake rule: where there are accounts, an enabled one that may settle reports.

A rule whose owner cannot own it does nothing: every report that it matches waits for the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection

from incidents.accounts.identity import may
from incidents.intake.rules import Rules
from incidents.store.accounts import accounts
from incidents.store.accounts.accounts import Account

if TYPE_CHECKING:
    from incidents.contract.documents.reports import StoppedRule

Problem = Literal["no_account", "disabled", "role"]


def problem(connection: Connection, owner: str) -> Problem | None:
    """Why the person cannot own a rule; None if they can."""
    if not accounts.any_exist(connection):
        return None
    return _problem(accounts.account(connection, owner))


def stopped(connection: Connection, rules: Rules) -> list[StoppedRule]:
    """The rules whose owners cannot own them, in the order of the rules; one query."""
    known: Mapping[str, Account] = {each.handle: each for each in accounts.every(connection)}
    if not known:
        return []
    return [
        {"rule": rule.name, "owner": rule.owner, "why": why}
        for rule in rules.rules
        if (why := _problem(known.get(rule.owner))) is not None
    ]


def _problem(found: Account | None) -> Problem | None:
    if found is None:
        return "no_account"
    if found.disabled_at is not None:
        return "disabled"
    return None if may(found.role, "settle_report") else "role"
