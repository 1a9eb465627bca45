"""The policy in force, as views need it: its numbers."""

from __future__ import annotations

from sqlalchemy import Connection, select

from incidents.machine import policy
from incidents.machine.policy import Policy
from incidents.store.tables import desk, policies


def in_force(connection: Connection) -> Policy:
    """The active policy."""
    joined = desk.join(policies, policies.c.digest == desk.c.policy)
    return policy.read(connection.execute(select(policies.c.toml).select_from(joined)).scalar_one())
