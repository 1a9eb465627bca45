"""The migration to sessions with ids and a log of sign-ins (0011), there and back."""

from sqlalchemy import select, update

from incidents.accounts.authenticator import Authenticator
from incidents.accounts.serve_key import UNSEALED
from incidents.desk import accounts as acts
from incidents.desk.own_stream import Actor
from incidents.machine import commands as c
from incidents.store.database.engine import reading, writing
from incidents.store.schema import tables
from incidents.store.schema.access_tables import accounts, sessions, tokens
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0010"
BY = Actor(person="admin-1", login="root", signed_in=True)
TWO_PEOPLE = "[closure]\ntwo_people = true\n"


def waiting(day: Rehearsal) -> list[int | None]:
    """The incident of each closure that waits for a second person."""
    with reading(day.engine) as connection:
        of = tables.work.c
        return list(connection.scalars(select(of.incident).where(of.kind == "closure")))


def test_accounts_stay_sessions_end_and_refusals_are_counted_from_then_on(db_url: str) -> None:
    with rehearsal(db_url) as day:
        authenticator = Authenticator(day.engine, lambda: day.now, UNSEALED)
        day.desk.on_record(
            lambda each: acts.make(each, BY, "admin-1", "administrator", lambda: day.now)
        )
        authenticator.begin("admin-1")
        before = rows(day, accounts, tokens)
        assert there_and_back(day, BEFORE) >= {"sign_ins", "refusals"}
        assert rows(day, accounts, tokens) == before
        assert rows(day, sessions) == [[]]
        assert authenticator.begin("admin-1").identity.session is not None
        assert day.findings() == []


def test_a_closure_that_waits_is_given_the_incident_that_the_first_0007_left_out(
    db_url: str,
) -> None:
    with rehearsal(db_url) as day:
        day.desk.activate(TWO_PEOPLE, by="li", login=None, reason="two")
        day.add("r5.example")
        day.give(c.Log(by="li"), "r5.example")
        day.give(c.RecordContact(by="li", incident=1, outcome="reached"), "r5.example")
        day.give(c.StateRefused(by="li", incident=1), "r5.example")
        assert waiting(day) == [1]
        with writing(day.engine) as connection:
            lost = update(tables.work).where(tables.work.c.kind == "closure")
            connection.execute(lost.values(incident=None))
        there_and_back(day, BEFORE)
        assert waiting(day) == [1]
        assert day.findings() == []
