"""The sample data: a month at a desk, its last day, and the people who work there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from incidents.accounts import secrets
from incidents.demo import reports, scenario
from incidents.demo.month import DAY, DAYS, Month
from incidents.demo.schedule import Schedule
from incidents.demo.simulated_desk import SimulatedDesk
from incidents.desk import accounts
from incidents.desk.own_stream import Actor

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

ADMINISTRATOR = "administrator-1"
PEOPLE = {
    ADMINISTRATOR: "administrator", "operator-1": "operator", "operator-2": "operator",
    "supervisor-1": "supervisor", "supervisor-2": "supervisor",
}  # fmt: skip
"""The accounts with their roles; the administrator is made first, as in each database."""


def play(engine: Engine, end: datetime, login: str, *, more: bool) -> None:
    """Do at the desk of a new database what the sample data says, up to `end` (aware).

    `more`: also what falls due soon after `end`, filings, and notices that were sent.
    """
    desk = SimulatedDesk(engine, end - (DAYS + 1) * DAY, login, notifies=more)
    schedule = Schedule(desk)
    Month(schedule, end - DAY).write()
    scenario.write(schedule, end, more=more)
    schedule.play(end)
    if more:
        reports.write(engine, end)


def add_people(connection: Connection, now: datetime, login: str, password: str) -> None:
    """Make the accounts, all with that password."""
    # Hashing takes long on purpose; it is one password.
    hash_ = secrets.hash_password(password, ADMINISTRATOR)
    for handle, role in PEOPLE.items():
        by = Actor(person=ADMINISTRATOR, login=login, signed_in=handle != ADMINISTRATOR)
        accounts.make(connection, by, handle, role, lambda: now)
        accounts.set_password(
            connection, by, handle, hash_, lambda: now, second_after=accounts.AT_ONCE
        )  # fmt: skip
