"""Queries for the intake rules: those in force, and those that were."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from incidents.store.schema.report_tables import intake_rules


class InForce(NamedTuple):
    """Rules as they came into force, with a field for each column; times are in UTC."""

    n: int
    digest: str
    toml: str
    activated_at: datetime
    by: str
    reason: str


def last(connection: Connection) -> InForce | None:
    """The rules in force; None if there never were any."""
    asked = select(intake_rules).order_by(intake_rules.c.n.desc()).limit(1)
    row = connection.execute(asked).one_or_none()
    return None if row is None else InForce(*row)


def every(connection: Connection) -> list[InForce]:
    """All rules that ever came into force, earliest first."""
    return [
        InForce(*row) for row in connection.execute(select(intake_rules).order_by(intake_rules.c.n))
    ]


def texts(connection: Connection, digests: Iterable[str]) -> dict[str, str]:
    """The files of the rules with those digests."""
    own = intake_rules.c
    asked = select(own.digest, own.toml).where(own.digest.in_(sorted(set(digests))))
    return {row.digest: row.toml for row in connection.execute(asked)}


def add(connection: Connection, new: InForce) -> None:
    """Bring rules into force."""
    connection.execute(insert(intake_rules), [new._asdict()])
